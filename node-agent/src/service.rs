//! The gRPC door of a node. Decides nothing: takes a message in, hands it to the pipeline, hands the answer out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};
use weald_certs::{CallGuard, PeerIdentity};
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer};
use weald_proto::service::{AskRequest, AskResponse, SessionRequest, SessionResponse};
use weald_proto::{Reason, Told, limit};

use crate::answer::answer;
use crate::node::Node;
use crate::session;

/// Notices of a session that wait to be sent.
const SAID_AHEAD: usize = 32;
/// The longest that one query is worked on: hyper enforces no `grpc-timeout`, so we do.
const BOUND: Duration = limit::VIEW_DEADLINE;

/// Serves one organisation's node.
#[derive(Debug, Clone)]
pub struct NodeService {
    node: Arc<Node>,
}

impl NodeService {
    /// The gRPC service of a node, with its limits set.
    pub fn serve(node: Arc<Node>) -> NodeAgentServiceServer<NodeService> {
        NodeAgentServiceServer::new(NodeService { node })
            .max_decoding_message_size(limit::REQUEST_BYTES)
            .max_encoding_message_size(limit::ANSWER_BYTES)
    }
}

#[tonic::async_trait]
impl NodeAgentService for NodeService {
    type SessionStream = ReceiverStream<Result<SessionResponse, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<SessionRequest>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let peer = request.extensions().get::<PeerIdentity>();
        let peer = peer.ok_or_else(|| Reason::WrongParty.to_status(&Told::default()))?.spiffe_id().clone();
        let (tell, told) = mpsc::channel(SAID_AHEAD);
        let call = request.extensions().get::<CallGuard>().cloned();
        tokio::spawn(session::serve(tell, request.into_inner(), peer, Arc::clone(&self.node), call));
        Ok(Response::new(ReceiverStream::new(told)))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let peer = request
            .extensions()
            .get::<PeerIdentity>()
            .cloned()
            .ok_or_else(|| Reason::WrongParty.to_status(&Told::default()))?;
        let call = request.extensions().get::<CallGuard>().cloned();
        let query = request.into_inner().query.ok_or_else(|| Reason::QueryMalformed.to_status(&Told::default()))?;
        // A task of its own: a broker that hangs up cannot have a record read without an entry of it, and not more
        // of them at once than it may have.
        let node = Arc::clone(&self.node);
        let answering = tokio::spawn(async move {
            let (began, _under_way) = (Instant::now(), node.sessions.under_way());
            let ended = answer(&node, &peer, query).await;
            node.metrics.query_ended(&ended, began.elapsed());
            drop(call);
            ended
        });
        match tokio::time::timeout(BOUND, answering).await {
            Ok(Ok(Ok(answer))) => Ok(Response::new(AskResponse { answer: Some(answer) })),
            Ok(Ok(Err(refusal))) => Err(refusal.reason.to_status(&Told::default())),
            Ok(Err(_)) => Err(Reason::Internal.to_status(&Told::default())),
            Err(_) => Err(Reason::DeadlineExceeded.to_status(&Told::default())),
        }
    }
}
