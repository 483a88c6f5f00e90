//! Nodes dial in, and are asked.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use rustls::AlertDescription;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::client::GrpcService as _;
use tonic::service::Routes;
use weald_certs::{
    Acceptor, Attach, Attached, Attachment, AttachmentState, CertificateFault, ConnectError, Entrance, Limits, Link,
    Listener, LogOnly, PeerIdentity,
};
use weald_proto::service::node_agent_service_server::NodeAgentServiceServer;
use weald_proto::{Reason, SpiffeId};

use crate::calls::{ASK, Dribble, EMPTY, body, reason, request};
use crate::world::{PATIENCE, Teller, World, ask};

/// A broker that keeps the links of whoever attaches, in order, until they end.
#[derive(Clone)]
struct Broker {
    links: Arc<Mutex<Vec<Link>>>,
    count: Arc<watch::Sender<usize>>,
}

impl Broker {
    fn new() -> Self {
        Broker { links: Arc::default(), count: Arc::new(watch::channel(0).0) }
    }

    async fn has(&self, links: usize) {
        let mut count = self.count.subscribe();
        tokio::time::timeout(PATIENCE * 5, count.wait_for(|count| *count == links)).await.unwrap().unwrap();
    }

    fn links(&self) -> Vec<Link> {
        self.links.lock().unwrap().clone()
    }

    fn release(&self) {
        self.links.lock().unwrap().clear();
    }
}

impl Attach for Broker {
    fn attached(&self, link: Link) -> Attached {
        self.links.lock().unwrap().push(link);
        self.count.send_modify(|count| *count += 1);
        struct Ending(Broker);
        impl Drop for Ending {
            fn drop(&mut self) {
                self.0.links.lock().unwrap().retain(|link| !link.is_closed());
                self.0.count.send_modify(|count| *count -= 1);
            }
        }
        Box::new(Ending(self.clone()))
    }
}

struct Port {
    address: SocketAddr,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

async fn open(world: &World, broker: &Broker, port: u16) -> Port {
    let entrance = Entrance {
        listener: Listener::Broker,
        credentials: world.credentials(&world.broker()),
        trust: Arc::clone(&world.trust),
        clock: Arc::new(world.clock.clone()),
        attach: Arc::new(broker.clone()),
        watch: Arc::new(LogOnly::default()),
        limits: Limits::default(),
        strangers: None,
    };
    let acceptor = Acceptor::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), entrance).await.unwrap();
    let (address, shutdown) = (acceptor.local_address(), CancellationToken::new());
    let ended = acceptor.serve(Routes::default(), shutdown.clone());
    Port { address, shutdown, ended }
}

struct Node {
    state: watch::Receiver<AttachmentState>,
    callers: mpsc::UnboundedReceiver<PeerIdentity>,
    shutdown: CancellationToken,
    ended: JoinHandle<()>,
}

impl Node {
    async fn fault(&mut self) -> ConnectError {
        let waiting = |state: &AttachmentState| matches!(state, AttachmentState::Waiting { fault: Some(_), .. });
        let state = tokio::time::timeout(PATIENCE * 5, self.state.wait_for(waiting)).await.unwrap().unwrap().clone();
        let AttachmentState::Waiting { fault, .. } = state else { panic!("{state:?}") };
        fault.unwrap()
    }
}

fn attach(world: &World, id: &SpiffeId, broker: SpiffeId, address: SocketAddr) -> Node {
    let (tell, callers) = mpsc::unbounded_channel();
    let attachment = Attachment {
        connector: world.connector(world.credentials(id)),
        address: address.to_string(),
        broker,
        routes: Routes::new(NodeAgentServiceServer::new(Teller(tell))),
        company: Arc::default(),
    };
    let shutdown = CancellationToken::new();
    let (state, ended) = attachment.keep(shutdown.clone());
    Node { state, callers, shutdown, ended }
}

#[tokio::test]
async fn a_node_that_dials_in_is_asked_as_if_it_had_been_dialled() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    let mut node = attach(&world, &world.node("RVV"), world.broker(), port.address);
    broker.has(1).await;
    let [link] = &broker.links()[..] else { panic!("one link") };
    assert_eq!(link.peer(), &world.node("RVV"));
    ask(link.clone()).await.unwrap();
    assert_eq!(node.callers.recv().await.unwrap().spiffe_id(), &world.broker());
    assert!(node.state.borrow().is_attached());
}

#[tokio::test]
async fn only_nodes_come_through_the_door_at_which_nodes_attach() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    for id in [world.viewer(), world.broker()] {
        let fault = attach(&world, &id, world.broker(), port.address).fault().await;
        assert!(matches!(fault, ConnectError::Refused(AlertDescription::AccessDenied)), "{id}: {fault:?}");
    }
    assert_eq!(broker.links().len(), 0);
}

#[tokio::test]
async fn a_node_attaches_to_the_broker_that_it_means_and_to_nobody_else() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    let other = SpiffeId::broker(&world.federation, "b2").unwrap();
    let fault = attach(&world, &world.node("RVV"), other, port.address).fault().await;
    assert!(matches!(fault, ConnectError::Certificate(CertificateFault::OtherParty)), "{fault:?}");
}

#[tokio::test]
async fn a_broker_asks_a_node_that_attaches_within_bounds() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    let _node = attach(&world, &world.node("RVV"), world.broker(), port.address);
    broker.has(1).await;
    let link = broker.links()[0].clone();
    let mut padded = request(ASK, body(EMPTY));
    padded.headers_mut().insert("padding", "p".repeat(40 << 10).parse().unwrap());
    let too_large = link.clone().call(padded).await;
    assert!(too_large.as_ref().is_err() || too_large.is_ok_and(|answer| answer.status() == 431));
    assert_eq!(reason(&link, request(ASK, Dribble::every(PATIENCE * 2))).await, Reason::DeadlineExceeded);
    ask(link).await.unwrap();
    drop(port);
}

#[tokio::test]
async fn a_node_comes_back_when_the_broker_does() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    let mut node = attach(&world, &world.node("RVV"), world.broker(), port.address);
    broker.has(1).await;
    broker.release();
    port.shutdown.cancel();
    port.ended.await.unwrap();
    broker.has(0).await;
    assert!(matches!(node.fault().await, ConnectError::Network(_)));

    let port = open(&world, &broker, port.address.port()).await;
    broker.has(1).await;
    ask(broker.links()[0].clone()).await.unwrap();
    drop(port);
}

#[tokio::test]
async fn a_node_that_stops_ends_what_it_is_asked_first_and_does_not_come_back() {
    let (world, broker) = (World::new(), Broker::new());
    let port = open(&world, &broker, 0).await;
    let node = attach(&world, &world.node("RVV"), world.broker(), port.address);
    broker.has(1).await;
    node.shutdown.cancel();
    node.ended.await.unwrap();
    broker.has(0).await;
    drop(port);
}
