//! Which queries were answered with a grant, and whom they were about, for as long as that matters.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weald_proto::{Digest, NhsNumber, Timestamp};

/// Grants that are remembered at once. Beyond that nothing is granted.
const GRANTS: usize = 65_536;
/// Between two times that ended grants are forgotten.
const PRUNED_EVERY: Duration = Duration::from_secs(1);

/// Remembers grants.
#[derive(Default)]
pub(super) struct Granted(Mutex<Known>);

#[derive(Default)]
struct Known {
    queries: HashMap<Digest, (NhsNumber, Timestamp)>,
    /// Grants that still hold.
    people: HashMap<NhsNumber, BTreeSet<Digest>>,
    prune_at: Option<Timestamp>,
}

impl Granted {
    /// Notes that a query about that person is answered with a grant; false if there is no room.
    pub(super) fn note(&self, query: Digest, person: &NhsNumber, now: Timestamp, until: Timestamp) -> bool {
        let mut known = self.lock();
        known.prune(now);
        if known.queries.len() >= GRANTS {
            return false;
        }
        known.queries.insert(query, (person.clone(), until));
        known.people.entry(person.clone()).or_default().insert(query);
        true
    }

    /// Ends the grants of that person, and gives the queries that were answered with one.
    pub(super) fn forget(&self, person: &NhsNumber) -> BTreeSet<Digest> {
        self.lock().people.remove(person).unwrap_or_default()
    }

    /// Ends every grant.
    pub(super) fn forget_all(&self) {
        self.lock().people.clear();
    }

    /// How many grants hold.
    pub(super) fn holding(&self, now: Timestamp) -> usize {
        let mut known = self.lock();
        known.prune(now);
        known.people.values().map(BTreeSet::len).sum()
    }

    /// Whom the answer to that query was about, if that is remembered.
    pub(super) fn person(&self, query: &Digest) -> Option<NhsNumber> {
        self.lock().queries.get(query).map(|(person, _)| person.clone())
    }

    /// A panic cannot leave the maps half changed in a way that shows more, so a poisoned lock is as good
    /// as any.
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn prune(&mut self, now: Timestamp) {
        if self.prune_at.is_some_and(|at| now < at) {
            return;
        }
        let Known { queries, people, .. } = self;
        queries.retain(|query, (person, until)| {
            let holds = *until >= now;
            if !holds && let Some(of_person) = people.get_mut(person) {
                of_person.remove(query);
                if of_person.is_empty() {
                    people.remove(person);
                }
            }
            holds
        });
        self.prune_at = Some(now.plus(PRUNED_EVERY));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    fn person(number: &str) -> NhsNumber {
        NhsNumber::parse(number).unwrap()
    }

    fn query(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    #[test]
    fn a_change_finds_the_queries_about_that_person_once() {
        let (granted, one, other) = (Granted::default(), person("9990000018"), person("9990000026"));
        for (number, person) in [(1, &one), (2, &other), (3, &one)] {
            assert!(granted.note(query(number), person, NOW, NOW.plus(MINUTE)));
        }
        assert_eq!(granted.holding(NOW), 3);
        assert_eq!(granted.forget(&one), [query(1), query(3)].into());
        assert_eq!(granted.holding(NOW), 1);
        assert_eq!(granted.forget(&one), BTreeSet::new(), "those grants have ended");
        assert_eq!(granted.person(&query(1)), Some(one), "and whom they were about is known");
        granted.forget_all();
        assert_eq!(granted.forget(&other), BTreeSet::new());
    }

    #[test]
    fn without_room_nothing_is_granted_until_grants_have_ended() {
        let (granted, one) = (Granted::default(), person("9990000018"));
        for number in 0..GRANTS {
            assert!(granted.note(query(number), &one, NOW, NOW.plus(MINUTE)));
        }
        assert!(!granted.note(query(GRANTS), &one, NOW, NOW.plus(MINUTE)));
        let later = NOW.plus(MINUTE * 2);
        assert!(granted.note(query(GRANTS), &one, later, later.plus(MINUTE)));
        assert_eq!(granted.forget(&one), [query(GRANTS)].into(), "what has ended is forgotten");
        assert_eq!(granted.person(&query(0)), None);
    }
}
