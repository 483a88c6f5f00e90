//! Whoever is refused too often is told so late, and hung up on if it does not heed that.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;
use weald_certs::{Link, Listener};
use weald_proto::Reason;
use weald_proto::service::node_agent_service_server::NodeAgentServiceServer;

use crate::calls::{ASK, Dribble, EMPTY, body, reason, request};
use crate::world::{PATIENCE, Served, Slow, Teller, World, ask, until};

const LATE: Duration = Duration::from_millis(300);

/// A federation in which nobody may be refused even once, and is forgiven so many times a second.
fn strict(refusals_per_second: u32) -> World {
    let mut world = World::new();
    (world.limits.refusals, world.limits.refusals_per_second) = (1, refusals_per_second);
    world.limits.late_time = LATE;
    world
}

/// A node, and a broker's link to it on which a call was refused.
async fn refused_once(world: &World) -> (Served, Link) {
    let mut node = world.serve_node().await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    let unknown = request("/weald.service.v1.NodeAgentService/Tell", body(EMPTY));
    assert_eq!(reason(&link, unknown).await, Reason::MethodUnknown);
    assert_eq!(node.next_refused().await.reason, Reason::MethodUnknown);
    (node, link)
}

#[tokio::test]
async fn whoever_is_refused_too_often_hears_it_late_and_nobody_else_waits() {
    let world = strict(0);
    let (node, link) = refused_once(&world).await;
    let other = world.dial_node(world.credentials(&world.other_broker()), &node).await.unwrap();

    let began = Instant::now();
    let refused = tokio::spawn(async move { ask(link).await.unwrap_err() });
    let mut served = 0;
    while !refused.is_finished() {
        let asked = Instant::now();
        ask(other.clone()).await.unwrap();
        served += u32::from(asked.elapsed() < LATE);
    }
    assert_eq!(Reason::of_status(&refused.await.unwrap()), Some(Reason::TooManyRequests));
    assert!(began.elapsed() >= LATE, "{:?}", began.elapsed());
    assert!(served > 3, "{served} of the other's calls were answered sooner");
}

#[tokio::test]
async fn a_body_that_nobody_will_look_at_is_not_waited_for() {
    let mut world = strict(0);
    world.limits.body_time = PATIENCE * 2;
    let (node, link) = refused_once(&world).await;
    let endless = request(ASK, Dribble::every(Duration::from_millis(1)));
    assert_eq!(reason(&link, endless).await, Reason::TooManyRequests);
    assert_eq!(node.occupancy.requests(), 0);
}

#[tokio::test]
async fn nothing_is_late_once_it_is_forgiven() {
    let world = strict(1);
    let (_node, link) = refused_once(&world).await;
    while ask(link.clone()).await.is_err() {}
    let began = Instant::now();
    ask(link).await.unwrap();
    assert!(began.elapsed() < LATE, "{:?}", began.elapsed());
}

#[tokio::test]
async fn whoever_does_not_heed_it_is_hung_up_on_and_its_address_pays() {
    let mut world = strict(0);
    (world.limits.late_refusals, world.limits.late_refusals_per_second) = (5, 0);
    (world.limits.faults, world.limits.faults_per_second) = (0, 0);
    (world.limits.slow_handshakes_per_second, world.limits.turn_time) = (1, Duration::from_millis(1));
    let (mut node, link) = refused_once(&world).await;
    let calls: JoinSet<_> = (0..6).map(|_| ask(link.clone())).collect();
    let told = calls.join_all().await;
    assert!(told.iter().all(Result::is_err), "{told:?}");
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::TooManyRequests, Some(world.broker())));
    assert!(report.detail.contains("went on calling"), "{}", report.detail);
    let occupancy = &node.occupancy;
    until(|| occupancy.connections() == 0).await;
    // Of those that heard it late.
    while node.refused.try_recv().is_ok() {}

    let dial = || world.dial_node(world.credentials(&world.other_broker()), &node);
    let mut entered = 0;
    while dial().await.is_ok() {
        entered += 1;
        assert!(entered < 5, "nobody minds");
    }
    assert_eq!(node.next_refused().await.reason, Reason::TooManyConnections);
}

#[tokio::test]
async fn whoever_is_hung_up_on_hears_the_answers_of_calls_that_had_begun() {
    let mut world = strict(0);
    (world.limits.requests_per_identity, world.limits.refusals) = (1, 1);
    (world.limits.late_refusals, world.limits.late_refusals_per_second) = (1, 0);
    let (tell, mut callers) = mpsc::unbounded_channel();
    let may_answer = Arc::default();
    let slow = Slow { tell, may_answer: Arc::clone(&may_answer) };
    let (mut broker, link) = world.serve_records(Routes::new(NodeAgentServiceServer::new(slow))).await;
    let begun = AbortOnDropHandle::new(tokio::spawn(ask(link.clone())));
    callers.recv().await.unwrap();
    for told in ["in flight", "refused too often"] {
        ask(link.clone()).await.unwrap_err();
        assert!(broker.next_refused().await.detail.contains(told));
    }
    let heedless = AbortOnDropHandle::new(tokio::spawn(ask(link)));
    assert!(broker.next_refused().await.detail.contains("went on calling"));
    may_answer.notify_one();
    begun.await.unwrap().unwrap();
    heedless.await.unwrap().unwrap_err();
    broker.until_empty().await;
}

/// The reasons of calls whose bodies never come, and of one more.
async fn without_bodies(listener: Listener) -> Vec<Reason> {
    let mut world = strict(0);
    (world.limits.refusals, world.limits.body_time) = (2, Duration::from_millis(50));
    let (served, link) = match listener {
        Listener::Broker => {
            let (tell, _callers) = mpsc::unbounded_channel();
            world.serve_records(Routes::new(NodeAgentServiceServer::new(Teller(tell)))).await
        }
        Listener::Node | Listener::Authority => {
            let node = world.serve_node().await;
            let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
            (node, link)
        }
    };
    let mut reasons = Vec::new();
    for _ in 0..3 {
        reasons.push(reason(&link, request(ASK, Dribble::every(PATIENCE * 2))).await);
    }
    drop(served);
    reasons
}

#[tokio::test]
async fn bodies_that_do_not_come_are_held_against_a_viewer_app_and_not_against_a_broker() {
    let cut = Reason::DeadlineExceeded;
    assert_eq!(without_bodies(Listener::Broker).await, [cut, cut, Reason::TooManyRequests]);
    assert_eq!(without_bodies(Listener::Node).await, [cut, cut, cut]);
}

#[tokio::test]
async fn calls_beyond_what_a_viewer_app_may_have_in_flight_are_held_against_it() {
    let mut world = strict(0);
    (world.limits.requests_per_identity, world.limits.refusals) = (1, 3);
    let (tell, mut callers) = mpsc::unbounded_channel();
    let slow = Slow { tell, may_answer: Arc::default() };
    let (mut broker, link) = world.serve_records(Routes::new(NodeAgentServiceServer::new(slow))).await;
    let _running = AbortOnDropHandle::new(tokio::spawn(ask(link.clone())));
    callers.recv().await.unwrap();
    for _ in 0..3 {
        ask(link.clone()).await.unwrap_err();
        assert!(broker.next_refused().await.detail.contains("in flight"));
    }
    let began = Instant::now();
    ask(link).await.unwrap_err();
    assert!(broker.next_refused().await.detail.contains("refused too often"));
    assert!(began.elapsed() >= LATE, "{:?}", began.elapsed());
}
