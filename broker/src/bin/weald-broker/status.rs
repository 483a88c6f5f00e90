//! What a broker says of itself when it is asked how it does: who is connected, since when, and how well.

mod shown;
mod trouble;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use weald_broker::Broker;
use weald_broker::attached::{AttachedNodes, Attachment};
use weald_broker::session::SessionState;
use weald_certs::attachment::LINKS;
use weald_certs::{Member, Register};
use weald_process::status::{Described, Failure, Trouble};
use weald_proto::{OdsCode, SpiffeId, Timestamp};

/// What only a broker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BrokerStatus {
    /// Every active member that has a node, and whoever else is connected, by code.
    pub(crate) organisations: Vec<OrganisationStatus>,
}

/// One organisation's node, as the broker sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct OrganisationStatus {
    pub(crate) organisation: String,
    /// By the register; none if that does not have it.
    pub(crate) name: Option<String>,
    pub(crate) state: Reached,
    /// Since when; none if it was never there since the broker started.
    pub(crate) since: Option<Timestamp>,
    /// Where it is dialled, if it is.
    pub(crate) address: Option<String>,
    pub(crate) links: Vec<LinkStatus>,
    /// How many there should be; none if it is dialled when needed.
    pub(crate) links_expected: Option<usize>,
    pub(crate) session: Option<SessionStatus>,
    /// The last session, while there is no other.
    pub(crate) last_session: Option<LastSession>,
    /// Why it could not be dialled the last time, while there is no session.
    pub(crate) failure: Option<Failure>,
    /// Views from memory of which it is yet to be told, or has not said that it wrote them down.
    pub(crate) notices_waiting: usize,
    /// True if there are more, which wait in the audit log alone.
    pub(crate) notices_in_log: bool,
}

/// How a node is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reached {
    /// It has dialled in.
    Attached,
    /// It was dialled.
    Dialled,
    /// Not at all.
    Away,
}

/// One connection on which a node has dialled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinkStatus {
    /// Rises with each link.
    pub(crate) number: u64,
    pub(crate) since: Timestamp,
    /// The other end, or the proxy in between, as `IP:PORT`.
    pub(crate) from: Option<String>,
    /// Queries of this broker under way on it.
    pub(crate) in_flight: usize,
    /// True once its process is about to end.
    pub(crate) is_draining: bool,
}

/// A session that lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SessionStatus {
    pub(crate) since: Timestamp,
    /// When the node last answered, at the longest 25 s ago.
    pub(crate) heard_at: Timestamp,
    pub(crate) software: String,
    /// The last that it has acknowledged.
    pub(crate) register_version: u64,
    pub(crate) policy_version: String,
    /// By how much its clock is ahead of ours; negative if it is behind.
    pub(crate) clock_ahead_ms: i64,
    /// From the last ping to its answer; none before the first.
    pub(crate) round_trip_ms: Option<f64>,
    /// Queries of all brokers that it was answering; none before it has said so.
    pub(crate) in_flight: Option<u32>,
    /// `serving`, `paused` or `draining`. Why is for those whom it refuses.
    pub(crate) availability: String,
}

/// A session that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastSession {
    pub(crate) since: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) software: String,
    pub(crate) register_version: u64,
}

/// What this broker says.
pub(crate) fn describe(
    broker: &Broker,
    id: &SpiffeId,
    attached: &AttachedNodes,
    register: &Register,
    now: Timestamp,
) -> Described {
    let with_node = register.active_members().filter(|member| member.has_node());
    let linked = attached.all().into_iter().map(|(organisation, _)| organisation);
    let all: BTreeSet<OdsCode> = with_node.map(|member| member.organisation.clone()).chain(linked).collect();
    let organisations = all.iter().map(|code| organisation(broker, attached, register.member(code), code)).collect();
    let status = BrokerStatus { organisations };
    let troubles: Vec<Trouble> = status.organisations.iter().flat_map(|one| trouble::of(one, register, now)).collect();
    match serde_json::to_value(&status) {
        Ok(of_party) => Described { of_party, troubles },
        Err(error) => {
            Described { of_party: serde_json::json!({ "organisations": [] }), troubles: vec![untold(id, &error)] }
        }
    }
}

fn untold(id: &SpiffeId, error: &serde_json::Error) -> Trouble {
    let what = format!("what is known cannot be written: {error}");
    Trouble::new(id.to_string(), "INTERNAL", what, "this is a fault of the program: report it")
}

fn organisation(
    broker: &Broker,
    attached: &AttachedNodes,
    member: Option<&Member>,
    code: &OdsCode,
) -> OrganisationStatus {
    let (links, sessions) = (attached.links(code), broker.sessions());
    let (session, ended) = (sessions.of(code), sessions.ended(code));
    let address = member.and_then(|member| member.address.clone());
    let (state, since) = match (links.first(), &session) {
        (Some(oldest), _) => (Reached::Attached, Some(oldest.since())),
        (None, Some(session)) if !session.is_attached => (Reached::Dialled, Some(session.since)),
        (None, _) => (Reached::Away, attached.left(code).max(ended.as_ref().map(|ended| ended.at))),
    };
    let is_dialled = links.is_empty() && address.is_some();
    OrganisationStatus {
        organisation: code.to_string(),
        name: member.map(|member| member.name.clone()),
        state,
        since,
        address,
        links: links.iter().map(|link| link_status(link)).collect(),
        links_expected: (!is_dialled).then_some(LINKS),
        session: session.map(session_status),
        last_session: ended.map(|ended| LastSession {
            since: ended.state.since,
            ended_at: ended.at,
            software: ended.state.software,
            register_version: ended.state.register_version,
        }),
        failure: sessions.unreached(code).map(|unreached| Failure::of(&unreached.fault, unreached.at)),
        notices_waiting: broker.pending_notices(code),
        notices_in_log: broker.notices_wait_in_log(code),
    }
}

fn link_status(link: &Attachment) -> LinkStatus {
    LinkStatus {
        number: link.serial(),
        since: link.since(),
        from: link.link().from().map(|from| from.to_string()),
        in_flight: link.in_flight(),
        is_draining: link.is_draining(),
    }
}

fn session_status(state: SessionState) -> SessionStatus {
    SessionStatus {
        since: state.since,
        heard_at: state.heard_at,
        software: state.software,
        register_version: state.register_version,
        policy_version: state.policy_version,
        clock_ahead_ms: state.clock_ahead_ms,
        round_trip_ms: state.round_trip.map(|round_trip| round_trip.as_micros() as f64 / 1000.0),
        // Both come with the first answer to a ping.
        in_flight: state.round_trip.map(|_| state.in_flight),
        availability: state.availability.availability.as_str().to_owned(),
    }
}
