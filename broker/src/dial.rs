//! Reaches nodes that can be dialled directly.

use tonic::Code;
use weald_certs::{ConnectError, Links};
use weald_proto::service::AskRequest;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::{FederationName, OdsCode, Reason, SpiffeId, limit, wire};

use crate::ask::{Answering, AskNode, Unanswered};
use crate::locate::Located;

/// Dials the address that the register gives for an organisation, and keeps the link.
#[derive(Debug)]
pub struct DirectNodes {
    links: Links,
    federation: FederationName,
}

impl DirectNodes {
    /// Dials by these links.
    pub fn new(links: Links, federation: FederationName) -> Self {
        DirectNodes { links, federation }
    }
}

impl AskNode for DirectNodes {
    fn ask<'a>(&'a self, located: &'a Located, organisation: &'a OdsCode, query: wire::SignedMessage) -> Answering<'a> {
        Box::pin(async move {
            let address = located
                .register
                .member(organisation)
                .and_then(|member| member.address.as_deref())
                .ok_or_else(|| Unanswered::Unreachable("the register gives no address".into()))?;
            let node = SpiffeId::node(&self.federation, organisation);
            let link = self.links.link(address, &node).await.map_err(unreached)?;
            let mut client = NodeAgentServiceClient::with_origin(link, origin())
                .max_decoding_message_size(limit::ANSWER_BYTES)
                .max_encoding_message_size(limit::REQUEST_BYTES);
            let answered = client.ask(AskRequest { query: Some(query) }).await.map_err(|status| refused(&status))?;
            answered.into_inner().answer.ok_or_else(|| Unanswered::Invalid("an empty answer".into()))
        })
    }
}

/// TLS has been done by then, and the peer's name checked: the origin is a formality.
fn origin() -> http::Uri {
    http::Uri::from_static("http://node.weald")
}

fn unreached(error: ConnectError) -> Unanswered {
    Unanswered::Unreachable(error.to_string())
}

/// What a status means. A fault of the connection has a source or is no reason of ours; a refusal of
/// the node carries one.
fn refused(status: &tonic::Status) -> Unanswered {
    match (Reason::of_status(status), status.code()) {
        (Some(Reason::DeadlineExceeded), _) => Unanswered::TimedOut,
        (Some(Reason::AuditUnavailable), _) => Unanswered::Unreachable("its audit log cannot be written".into()),
        (Some(reason), _) => Unanswered::Refused(reason),
        (None, Code::DeadlineExceeded) => Unanswered::TimedOut,
        (None, Code::OutOfRange | Code::ResourceExhausted) => Unanswered::Invalid("the answer is too large".into()),
        (None, code) => Unanswered::Unreachable(format!("the link failed: {code:?}")),
    }
}
