//! First step: is this a query for us, from a broker, for a requester whose organisation says so, now and once?

use tokio::time::Instant;
use weald_certs::PeerIdentity;
use weald_proto::assertion::NotNow;
use weald_proto::{Assertion, KeyOwner, NotAccepted, Query, Reason, Signed, Verified, VerifyError, limit, wire};

use crate::node::Node;
use crate::refusal::Refusal;

/// A query and its assertion, both verified. Nothing but [`verify`] makes one.
#[derive(Debug)]
pub struct Asked {
    query: Verified<Query>,
    assertion: Verified<Assertion>,
    arrived: Instant,
}

impl Asked {
    /// The query.
    pub fn query(&self) -> &Verified<Query> {
        &self.query
    }

    /// Until when the broker waits, by our own timer.
    pub fn deadline(&self) -> Instant {
        self.arrived + self.query.time_left.min(limit::SOURCE_DEADLINE)
    }

    /// The assertion that it carries.
    pub fn assertion(&self) -> &Verified<Assertion> {
        &self.assertion
    }
}

/// Verifies a query and the assertion inside it.
///
/// # Errors
///
/// [`Refusal`] with the first thing that does not hold.
pub fn verify(node: &Node, peer: &PeerIdentity, message: wire::SignedMessage) -> Result<Asked, Refusal> {
    let arrived = Instant::now();
    let query = verify_query(node, peer, message)?;
    let of_query = |mut refusal: Refusal| {
        refusal.query = Some(Box::new(query.clone()));
        refusal
    };
    check_freshness(node, &query).map_err(of_query)?;
    let now = node.parts.env.clock.now();
    let accepted = query.assertion.accept(&*node.register(), &node.parts.federation, now);
    let assertion = accepted.map_err(|fault| of_query(not_accepted(fault)))?;
    let of_both = |mut refusal: Refusal| {
        refusal.assertion = Some(Box::new(assertion.clone()));
        of_query(refusal)
    };
    if !query.grants.keys().all(|section| assertion.sections.contains(section)) {
        let beyond = Refusal::new(Reason::SectionsNotAsserted, "the query goes beyond the assertion");
        return Err(of_both(beyond));
    }
    node.parts
        .replay
        .note_query(&query, &assertion, now)
        .map_err(|reason| of_both(Refusal::new(reason, "seen before")))?;
    Ok(Asked { query, assertion, arrived })
}

fn verify_query(node: &Node, peer: &PeerIdentity, message: wire::SignedMessage) -> Result<Verified<Query>, Refusal> {
    let signed: Signed<Query> = Signed::from_wire(message);
    let register = node.register();
    if !register.is_current(node.parts.env.clock.now()) {
        return Err(Refusal::new(Reason::RegisterExpired, "the node's register"));
    }
    let audience = node.organisation();
    let query = signed.verify(audience.as_str(), &*register).map_err(|error| match error {
        VerifyError::UnknownKey => Refusal::new(Reason::QueryKeyUnknown, "no broker has this query key"),
        VerifyError::WrongSignature => Refusal::new(Reason::QuerySignature, "the query's signature does not fit"),
        VerifyError::Malformed(fault) => Refusal::new(Reason::QueryMalformed, fault.to_string()),
    })?;
    // The signature binds the audience; the field says the same or the query is not well made.
    if query.audience != *audience {
        return Err(Refusal::new(Reason::QueryMalformed, "field `audience`: this organisation"));
    }
    let signer = KeyOwner::Broker(query.broker.clone());
    if *query.signer() != signer || *peer.spiffe_id() != query.broker {
        return Err(Refusal::new(Reason::QuerySigner, "signer, broker and peer differ"));
    }
    Ok(query)
}

fn check_freshness(node: &Node, query: &Query) -> Result<(), Refusal> {
    let now = node.parts.env.clock.now();
    query.check_time(now).map_err(|not_now| {
        let reason = match not_now {
            NotNow::Expired => Reason::QueryExpired,
            NotNow::NotYet => Reason::QueryNotYet,
        };
        Refusal::new(reason, not_now.to_string())
    })?;
    let ours = node.register().issued_at();
    if query.register_issued_at.plus(limit::REGISTER_LAG) < ours {
        return Err(Refusal::new(Reason::RegisterTooOld, "the broker's register"));
    }
    Ok(())
}

fn not_accepted(fault: NotAccepted) -> Refusal {
    Refusal { assertion: fault.assertion, ..Refusal::new(fault.reason, fault.detail) }
}
