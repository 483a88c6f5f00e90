//! What was seen before: a nonce never twice, an assertion at most twice (a retry).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{Assertion, Jti, Nonce, OdsCode, Query, Reason, Timestamp, limit};

/// Remembers nonces and assertion ids for as long as they could be replayed.
#[derive(Default)]
pub struct Replay {
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    nonces: BTreeMap<Nonce, Timestamp>,
    /// By issuer: two organisations may well choose the same id.
    assertions: BTreeMap<(OdsCode, Jti), (u8, Timestamp)>,
    prune_at: Option<Timestamp>,
}

/// What an audit log tells of one served query or view.
#[derive(Debug, Clone)]
pub struct Served {
    /// The query's nonce, in a node's log.
    pub nonce: Option<Nonce>,
    /// The assertion's issuer and id.
    pub assertion: Option<(OdsCode, Jti)>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
}

impl Replay {
    /// Takes up what an audit log holds: after a restart the queries of the last minutes are known
    /// again, because every answered one is durable there.
    pub fn recover(served: impl IntoIterator<Item = Served>) -> Self {
        let mut seen = Seen::default();
        for served in served {
            // Neither a query nor an assertion can outlive this, whenever in its life it was served.
            let until = served.recorded_at.plus(limit::ASSERTION_LIFE).plus(limit::CLOCK_SKEW * 2);
            if let Some(nonce) = served.nonce {
                seen.nonces.insert(nonce, until);
            }
            if let Some(assertion) = served.assertion {
                let uses = seen.assertions.entry(assertion).or_insert((0, until));
                *uses = (uses.0.saturating_add(1), uses.1.max(until));
            }
        }
        Replay { seen: Mutex::new(seen) }
    }

    /// Notes a query and its assertion, or refuses them. Nothing is noted of a refused query.
    ///
    /// # Errors
    ///
    /// [`Reason::QueryReplayed`] or [`Reason::AssertionReplayed`].
    pub fn note_query(&self, query: &Query, assertion: &Assertion, now: Timestamp) -> Result<(), Reason> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.prune(now);
        if seen.nonces.contains_key(&query.nonce) {
            return Err(Reason::QueryReplayed);
        }
        seen.note(assertion)?;
        seen.nonces.insert(query.nonce, query.expires_at.plus(limit::CLOCK_SKEW));
        Ok(())
    }

    /// Notes an assertion, or refuses it.
    ///
    /// # Errors
    ///
    /// [`Reason::AssertionReplayed`].
    pub fn note_assertion(&self, assertion: &Assertion, now: Timestamp) -> Result<(), Reason> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.prune(now);
        seen.note(assertion)
    }
}

impl Seen {
    fn note(&mut self, assertion: &Assertion) -> Result<(), Reason> {
        let until = assertion.expires_at.plus(limit::CLOCK_SKEW);
        let key = (assertion.issuer.clone(), assertion.jti.clone());
        let (uses, known_until) = self.assertions.entry(key).or_insert((0, until));
        *known_until = until.max(*known_until);
        if *uses >= limit::ASSERTION_USES {
            return Err(Reason::AssertionReplayed);
        }
        *uses += 1;
        Ok(())
    }

    /// Forgets what can no longer be replayed; at most once a second.
    fn prune(&mut self, now: Timestamp) {
        if self.prune_at.is_some_and(|at| now < at) {
            return;
        }
        self.nonces.retain(|_, until| *until >= now);
        self.assertions.retain(|_, (_, until)| *until >= now);
        self.prune_at = Some(now.plus(Duration::from_secs(1)));
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Replay")
    }
}
