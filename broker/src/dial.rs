//! Reaches nodes: on the links of those that have dialled in, else at the address in the register.

use std::sync::Arc;

use weald_certs::{ConnectError, Link, Links, Register};
use weald_proto::{FederationName, OdsCode, SpiffeId, wire};

use crate::ask::{Answering, AskNode, Unanswered};
use crate::attached::{AttachedNodes, Attachment, Flight};
use crate::locate::Located;
use crate::room::Allowance;
use crate::send::{Sent, send};

/// A link, with the attachment whose it is, if the node has dialled in; or why it could not be dialled.
pub(crate) type Reached = Result<(Link, Option<Arc<Attachment>>), ConnectError>;

/// Every way to reach a node.
///
/// A query whose link closed before it went out goes once more, on another link. One that went out
/// is never sent again: the node may have answered it, and a nonce counts once.
#[derive(Debug)]
pub struct Nodes {
    attached: AttachedNodes,
    links: Links,
    federation: FederationName,
}

impl Nodes {
    /// Asks on the links of `attached`, and dials others by `links`.
    pub fn new(attached: AttachedNodes, links: Links, federation: FederationName) -> Self {
        Nodes { attached, links, federation }
    }

    /// The links of nodes that have dialled in.
    pub(crate) fn attached(&self) -> &AttachedNodes {
        &self.attached
    }

    /// A link to an organisation's node, on which to hold a session; nothing if there is no way to reach it.
    pub(crate) async fn reach(&self, register: &Register, organisation: &OdsCode) -> Option<Reached> {
        if let Some(attachment) = self.attached.choose(organisation, &[]) {
            return Some(Ok((attachment.link(), Some(attachment))));
        }
        let address = register.member(organisation)?.address.as_deref()?;
        let node = SpiffeId::node(&self.federation, organisation);
        Some(self.links.link(address, &node).await.map(|link| (link, None)))
    }

    async fn on_attached(
        &self,
        organisation: &OdsCode,
        query: &wire::SignedMessage,
        allowance: &Arc<Allowance>,
    ) -> Option<Sent> {
        let mut tried = Vec::new();
        while let Some(attachment) = self.attached.choose(organisation, &tried) {
            tried.push(attachment.serial());
            let link = attachment.link();
            let flight = Flight::begin(attachment);
            let sent = send(link, query.clone(), allowance).await;
            flight.end();
            if !matches!(sent, Sent::Never) {
                return Some(sent);
            }
        }
        None
    }

    async fn by_dialling(
        &self,
        address: &str,
        organisation: &OdsCode,
        query: &wire::SignedMessage,
        allowance: &Arc<Allowance>,
    ) -> Sent {
        let node = SpiffeId::node(&self.federation, organisation);
        let mut sent = Sent::Never;
        for _ in 0..2 {
            sent = match self.links.link(address, &node).await {
                Ok(link) => send(link, query.clone(), allowance).await,
                Err(error) => Sent::InVain(unreached(&error)),
            };
            if !matches!(sent, Sent::Never) {
                break;
            }
        }
        sent
    }
}

impl AskNode for Nodes {
    fn ask<'a>(
        &'a self,
        located: &'a Located,
        organisation: &'a OdsCode,
        query: wire::SignedMessage,
        allowance: Arc<Allowance>,
    ) -> Answering<'a> {
        Box::pin(async move {
            if let Some(sent) = self.on_attached(organisation, &query, &allowance).await {
                return sent.into_answer();
            }
            let member = located.register.member(organisation);
            let address = member.and_then(|member| member.address.as_deref()).ok_or_else(|| {
                Unanswered::Unreachable("its node is not attached, and the register gives no address".into())
            })?;
            self.by_dialling(address, organisation, &query, &allowance).await.into_answer()
        })
    }
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
