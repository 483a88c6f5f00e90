//! Whoever hangs up on its calls has no more of them at once than others, and not for ever.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc};
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use weald_certs::{CallGuard, Link, Listener};
use weald_proto::Reason;
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer};
use weald_proto::service::{AskRequest, AskResponse, SessionRequest, SessionResponse};

use crate::world::{Served, Slow, World, ask, until};

/// Has its work done by a task, which ends when it is let.
struct Detached {
    began: mpsc::UnboundedSender<()>,
    may_end: Arc<Notify>,
}

#[tonic::async_trait]
impl NodeAgentService for Detached {
    type SessionStream = BoxStream<SessionResponse>;

    async fn session(&self, _: Request<Streaming<SessionRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let guard = request.extensions().get::<CallGuard>().cloned().ok_or_else(|| Status::internal("no guard"))?;
        let may_end = Arc::clone(&self.may_end);
        let work = tokio::spawn(async move {
            may_end.notified().await;
            drop(guard);
        });
        self.began.send(()).ok();
        work.await.map_err(|_| Status::internal("failed"))?;
        Ok(Response::new(AskResponse::default()))
    }
}

/// A node with these routes, and a broker's link to it.
async fn serve_node(world: &World, routes: Routes) -> (Served, Link) {
    let (_, callers) = mpsc::unbounded_channel();
    let (any, credentials) = ("127.0.0.1:0".parse().unwrap(), world.credentials(&world.node("RVV")));
    let node = world.serve_routes(any, Listener::Node, credentials, routes, callers).await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    (node, link)
}

#[tokio::test]
async fn work_goes_on_counting_when_its_caller_has_hung_up() {
    let mut world = World::new();
    world.limits.requests_per_identity = 1;
    let (began, mut begun) = mpsc::unbounded_channel();
    let may_end = Arc::new(Notify::new());
    let detached = Detached { began, may_end: Arc::clone(&may_end) };
    let (node, link) = serve_node(&world, Routes::new(NodeAgentServiceServer::new(detached))).await;
    let asked = tokio::spawn(ask(link.clone()));
    begun.recv().await.unwrap();
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    for _ in 0..10 {
        let refused = ask(link.clone()).await.unwrap_err();
        assert_eq!(Reason::of_status(&refused), Some(Reason::TooManyRequests));
    }
    assert_eq!(node.occupancy.requests(), 1);
    may_end.notify_one();
    until(|| node.occupancy.requests() == 0).await;
}

/// Hangs up on three calls when their work has begun, and asks once more; the reason with which that is refused.
async fn hang_up(world: &World, at: Listener) -> Option<Reason> {
    let (tell, mut callers) = mpsc::unbounded_channel();
    let may_answer = Arc::new(Notify::new());
    let routes = Routes::new(NodeAgentServiceServer::new(Slow { tell, may_answer: Arc::clone(&may_answer) }));
    let (served, link) = match at {
        Listener::Broker => world.serve_records(routes).await,
        Listener::Node | Listener::Authority => serve_node(world, routes).await,
    };
    for _ in 0..3 {
        let asked = tokio::spawn(ask(link.clone()));
        callers.recv().await.unwrap();
        asked.abort();
        until(|| served.occupancy.requests() == 0).await;
    }
    may_answer.notify_one();
    ask(link).await.err().and_then(|status| Reason::of_status(&status))
}

#[tokio::test]
async fn a_viewer_app_that_hangs_up_too_often_waits_and_a_broker_does_not() {
    let mut world = World::new();
    (world.limits.refusals, world.limits.refusals_per_second) = (3, 0);
    assert_eq!(hang_up(&world, Listener::Broker).await, Some(Reason::TooManyRequests));
    assert_eq!(hang_up(&world, Listener::Node).await, None);
}
