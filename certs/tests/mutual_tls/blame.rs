//! Whoever is refused too often waits, unless it was somebody else's fault.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use weald_certs::{Link, Listener};
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer};
use weald_proto::service::{AskRequest, AskResponse, SessionRequest, SessionResponse};
use weald_proto::{Reason, Told};

use crate::world::{World, ask};

/// Refuses everything for one reason.
struct Refusing(Reason);

#[tonic::async_trait]
impl NodeAgentService for Refusing {
    type SessionStream = BoxStream<SessionResponse>;

    async fn session(&self, _: Request<Streaming<SessionRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, _: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        Err(self.0.to_status(&Told::default()))
    }
}

fn refusing(reason: Reason) -> Routes {
    Routes::new(NodeAgentServiceServer::new(Refusing(reason)))
}

/// A federation in which nobody may be refused more than twice.
fn strict() -> World {
    let mut world = World::new();
    (world.limits.refusals, world.limits.refusals_per_second) = (2, 0);
    world.limits.late_time = Duration::from_millis(10);
    world
}

/// The reasons of the third call and those after it.
async fn reasons(link: Link) -> Vec<Option<Reason>> {
    let mut told = Vec::new();
    for _ in 0..6 {
        told.push(Reason::of_status(&ask(link.clone()).await.unwrap_err()));
    }
    told.split_off(3)
}

async fn at_a_node(reason: Reason) -> Vec<Option<Reason>> {
    let world = strict();
    let (_, callers) = mpsc::unbounded_channel();
    let (any, credentials) = ("127.0.0.1:0".parse().unwrap(), world.credentials(&world.node("RVV")));
    let node = world.serve_routes(any, Listener::Node, credentials, refusing(reason), callers).await;
    reasons(world.dial_node(world.credentials(&world.broker()), &node).await.unwrap()).await
}

#[tokio::test]
async fn a_viewer_app_with_bad_assertions_does_not_lock_the_broker_out_of_a_node() {
    for reason in [Reason::AssertionNotYet, Reason::AssertionExpired, Reason::RoleUnknown, Reason::RegisterTooOld] {
        assert_eq!(at_a_node(reason).await, [Some(reason); 3]);
    }
}

#[tokio::test]
async fn what_a_good_assertion_is_refused_for_does_not_lock_the_other_users_of_its_app_out() {
    for reason in [Reason::PolicyRefused, Reason::RoleUnknown] {
        let (_broker, link) = strict().serve_records(refusing(reason)).await;
        assert_eq!(reasons(link).await, [Some(reason); 3]);
    }
}

#[tokio::test]
async fn a_broker_whose_clock_is_ahead_is_not_locked_out() {
    assert_eq!(at_a_node(Reason::QueryNotYet).await, [Some(Reason::QueryNotYet); 3]);
}

#[tokio::test]
async fn a_broker_with_bad_queries_waits_and_so_does_a_viewer_app_with_bad_assertions() {
    assert_eq!(at_a_node(Reason::QuerySignature).await, [Some(Reason::TooManyRequests); 3]);
    let (_broker, link) = strict().serve_records(refusing(Reason::AssertionNotYet)).await;
    assert_eq!(reasons(link).await, [Some(Reason::TooManyRequests); 3]);
}
