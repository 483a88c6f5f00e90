//! What an organisation's node says of itself when it is asked how it does: which brokers it has, since when,
//! through what, and what is in its way.

mod shown;
mod trouble;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use weald_certs::proxy::ProxySettings;
use weald_certs::{AttachmentState, Register};
use weald_node::Node;
use weald_process::WatchedLink;
use weald_process::status::{Described, Failure, Trouble};
use weald_proto::{SpiffeId, Timestamp};

/// What only a node says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NodeStatus {
    pub(crate) organisation: String,
    /// Where brokers dial it; none if it dials them.
    pub(crate) listens_at: Option<SocketAddr>,
    /// `serving`, `paused` or `draining`.
    pub(crate) availability: String,
    pub(crate) policy_version: String,
    /// Queries that it is answering.
    pub(crate) in_flight: u32,
    /// Answers that brokers may still keep.
    pub(crate) grants: usize,
    pub(crate) source: SourceStatus,
    /// Those of the register, by name.
    pub(crate) brokers: Vec<BrokerStatus>,
}

/// The local system. Names no file: one may be named after a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceStatus {
    /// `bundles` or `sqlite`.
    pub(crate) kind: String,
    /// Whether it could be read just now; none if that cannot be told.
    pub(crate) is_readable: Option<bool>,
    /// Files, rows and columns that cannot be used, each of which the log names.
    pub(crate) notices: usize,
}

/// One broker, as the node sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BrokerStatus {
    pub(crate) broker: String,
    /// Where nodes dial it, by the register; none if they do not.
    pub(crate) address: Option<String>,
    /// The proxy through which it is reached, as `HOST:PORT`; none if directly, or if it dials us.
    pub(crate) through: Option<String>,
    /// The connections that this node keeps to it; none if it listens.
    pub(crate) links: Vec<LinkStatus>,
    pub(crate) session: Option<SessionStatus>,
    /// While it has no session: when it last said something in one, or when the node began to serve.
    pub(crate) silent_since: Option<Timestamp>,
}

/// One connection that the node keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinkStatus {
    pub(crate) state: LinkState,
    /// Since when it is attached, or waits; none while it dials.
    pub(crate) since: Option<Timestamp>,
    /// Why the last attempt failed; none if it is attached, or was when it ended.
    pub(crate) failure: Option<Failure>,
    /// When it is tried again at the latest, if it waits.
    pub(crate) next_attempt_at: Option<Timestamp>,
}

/// How a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkState {
    Attached,
    Dialling,
    Waiting,
}

/// The session that a broker has begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionStatus {
    pub(crate) since: Timestamp,
    /// When the broker last said something, at the longest 25 s ago.
    pub(crate) heard_at: Timestamp,
    pub(crate) software: String,
    pub(crate) register_version: u64,
    /// By how much the broker's clock was ahead of ours when the session began, less the time that it took to say so.
    pub(crate) clock_ahead_ms: i64,
}

/// What is looked at when a node is asked.
pub(crate) struct Asked {
    pub(crate) node: Arc<Node>,
    pub(crate) register: Arc<ArcSwap<Register>>,
    pub(crate) proxy: ProxySettings,
    pub(crate) listens_at: Option<SocketAddr>,
    pub(crate) source: &'static str,
    /// Since when the node serves.
    pub(crate) serves_since: Timestamp,
}

impl Asked {
    /// What the node says. May block.
    pub(crate) fn describe(&self, links: &[WatchedLink], now: Timestamp) -> Described {
        let status = self.status(links);
        let troubles = trouble::of(&status, self.register.load().version(), now);
        match serde_json::to_value(&status) {
            Ok(of_party) => Described { of_party, troubles },
            Err(error) => {
                let what = format!("what is known cannot be written: {error}");
                let remedy = "this is a fault of the program: report it";
                let trouble = Trouble::new(status.organisation, "INTERNAL", what, remedy);
                Described { of_party: serde_json::json!({}), troubles: vec![trouble] }
            }
        }
    }

    fn status(&self, links: &[WatchedLink]) -> NodeStatus {
        let (node, register) = (&self.node, self.register.load());
        // In this order: of who goes in between the session is known.
        let mut sessions = node.broker_sessions();
        let last_heard = node.brokers_last_heard();
        let known = register.brokers().map(|broker| broker.id.clone());
        let all: BTreeSet<SpiffeId> = known.chain(links.iter().map(|link| link.broker.clone())).collect();
        let brokers = all.into_iter().map(|broker| {
            let of_it: Vec<&WatchedLink> = links.iter().filter(|link| link.broker == broker).collect();
            let address = register.broker(&broker).and_then(|broker| broker.address.clone());
            let session = sessions.remove(&broker);
            let last_heard_at = last_heard.get(&broker).copied();
            BrokerStatus {
                through: of_it.first().and_then(|link| Some(self.proxy.through(&link.address)?.to_string())),
                links: of_it.iter().map(|link| link_status(&link.state.borrow())).collect(),
                silent_since: session.is_none().then(|| last_heard_at.unwrap_or(self.serves_since)),
                session: session.map(|session| SessionStatus {
                    since: session.since,
                    heard_at: session.heard_at,
                    software: session.software,
                    register_version: session.register_version,
                    clock_ahead_ms: session.clock_ahead_ms,
                }),
                broker: broker.to_string(),
                address,
            }
        });
        NodeStatus {
            organisation: node.organisation().to_string(),
            listens_at: self.listens_at,
            availability: node.availability().as_str().to_owned(),
            policy_version: node.policy_version().to_owned(),
            in_flight: node.queries_under_way(),
            grants: node.grants(),
            source: SourceStatus {
                kind: self.source.to_owned(),
                is_readable: node.store().is_readable(),
                notices: node.store().notices(),
            },
            brokers: brokers.collect(),
        }
    }
}

fn link_status(state: &AttachmentState) -> LinkStatus {
    match state {
        AttachmentState::Attached { since } => {
            LinkStatus { state: LinkState::Attached, since: Some(*since), failure: None, next_attempt_at: None }
        }
        AttachmentState::Dialling { after } => LinkStatus {
            state: LinkState::Dialling,
            since: None,
            failure: after.as_ref().map(|after| Failure::of(&after.fault, after.at)),
            next_attempt_at: None,
        },
        AttachmentState::Waiting { fault, at, wait } => LinkStatus {
            state: LinkState::Waiting,
            since: Some(*at),
            failure: fault.as_ref().map(|fault| Failure::of(fault, *at)),
            next_attempt_at: Some(at.plus(*wait)),
        },
    }
}
