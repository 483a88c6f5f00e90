//! Links are kept, shared and replaced.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::task::JoinSet;
use weald_certs::{ConnectError, Connector, Links, Listener};
use weald_proto::env::Env;
use weald_proto::network::{Connecting, Network, TcpNetwork};

use crate::world::{PATIENCE, Served, World, ask};

/// TCP that counts.
#[derive(Default)]
struct Counted(AtomicUsize);

impl Network for Counted {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        self.0.fetch_add(1, Ordering::SeqCst);
        TcpNetwork.connect(address)
    }
}

impl Counted {
    fn dials(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn links(world: &World) -> (Links, Arc<Counted>) {
    let counted = Arc::new(Counted::default());
    let env = Env { network: Arc::<Counted>::clone(&counted), ..world.env() };
    let connector = Connector::new(world.credentials(&world.broker()), Arc::clone(&world.trust), env);
    (Links::new(connector, PATIENCE), counted)
}

async fn stop(served: Served) {
    served.shutdown.cancel();
    served.ended.await.unwrap();
}

#[tokio::test]
async fn many_callers_share_one_dial_and_later_ones_its_link() {
    let world = World::new();
    let node = world.serve_node().await;
    let (links, counted) = links(&world);
    let (address, expected) = (node.address.to_string(), world.node("RVV"));

    let mut callers = JoinSet::new();
    for _ in 0..20 {
        let (links, address, expected) = (links.clone(), address.clone(), expected.clone());
        callers.spawn(async move { ask(links.link(&address, &expected).await.unwrap()).await.unwrap() });
    }
    callers.join_all().await;
    links.link(&address, &expected).await.unwrap();

    assert_eq!(counted.dials(), 1);
}

#[tokio::test]
async fn each_party_has_a_link_of_its_own() {
    let world = World::new();
    let other = world.serve(Listener::Node, world.credentials(&world.node("G82001"))).await;
    let node = world.serve_node().await;
    let (links, counted) = links(&world);
    for (served, ods) in [(&node, "RVV"), (&other, "G82001"), (&node, "RVV")] {
        let link = links.link(&served.address.to_string(), &world.node(ods)).await.unwrap();
        assert_eq!(link.peer(), &world.node(ods));
    }
    assert_eq!(counted.dials(), 2);
}

#[tokio::test]
async fn a_link_that_has_closed_is_dialled_again() {
    let world = World::new();
    let first = world.serve_node().await;
    let (links, counted) = links(&world);
    let (address, expected) = (first.address, world.node("RVV"));
    let link = links.link(&address.to_string(), &expected).await.unwrap();
    stop(first).await;
    assert!(ask(link).await.is_err());

    let failed = links.link(&address.to_string(), &expected).await.unwrap_err();
    assert!(matches!(failed, ConnectError::Network(std::io::ErrorKind::ConnectionRefused)));

    let again = world.serve_at(address, Listener::Node, world.credentials(&expected)).await;
    ask(links.link(&again.address.to_string(), &expected).await.unwrap()).await.unwrap();
    assert_eq!(counted.dials(), 3);
}

#[tokio::test]
async fn callers_share_a_failed_dial_and_it_is_not_remembered() {
    let world = World::new();
    let node = world.serve_node().await;
    let (links, counted) = links(&world);
    let (address, wrong) = (node.address.to_string(), world.node("G82001"));
    for round in 1..=2 {
        let mut callers = JoinSet::new();
        for _ in 0..10 {
            let (links, address, wrong) = (links.clone(), address.clone(), wrong.clone());
            callers.spawn(async move { links.link(&address, &wrong).await.is_err() });
        }
        assert_eq!(callers.join_all().await, [true; 10]);
        assert_eq!(counted.dials(), round);
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_end_the_dial_of_the_others() {
    let world = World::new();
    let node = world.serve_node().await;
    let (links, counted) = links(&world);
    let (address, expected) = (node.address.to_string(), world.node("RVV"));
    {
        let mut first = Box::pin(links.link(&address, &expected));
        assert!(pending(first.as_mut()).await);
    }
    links.link(&address, &expected).await.unwrap();
    assert_eq!(counted.dials(), 1);
}

/// Polls once; true if that was not enough.
async fn pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
