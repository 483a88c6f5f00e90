//! Everything has a limit, whoever reaches it is told, and nobody else notices.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tonic::Code;
use tonic::service::Routes;
use tonic_types::StatusExt as _;
use weald_certs::{ConnectError, Link, Listener};
use weald_proto::service::node_agent_service_server::NodeAgentServiceServer;
use weald_proto::{Reason, SpiffeId};

use crate::calls::{ASK, Dribble, EMPTY, body, call, reason, request};
use crate::world::{PATIENCE, Served, Slow, World, ask, careless, dial_carelessly, until};

async fn dial(world: &World, node: &Served, id: &SpiffeId) -> Result<Link, ConnectError> {
    world.dial_node(world.credentials(id), node).await
}

#[tokio::test]
async fn an_identity_has_so_many_connections_and_another_has_its_own() {
    let mut world = World::new();
    world.limits.connections_per_identity = 2;
    let mut node = world.serve_node().await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(dial(&world, &node, &world.broker()).await.unwrap());
    }

    let refused = dial(&world, &node, &world.broker()).await.unwrap_err();
    assert!(matches!(refused, ConnectError::HungUp), "{refused:?}");
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::TooManyConnections, Some(world.broker())));
    ask(dial(&world, &node, &world.other_broker()).await.unwrap()).await.unwrap();

    ask(held.remove(0)).await.unwrap();
    let occupancy = Arc::clone(&node.occupancy);
    until(|| occupancy.connections() == 1).await;
    ask(dial(&world, &node, &world.broker()).await.unwrap()).await.unwrap();
    held.clear();
    node.until_empty().await;
}

#[tokio::test]
async fn a_port_has_so_many_connections() {
    let mut world = World::new();
    world.limits.connections = 1;
    let mut node = world.serve_node().await;
    let held = dial(&world, &node, &world.broker()).await.unwrap();
    let mut refused = TcpStream::connect(node.address).await.unwrap();
    // Closed, or reset, before anything was said.
    assert!(matches!(refused.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::TooManyConnections, None));
    drop(held);
    node.until_empty().await;
    ask(dial(&world, &node, &world.broker()).await.unwrap()).await.unwrap();
}

/// A node that answers when it is let.
async fn serve_slow(world: &World) -> (Served, Arc<Notify>) {
    let (tell, callers) = mpsc::unbounded_channel();
    let may_answer = Arc::new(Notify::new());
    let routes = Routes::new(NodeAgentServiceServer::new(Slow { tell, may_answer: Arc::clone(&may_answer) }));
    let (any, credentials) = ("127.0.0.1:0".parse().unwrap(), world.credentials(&world.node("RVV")));
    (world.serve_routes(any, Listener::Node, credentials, routes, callers).await, may_answer)
}

#[tokio::test]
async fn an_identity_has_so_many_calls_in_flight_over_all_its_connections() {
    let mut world = World::new();
    world.limits.requests_per_identity = 2;
    let (mut node, may_answer) = serve_slow(&world).await;
    let mut running = Vec::new();
    for _ in 0..2 {
        running.push(tokio::spawn(ask(dial(&world, &node, &world.broker()).await.unwrap())));
        node.callers.recv().await.unwrap();
    }
    assert_eq!(node.occupancy.requests(), 2);

    let third = dial(&world, &node, &world.broker()).await.unwrap();
    let refused = ask(third.clone()).await.unwrap_err();
    assert_eq!(Reason::of_status(&refused), Some(Reason::TooManyRequests));
    assert_eq!(refused.get_details_retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::TooManyRequests, Some(world.broker())));
    running.push(tokio::spawn(ask(dial(&world, &node, &world.other_broker()).await.unwrap())));
    assert_eq!(node.callers.recv().await.unwrap().spiffe_id(), &world.other_broker());

    for answered in running {
        may_answer.notify_one();
        answered.await.unwrap().unwrap();
    }
    may_answer.notify_one();
    ask(third).await.unwrap();
    node.until_empty().await;
}

