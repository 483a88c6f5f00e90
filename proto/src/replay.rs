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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;
    use crate::{
        BirthDate, FamilyName, FederationName, Filter, Grant, JobRole, KeyId, Level, NhsNumber, Patient, Purpose,
        QueryId, Random, Relationship, RelationshipKind, Requester, Section, SignedAssertion, SigningKey, SpiffeId,
    };

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    /// A random generator that never gives the same bytes twice.
    #[derive(Default)]
    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn issuer(code: &str) -> OdsCode {
        OdsCode::parse(code).unwrap()
    }

    fn jti() -> Jti {
        Jti::generate(&Counting::default())
    }

    fn federation() -> FederationName {
        FederationName::parse("kent.weald.example").unwrap()
    }

    /// An assertion of that issuer that ends `life` from now; all have the same id.
    fn assertion(code: &str, life: Duration) -> Assertion {
        Assertion {
            issuer: issuer(code),
            requester: Requester::Professional {
                user: "u1".into(),
                name: "Dr Ada Test".into(),
                role: JobRole::parse("R8000").unwrap(),
                organisation: issuer(code),
                team: None,
            },
            patient: Patient {
                nhs_number: NhsNumber::parse("9990000018").unwrap(),
                birth_date: BirthDate::parse("1950-04-01").unwrap(),
                family_name: FamilyName::parse("Test").unwrap(),
            },
            purpose: Purpose::Treatment,
            relationship: Some(Relationship { kind: RelationshipKind::OpenReferral, reference: "r1".into() }),
            break_glass: None,
            sections: [Section::Allergies].into(),
            audience: federation(),
            jti: jti(),
            issued_at: NOW,
            expires_at: NOW.plus(life),
            viewer: SpiffeId::viewer(&federation(), &issuer(code), "emr").unwrap(),
        }
    }

    fn query(assertion: &Assertion, random: &Counting) -> Query {
        let key = SigningKey::from_seed(KeyId::parse("G99001/1").unwrap(), &[1; 32]);
        Query {
            id: QueryId::generate(random),
            audience: issuer("RVV"),
            grants: [(Section::Allergies, Grant { level: Level::Full, filter: Filter::default() })].into(),
            assertion: SignedAssertion::sign(assertion, &key),
            register_version: 1,
            register_issued_at: NOW,
            issued_at: NOW,
            expires_at: NOW.plus(limit::QUERY_LIFE),
            nonce: Nonce::generate(random),
            time_left: Duration::from_secs(1),
            broker: SpiffeId::broker(&federation(), "b1").unwrap(),
            session: None,
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_same_id_of_two_issuers_does_not_count_together() {
        let replay = Replay::default();
        for _ in 0..limit::ASSERTION_USES {
            assert_eq!(replay.note_assertion(&assertion("G99001", MINUTE), NOW), Ok(()));
            assert_eq!(replay.note_assertion(&assertion("RVV", MINUTE), NOW), Ok(()));
        }
        for code in ["G99001", "RVV"] {
            assert_eq!(replay.note_assertion(&assertion(code, MINUTE), NOW), Err(Reason::AssertionReplayed));
        }
    }

    #[test]
    fn a_twin_that_lives_longer_prolongs_how_long_its_id_is_remembered() {
        let (short, long) = (assertion("G99001", MINUTE), assertion("G99001", MINUTE * 5));
        for [first, second] in [[&short, &long], [&long, &short]] {
            let replay = Replay::default();
            assert_eq!(replay.note_assertion(first, NOW), Ok(()));
            assert_eq!(replay.note_assertion(second, NOW), Ok(()));
            let later = NOW.plus(MINUTE * 4);
            assert_eq!(replay.note_assertion(&long, later), Err(Reason::AssertionReplayed));
        }
        let replay = Replay::default();
        assert_eq!(replay.note_assertion(&short, NOW), Ok(()));
        assert_eq!(replay.note_assertion(&short, NOW), Ok(()));
        assert_eq!(replay.note_assertion(&long, NOW), Err(Reason::AssertionReplayed), "not even counted");
        let later = NOW.plus(MINUTE * 4);
        assert_eq!(replay.note_assertion(&long, later), Err(Reason::AssertionReplayed), "nor forgotten with the short");
    }

    #[test]
    fn a_nonce_counts_once_and_a_refused_query_uses_nothing_up() {
        let (replay, random) = (Replay::default(), Counting::default());
        let assertion = assertion("G99001", MINUTE);
        let first = query(&assertion, &random);
        assert_eq!(replay.note_query(&first, &assertion, NOW), Ok(()));
        for _ in 0..5 {
            assert_eq!(replay.note_query(&first, &assertion, NOW), Err(Reason::QueryReplayed));
        }
        assert_eq!(replay.note_query(&query(&assertion, &random), &assertion, NOW), Ok(()), "the retry is left");
        let third = query(&assertion, &random);
        assert_eq!(replay.note_query(&third, &assertion, NOW), Err(Reason::AssertionReplayed));
        assert_eq!(replay.note_query(&third, &self::assertion("RVV", MINUTE), NOW), Ok(()), "its nonce was not noted");
    }

    #[test]
    fn what_was_served_before_a_restart_counts_after_it() {
        let (random, long) = (Counting::default(), assertion("G99001", MINUTE * 5));
        let served = query(&long, &random);
        let once = Served { nonce: Some(served.nonce), assertion: Some((issuer("G99001"), jti())), recorded_at: NOW };
        let replay = Replay::recover([once.clone()]);
        assert_eq!(replay.note_query(&served, &long, NOW), Err(Reason::QueryReplayed));
        assert_eq!(replay.note_assertion(&long, NOW), Ok(()), "one retry is left");
        assert_eq!(replay.note_assertion(&long, NOW), Err(Reason::AssertionReplayed));

        let replay = Replay::recover([once.clone(), once]);
        let last = long.expires_at.plus(limit::CLOCK_SKEW);
        assert_eq!(replay.note_assertion(&long, last), Err(Reason::AssertionReplayed), "to the end of its life");
        assert_eq!(replay.note_assertion(&assertion("RVV", MINUTE), NOW), Ok(()), "of that issuer alone");
    }
}
