//! What a broker asks one organisation.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;

use crate::assertion::{NotNow, within};
use crate::grant::parse_grants;
use crate::key::KeyUse;
use crate::{
    Grant, Malformed, Nonce, OdsCode, QueryId, Section, SessionId, Signable, SignedAssertion, SpiffeId, Timestamp,
    limit, wire,
};

/// One query to one organisation. The audience of its signature is the organisation's ODS code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Its id.
    pub id: QueryId,
    /// The organisation that is asked.
    pub audience: OdsCode,
    /// What the broker's decision left of each section; never empty, never level none.
    pub grants: BTreeMap<Section, Grant>,
    /// The requester's organisation's assertion, verbatim.
    pub assertion: SignedAssertion,
    /// Version of the broker's register.
    pub register_version: u64,
    /// When that version was issued.
    pub register_issued_at: Timestamp,
    /// When it was asked.
    pub issued_at: Timestamp,
    /// At most 30 s later.
    pub expires_at: Timestamp,
    /// Never used twice.
    pub nonce: Nonce,
    /// How long the broker waits.
    pub time_left: Duration,
    /// The broker.
    pub broker: SpiffeId,
    /// The session that the broker has with the node, if it has one: on that it would hear of a change.
    pub session: Option<SessionId>,
}

impl Query {
    /// Is it valid now? Clocks may be 60 s apart.
    ///
    /// # Errors
    ///
    /// [`NotNow`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), NotNow> {
        within(self.issued_at, self.expires_at, now)
    }
}

impl Signable for Query {
    const CONTEXT: &'static str = "application/vnd.weald.query.v1+protobuf";
    const USE: KeyUse = KeyUse::Query;

    fn encode(&self) -> Vec<u8> {
        let message = wire::Query {
            id: self.id.to_vec(),
            audience: self.audience.to_string(),
            grants: self.grants.iter().map(|(section, grant)| grant.to_wire(*section)).collect(),
            assertion: self.assertion.expose().to_owned(),
            register_version: self.register_version,
            register_issued_at: Some(self.register_issued_at.to_wire()),
            issued_at: Some(self.issued_at.to_wire()),
            expires_at: Some(self.expires_at.to_wire()),
            nonce: self.nonce.to_vec(),
            time_left: prost_types::Duration::try_from(self.time_left).ok(),
            broker: self.broker.to_string(),
            session: self.session.map(|session| session.to_vec()).unwrap_or_default(),
        };
        message.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let message = wire::Query::decode(bytes).map_err(|_| Malformed::new("query", "an encoded Query"))?;
        let issued_at = Timestamp::from_wire("issued_at", message.issued_at)?;
        let expires_at = Timestamp::from_wire("expires_at", message.expires_at)?;
        if expires_at <= issued_at || expires_at.since(issued_at) > limit::QUERY_LIFE {
            return Err(Malformed::new("expires_at", "later than issued_at by at most 30 s"));
        }
        let grants = parse_grants(&message.grants)?;
        if grants.is_empty() || grants.values().any(|grant| grant.level == crate::Level::None) {
            return Err(Malformed::new("grants", "at least one section, and none at level none"));
        }
        let time_left = message
            .time_left
            .and_then(|left| Duration::try_from(left).ok())
            .ok_or(Malformed::new("time_left", "a duration of zero or more"))?;
        Ok(Query {
            id: QueryId::parse(&message.id)?,
            audience: OdsCode::parse(&message.audience)?,
            grants,
            assertion: SignedAssertion::parse(&message.assertion)?,
            register_version: message.register_version,
            register_issued_at: Timestamp::from_wire("register_issued_at", message.register_issued_at)?,
            issued_at,
            expires_at,
            nonce: Nonce::parse(&message.nonce)?,
            time_left: time_left.min(limit::VIEW_DEADLINE),
            broker: SpiffeId::parse(&message.broker)?,
            session: (!message.session.is_empty()).then(|| SessionId::parse(&message.session)).transpose()?,
        })
    }
}
