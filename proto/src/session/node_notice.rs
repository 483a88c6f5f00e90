//! What a node says.

use std::collections::BTreeSet;

use super::Availability;
use crate::wire::node_notice::Notice;
use crate::{Digest, Instance, Malformed, SessionId, Timestamp, bounded, limit, wire};

/// One of the things that a node says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeNotice {
    /// Who is there.
    Hello(NodeHello),
    /// Answers a [`Ping`](super::Ping).
    Pong(Pong),
    /// Kept answers that count no more.
    Changed(Changed),
    /// Whether it takes queries.
    State(NodeState),
    /// Up to and with which number of the broker's audit log access notices are written down, durably.
    Recorded(u64),
}

/// Who is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHello {
    /// Version of its software.
    pub software: String,
    /// Version of its register.
    pub register_version: u64,
    /// Version of the policies in force.
    pub policy_version: String,
    /// Its clock.
    pub now: Timestamp,
    /// Another with each start of the process.
    pub instance: Instance,
    /// Whether it takes queries.
    pub state: NodeState,
    /// What it has written down of the broker's log; 0 for nothing.
    pub recorded: u64,
    /// Names the session in queries.
    pub session: SessionId,
}

/// Answers a [`Ping`](super::Ping).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pong {
    /// Of the ping.
    pub number: u64,
    /// The node's clock.
    pub now: Timestamp,
    /// Version of its register by now: the acknowledgement of that version.
    pub register_version: u64,
    /// Version of the policies in force by now.
    pub policy_version: String,
    /// Queries under way.
    pub in_flight: u32,
}

/// Answers that a broker may have kept count no more. It says nothing of why, and nothing of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// The answers to these queries: SHA-256 of the payload of each, at most [`limit::CHANGED_QUERIES`].
    Queries(BTreeSet<Digest>),
    /// Every answer of this node.
    All,
}

/// Whether a node takes queries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Whether it does.
    pub availability: Availability,
    /// Why not, for people; not about any person.
    pub reason: String,
}

impl NodeState {
    /// It takes queries.
    pub fn serving() -> Self {
        NodeState { availability: Availability::Serving, reason: String::new() }
    }

    fn to_wire(&self) -> wire::NodeState {
        wire::NodeState { availability: self.availability.to_wire(), reason: self.reason.clone() }
    }

    fn from_wire(state: &wire::NodeState) -> Result<Self, Malformed> {
        Ok(NodeState {
            availability: Availability::from_wire(state.availability)?,
            reason: bounded::text("reason", &state.reason, limit::REASON_CHARS, "at most 512 characters")?,
        })
    }
}

impl NodeNotice {
    /// As a message.
    pub fn to_wire(&self) -> wire::NodeNotice {
        let notice = match self {
            NodeNotice::Hello(hello) => Notice::Hello(wire::NodeHello {
                software: hello.software.clone(),
                register_version: hello.register_version,
                policy_version: hello.policy_version.clone(),
                now: Some(hello.now.to_wire()),
                instance: hello.instance.to_vec(),
                state: Some(hello.state.to_wire()),
                recorded: Some(wire::Recorded { sequence: hello.recorded }),
                session: hello.session.to_vec(),
            }),
            NodeNotice::Pong(pong) => Notice::Pong(wire::Pong {
                number: pong.number,
                now: Some(pong.now.to_wire()),
                register_version: pong.register_version,
                policy_version: pong.policy_version.clone(),
                in_flight: pong.in_flight,
            }),
            NodeNotice::Changed(changed) => Notice::Changed(changed.to_wire()),
            NodeNotice::State(state) => Notice::State(state.to_wire()),
            NodeNotice::Recorded(sequence) => Notice::Recorded(wire::Recorded { sequence: *sequence }),
        };
        wire::NodeNotice { notice: Some(notice) }
    }

    /// Parses a message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the first field that does not parse, and for a notice that nobody knows.
    pub fn from_wire(message: wire::NodeNotice) -> Result<Self, Malformed> {
        match message.notice.ok_or(Malformed::new("notice", "a known notice"))? {
            Notice::Hello(hello) => Ok(NodeNotice::Hello(NodeHello {
                software: bounded::software(&hello.software)?,
                register_version: hello.register_version,
                policy_version: policy_version(&hello.policy_version)?,
                now: Timestamp::from_wire("now", hello.now)?,
                instance: Instance::parse(&hello.instance)?,
                state: NodeState::from_wire(&hello.state.ok_or(Malformed::new("state", "whether it takes queries"))?)?,
                recorded: hello.recorded.ok_or(Malformed::new("recorded", "what is written down"))?.sequence,
                session: SessionId::parse(&hello.session)?,
            })),
            Notice::Pong(pong) => Ok(NodeNotice::Pong(Pong {
                number: pong.number,
                now: Timestamp::from_wire("now", pong.now)?,
                register_version: pong.register_version,
                policy_version: policy_version(&pong.policy_version)?,
                in_flight: pong.in_flight,
            })),
            Notice::Changed(changed) => Changed::from_wire(&changed).map(NodeNotice::Changed),
            Notice::State(state) => NodeState::from_wire(&state).map(NodeNotice::State),
            Notice::Recorded(wire::Recorded { sequence }) => Ok(NodeNotice::Recorded(sequence)),
        }
    }
}

/// As statements have it.
fn policy_version(text: &str) -> Result<String, Malformed> {
    bounded::text("policy_version", text, limit::REASON_CHARS, "at most 512 characters")
}

impl Changed {
    fn to_wire(&self) -> wire::Changed {
        let query_digests = match self {
            Changed::Queries(queries) => queries.iter().map(Digest::to_vec).collect(),
            Changed::All => Vec::new(),
        };
        wire::Changed { query_digests }
    }

    fn from_wire(changed: &wire::Changed) -> Result<Self, Malformed> {
        if changed.query_digests.is_empty() {
            return Ok(Changed::All);
        }
        bounded::list("query_digests", &changed.query_digests, limit::CHANGED_QUERIES, "at most 1024 digests")?;
        let digests = changed.query_digests.iter().map(|bytes| Digest::parse("query_digests", bytes));
        digests.collect::<Result<_, _>>().map(Changed::Queries)
    }
}
