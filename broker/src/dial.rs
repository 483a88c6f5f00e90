//! Reaches nodes that can be dialled directly.

use tonic::Code;
use weald_certs::{ConnectError, Links};
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::{AskRequest, AskResponse};
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
            let answered = match self.send(address, &node, query.clone()).await {
                // The link closed before the query went out: it may go once more, on a new link.
                Err(Sent::Never) => self.send(address, &node, query).await,
                other => other,
            };
            answered
                .map_err(|fault| match fault {
                    Sent::Never => Unanswered::Unreachable("the link closed".into()),
                    Sent::InVain(unanswered) => unanswered,
                })?
                .answer
                .ok_or_else(|| Unanswered::Invalid("an empty answer".into()))
        })
    }
}

/// How far a query got that was not answered.
enum Sent {
    /// It never left.
    Never,
    /// It left, or could not.
    InVain(Unanswered),
}

impl DirectNodes {
    async fn send(&self, address: &str, node: &SpiffeId, query: wire::SignedMessage) -> Result<AskResponse, Sent> {
        let link = self.links.link(address, node).await.map_err(|error| Sent::InVain(unreached(&error)))?;
        let mut client = NodeAgentServiceClient::new(link)
            .max_decoding_message_size(limit::ANSWER_BYTES)
            .max_encoding_message_size(limit::REQUEST_BYTES);
        match client.ask(AskRequest { query: Some(query) }).await {
            Ok(answered) => Ok(answered.into_inner()),
            Err(status) if never_sent(&status) => Err(Sent::Never),
            Err(status) => Err(Sent::InVain(refused(&status))),
        }
    }
}

/// True if hyper gave the request up before it was sent.
fn never_sent(status: &tonic::Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The whole chain of causes, for our log.
fn unreached(error: &ConnectError) -> Unanswered {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Unanswered::Unreachable(text)
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
