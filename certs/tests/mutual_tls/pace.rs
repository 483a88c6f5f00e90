//! Handshakes of one address begin at a pace, and slowly once too many of its connections had to be ended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use weald_proto::Reason;

use crate::flood::{Heedless, RST_STREAM, from_elsewhere};
use crate::world::{PATIENCE, Served, World, ask, careless, until};

/// A federation in which one fault is too many, and forgiven after as many seconds; meanwhile one handshake a
/// second may begin, and nobody waits for it.
fn strict(faults_per_second: u32) -> World {
    let mut world = World::new();
    world.limits.faults = 0;
    world.limits.faults_per_second = faults_per_second;
    world.limits.slow_handshakes_per_second = 1;
    world.limits.turn_time = Duration::from_millis(1);
    world
}

/// Says what is no TLS from elsewhere, until it is closed.
async fn speak_no_tls(node: &Served) {
    let mut wrong = from_elsewhere(node.address).await;
    wrong.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    while wrong.read(&mut [0; 256]).await.is_ok_and(|read| read > 0) {}
}

/// True if somebody from elsewhere is let in.
async fn enters_from_elsewhere(world: &World, node: &Served) -> bool {
    let config = careless(Some(world.credentials(&world.other_broker())), &[b"h2"]);
    enters(Arc::new(config), node.address).await
}

/// Only the node's first word shows that it has heard the end of the handshake: whoever goes before it is at fault.
async fn enters(config: Arc<ClientConfig>, to: SocketAddr) -> bool {
    let name = ServerName::try_from("node.example").unwrap();
    match TlsConnector::from(config).connect(name, from_elsewhere(to).await).await {
        Ok(mut stream) => stream.read(&mut [0; 1]).await.is_ok_and(|read| read == 1),
        Err(_) => false,
    }
}

#[tokio::test]
async fn an_address_at_fault_is_closed_to_beyond_its_pace_and_another_is_let_in_at_once() {
    let world = strict(0);
    let mut node = world.serve_node().await;
    assert!(enters_from_elsewhere(&world, &node).await);
    speak_no_tls(&node).await;
    assert_eq!(node.next_refused().await.reason, Reason::HandshakeFailed);

    // One turn has perhaps come already.
    let mut entered = 0;
    while enters_from_elsewhere(&world, &node).await {
        entered += 1;
        assert!(entered < 5, "nobody minds");
    }
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::TooManyConnections, None));
    assert!(report.detail.contains("one address may begin"), "{}", report.detail);
    for _ in 0..10 {
        ask(world.dial_node(world.credentials(&world.broker()), &node).await.unwrap()).await.unwrap();
    }
    let again = async { while !enters_from_elsewhere(&world, &node).await {} };
    tokio::time::timeout(PATIENCE, again).await.expect("its turn comes");
}

#[tokio::test]
async fn a_fault_is_forgiven() {
    let world = strict(1);
    let mut node = world.serve_node().await;
    speak_no_tls(&node).await;
    assert_eq!(node.next_refused().await.reason, Reason::HandshakeFailed);
    let forgiven = async {
        loop {
            let mut entered = 0;
            while entered < 10 && enters_from_elsewhere(&world, &node).await {
                entered += 1;
            }
            if entered == 10 {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, forgiven).await.expect("all ten enter at once in the end");
}

#[tokio::test]
async fn whoever_breaks_the_rules_of_http_2_is_at_fault_and_whoever_just_goes_is_not() {
    let world = strict(0);
    let mut node = world.serve_node().await;
    for _ in 0..10 {
        let mut gone = Heedless::dial(&world, node.address).await;
        gone.open(0).await.unwrap();
        drop(gone);
    }
    let mut flood = Heedless::dial(&world, node.address).await;
    assert!(node.refused.try_recv().is_err());
    let (cancel, mut number) = (8_u32.to_be_bytes(), 0);
    while flood.open(number).await.is_ok() && flood.send(RST_STREAM, number, &cancel).await.is_ok() {
        number += 1;
        assert!(number < 200_000, "nobody minds");
    }
    let occupancy = &node.occupancy;
    until(|| occupancy.connections() == 0).await;
    let dial = || world.dial_node(world.credentials(&world.broker()), &node);
    let mut entered = 0;
    while dial().await.is_ok() {
        entered += 1;
        assert!(entered < 5, "nobody minds");
    }
    assert_eq!(node.next_refused().await.reason, Reason::TooManyConnections);
}

#[tokio::test]
async fn whoever_had_to_wait_and_then_talks_nonsense_is_at_fault() {
    let mut world = strict(0);
    (world.limits.handshakes_at_once, world.limits.handshakes_per_second) = (1, 5);
    world.limits.turn_time = Duration::from_millis(300);
    let mut node = world.serve_node().await;
    assert!(enters_from_elsewhere(&world, &node).await);
    speak_no_tls(&node).await;
    assert_eq!(node.next_refused().await.reason, Reason::HandshakeFailed);
    let mut entered = 0;
    while enters_from_elsewhere(&world, &node).await {
        entered += 1;
        assert!(entered < 5, "nobody minds");
    }
    assert_eq!(node.next_refused().await.reason, Reason::TooManyConnections);
}

#[tokio::test]
async fn whoever_does_not_believe_our_certificate_is_not_at_fault() {
    let (world, elsewhere) = (strict(0), World::named("sussex.weald.example"));
    let mut node = world.serve_node().await;
    for _ in 0..5 {
        elsewhere.dial_node(elsewhere.credentials(&elsewhere.broker()), &node).await.unwrap_err();
        let report = node.next_refused().await;
        assert!(report.detail.contains("the caller gave up"), "{report:?}");
    }
    for _ in 0..5 {
        ask(world.dial_node(world.credentials(&world.broker()), &node).await.unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn a_crowd_from_one_address_is_let_in_one_after_the_other() {
    const CROWD: usize = 20;
    let mut world = World::new();
    (world.limits.handshakes_at_once, world.limits.handshakes_per_second) = (1, 50);
    let node = world.serve_node().await;
    let config = Arc::new(careless(Some(world.credentials(&world.other_broker())), &[b"h2"]));
    let began = Instant::now();
    let crowd: JoinSet<bool> = (0..CROWD).map(|_| enters(Arc::clone(&config), node.address)).collect();
    assert_eq!(crowd.join_all().await, [true; CROWD]);
    assert!(began.elapsed() >= Duration::from_millis(20) * 18, "{:?}", began.elapsed());
}
