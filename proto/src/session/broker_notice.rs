//! What a broker says.

use std::fmt;

use crate::wire::broker_notice::Notice;
use crate::{Digest, Jti, Malformed, Purpose, Requester, SpiffeId, Timestamp, ViewId, bounded, wire};

/// One of the things that a broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerNotice {
    /// Who begins.
    Hello(BrokerHello),
    /// Asks for a [`Pong`](super::Pong).
    Ping(Ping),
    /// An answer of the node was shown again from memory.
    Viewed(Box<Viewed>),
}

/// Who begins a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerHello {
    /// Version of its software.
    pub software: String,
    /// Version of its register.
    pub register_version: u64,
    /// When that register was issued.
    pub register_issued_at: Timestamp,
    /// Its clock.
    pub now: Timestamp,
    /// Digest of the first entry of its audit log; none while there is none.
    pub log: Option<Digest>,
}

/// Asks for a [`Pong`](super::Pong).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping {
    /// From 1, one more each time.
    pub number: u64,
    /// Version of its register by now.
    pub register_version: u64,
}

/// An answer of the node was shown again from memory. `Debug` prints nothing of the person who looked.
#[derive(Clone, PartialEq, Eq)]
pub struct Viewed {
    /// Digest of the first entry of the broker's audit log.
    pub log: Digest,
    /// Number of that log's entry about it, from 1.
    pub sequence: u64,
    /// When it was shown.
    pub viewed_at: Timestamp,
    /// SHA-256 of the payload of the query that the node once answered.
    pub query: Digest,
    /// The view.
    pub view: ViewId,
    /// The assertion's id.
    pub jti: Jti,
    /// SHA-256 of the assertion.
    pub assertion: Digest,
    /// Who looked.
    pub requester: Requester,
    /// What for.
    pub purpose: Purpose,
    /// The viewer app.
    pub viewer: SpiffeId,
}

impl BrokerNotice {
    /// As a message.
    pub fn to_wire(&self) -> wire::BrokerNotice {
        let notice = match self {
            BrokerNotice::Hello(hello) => Notice::Hello(wire::BrokerHello {
                software: hello.software.clone(),
                register_version: hello.register_version,
                register_issued_at: Some(hello.register_issued_at.to_wire()),
                now: Some(hello.now.to_wire()),
                log: hello.log.map(|log| log.to_vec()).unwrap_or_default(),
            }),
            BrokerNotice::Ping(ping) => {
                Notice::Ping(wire::Ping { number: ping.number, register_version: ping.register_version })
            }
            BrokerNotice::Viewed(viewed) => Notice::Viewed(Box::new(viewed.to_wire())),
        };
        wire::BrokerNotice { notice: Some(notice) }
    }

    /// Parses a message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the first field that does not parse, and for a notice that nobody knows.
    pub fn from_wire(message: wire::BrokerNotice) -> Result<Self, Malformed> {
        match message.notice.ok_or(Malformed::new("notice", "a known notice"))? {
            Notice::Hello(hello) => Ok(BrokerNotice::Hello(BrokerHello {
                software: bounded::software(&hello.software)?,
                register_version: hello.register_version,
                register_issued_at: Timestamp::from_wire("register_issued_at", hello.register_issued_at)?,
                now: Timestamp::from_wire("now", hello.now)?,
                log: (!hello.log.is_empty()).then(|| Digest::parse("log", &hello.log)).transpose()?,
            })),
            Notice::Ping(wire::Ping { number, register_version }) => {
                Ok(BrokerNotice::Ping(Ping { number, register_version }))
            }
            Notice::Viewed(viewed) => Viewed::from_wire(&viewed).map(|viewed| BrokerNotice::Viewed(Box::new(viewed))),
        }
    }
}

impl Viewed {
    fn to_wire(&self) -> wire::Viewed {
        wire::Viewed {
            sequence: self.sequence,
            viewed_at: Some(self.viewed_at.to_wire()),
            query_digest: self.query.to_vec(),
            view_id: self.view.to_vec(),
            jti: self.jti.as_str().to_owned(),
            assertion_digest: self.assertion.to_vec(),
            requester: Some(self.requester.to_wire()),
            purpose: self.purpose.code().to_owned(),
            viewer: self.viewer.to_string(),
            log: self.log.to_vec(),
        }
    }

    fn from_wire(viewed: &wire::Viewed) -> Result<Self, Malformed> {
        if viewed.sequence == 0 {
            return Err(Malformed::new("sequence", "a number from 1"));
        }
        let requester = viewed.requester.as_ref().ok_or(Malformed::new("requester", "who looked"))?;
        Ok(Viewed {
            log: Digest::parse("log", &viewed.log)?,
            sequence: viewed.sequence,
            viewed_at: Timestamp::from_wire("viewed_at", viewed.viewed_at)?,
            query: Digest::parse("query_digest", &viewed.query_digest)?,
            view: ViewId::parse(&viewed.view_id)?,
            jti: Jti::parse(&viewed.jti)?,
            assertion: Digest::parse("assertion_digest", &viewed.assertion_digest)?,
            requester: Requester::from_wire(requester)?,
            purpose: viewed.purpose.parse()?,
            viewer: SpiffeId::parse(&viewed.viewer)?,
        })
    }
}

impl fmt::Debug for Viewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Viewed({} in {})", self.sequence, self.log)
    }
}