#[tokio::test]
async fn a_connection_has_so_many_streams() {
    let mut world = World::new();
    world.limits.streams_per_connection = 2;
    let (mut node, may_answer) = serve_slow(&world).await;
    let link = dial(&world, &node, &world.broker()).await.unwrap();
    let running: Vec<_> = (0..5).map(|_| tokio::spawn(ask(link.clone()))).collect();
    for answered in running {
        node.callers.recv().await.unwrap();
        assert!(node.occupancy.requests() <= 2);
        may_answer.notify_one();
        drop(answered);
    }
}

#[tokio::test]
async fn whoever_is_refused_too_often_waits_while_others_are_served() {
    let mut world = World::new();
    (world.limits.refusals, world.limits.refusals_per_second) = (3, 1);
    let mut node = world.serve_node().await;
    let link = dial(&world, &node, &world.broker()).await.unwrap();
    let unknown = || request("/weald.service.v1.NodeAgentService/Tell", body(EMPTY));
    let mut refusals = 0;
    let status = loop {
        let status = call(&link, unknown()).await;
        match Reason::of_status(&status) {
            Some(Reason::MethodUnknown) => refusals += 1,
            Some(Reason::TooManyRequests) => break status,
            other => panic!("{other:?}"),
        }
    };
    assert!(refusals >= 3, "{refusals}");
    let wait = status.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    assert!(node.callers.try_recv().is_err());

    ask(dial(&world, &node, &world.other_broker()).await.unwrap()).await.unwrap();
    let forgiven = async { while ask(link.clone()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, forgiven).await.unwrap();
}

#[tokio::test]
async fn a_body_that_dribbles_is_cut_off() {
    let mut world = World::new();
    world.limits.body_time = Duration::from_millis(100);
    let mut node = world.serve_node().await;
    let link = dial(&world, &node, &world.broker()).await.unwrap();
    let slow = request(ASK, Dribble::every(Duration::from_millis(10)));
    let status = call(&link, slow).await;
    assert_eq!(Reason::of_status(&status), Some(Reason::DeadlineExceeded));
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, "the request did not arrive in time"));
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::DeadlineExceeded, Some(world.broker())));
    assert!(node.callers.try_recv().is_err());
    ask(link.clone()).await.unwrap();
    drop(link);
    node.until_empty().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_cut_off() {
    let mut world = World::new();
    world.limits.body_time = Duration::from_millis(50);
    let node = world.serve_node().await;
    let link = dial(&world, &node, &world.broker()).await.unwrap();
    let never = request(ASK, Dribble::every(PATIENCE * 2));
    assert_eq!(reason(&link, never).await, Reason::DeadlineExceeded);
}

#[tokio::test]
async fn http_2_that_is_never_begun_is_hung_up_on() {
    let mut world = World::new();
    world.limits.head_time = Duration::from_millis(100);
    let mut node = world.serve_node().await;
    let config = Arc::new(careless(Some(world.credentials(&world.broker())), &[b"h2"]));
    for begun in [&b""[..], b"PRI * HTTP/2"] {
        let mut silent = dial_carelessly(&config, node.address).await.unwrap();
        silent.write_all(begun).await.unwrap();
        let report = node.next_refused().await;
        assert_eq!((report.reason, report.peer), (Reason::HandshakeTimedOut, Some(world.broker())));
        node.until_empty().await;
    }
}

#[tokio::test]
async fn an_http_1_connection_that_idles_or_never_ends_its_head_is_closed() {
    let mut world = World::new();
    world.limits.head_time = Duration::from_millis(100);
    let broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let config = Arc::new(careless(Some(world.credentials(&world.viewer())), &[b"http/1.1"]));
    for begun in [&b""[..], b"GET / HTTP/1.1\r\nhost: b", b"GET / HTTP/1.1\r\nhost: b\r\n\r\n"] {
        let mut stream = dial_carelessly(&config, broker.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        broker.until_empty().await;
    }
}
