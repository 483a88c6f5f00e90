//! Answers that nobody reads.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tower::Service as _;
use weald_certs::Listener;
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer};
use weald_proto::service::{AskRequest, AskResponse};
use weald_proto::{Reason, wire};

use crate::calls::{ASK, EMPTY, body, request};
use crate::world::{Served, World, ask, until};

/// More than a connection has room for.
const LARGE: usize = 16 << 20;

/// Answers with many bytes.
struct Lavish;

#[tonic::async_trait]
impl NodeAgentService for Lavish {
    type SessionStream = tonic::codegen::BoxStream<weald_proto::service::SessionResponse>;

    async fn session(
        &self,
        _: Request<tonic::Streaming<weald_proto::service::SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, _: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let answer = wire::Answer { identity: vec![0; LARGE], ..wire::Answer::default() };
        Ok(Response::new(AskResponse { answer: Some(answer) }))
    }
}

async fn serve_lavish(world: &World) -> Served {
    let (_, callers) = mpsc::unbounded_channel();
    let routes = Routes::new(NodeAgentServiceServer::new(Lavish));
    let (any, credentials) = ("127.0.0.1:0".parse().unwrap(), world.credentials(&world.node("RVV")));
    world.serve_routes(any, Listener::Node, credentials, routes, callers).await
}

#[tokio::test]
async fn whoever_does_not_read_an_answer_in_time_is_hung_up_on_and_nothing_is_kept() {
    let mut world = World::new();
    world.limits.leave_time = Duration::from_millis(300);
    let mut node = serve_lavish(&world).await;
    let mut link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    let unread = link.call(request(ASK, body(EMPTY))).await.unwrap();
    assert_eq!(node.occupancy.requests(), 1, "in flight until its last byte is sent");
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::DeadlineExceeded, Some(world.broker())));
    node.until_empty().await;
    drop(unread);
}

#[tokio::test]
async fn whoever_reads_a_large_answer_has_it_and_the_call_ends() {
    let mut world = World::new();
    world.limits.requests_per_identity = 1;
    let node = serve_lavish(&world).await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    let asked = weald_proto::service::node_agent_service_client::NodeAgentServiceClient::new(link.clone());
    let answer = asked.max_decoding_message_size(2 * LARGE).ask(AskRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.answer.unwrap().identity.len(), LARGE);
    until(|| node.occupancy.requests() == 0).await;
    // Too large for this client, which hangs up on the call alone.
    assert!(ask(link.clone()).await.is_err());
    until(|| node.occupancy.requests() == 0).await;
    assert_eq!(node.occupancy.connections(), 1);
}
