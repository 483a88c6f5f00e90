//! Which queries were answered with a grant, and whom they were about, for as long as that matters.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weald_proto::{Digest, NhsNumber};

/// Grants that are remembered at once. Beyond that nothing is granted.
const GRANTS: usize = 65_536;
/// Between two times that ended grants are forgotten.
const PRUNED_EVERY: Duration = Duration::from_secs(1);

/// Remembers grants, by the timer and not by the clock: one that is put forward ends none.
#[derive(Default)]
pub(super) struct Granted(Mutex<Known>);

#[derive(Default)]
struct Known {
    queries: HashMap<Digest, (NhsNumber, Instant)>,
    /// Grants that still hold.
    people: HashMap<NhsNumber, BTreeSet<Digest>>,
    prune_at: Option<Instant>,
}

impl Granted {
    /// Notes that a query about that person is answered with a grant; false if there is no room.
    pub(super) fn note(&self, query: Digest, person: &NhsNumber, now: Instant, until: Instant) -> bool {
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

    /// Ends every grant; false if there was none.
    pub(super) fn forget_all(&self) -> bool {
        !std::mem::take(&mut self.lock().people).is_empty()
    }

    /// True if a grant about that person holds.
    #[cfg(test)]
    pub(super) fn holds(&self, person: &NhsNumber) -> bool {
        self.lock().people.contains_key(person)
    }

    /// How many grants hold.
    pub(super) fn holding(&self, now: Instant) -> usize {
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
    fn prune(&mut self, now: Instant) {
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
        self.prune_at = Some(now + PRUNED_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let now = Instant::now();
        for (number, person) in [(1, &one), (2, &other), (3, &one)] {
            assert!(granted.note(query(number), person, now, now + MINUTE));
        }
        assert_eq!(granted.holding(now), 3);
        assert_eq!(granted.forget(&one), [query(1), query(3)].into());
        assert_eq!(granted.holding(now), 1);
        assert_eq!(granted.forget(&one), BTreeSet::new(), "those grants have ended");
        assert_eq!(granted.person(&query(1)).as_ref(), Some(&one), "and whom they were about is known");
        assert!(granted.forget_all());
        assert_eq!(granted.forget(&other), BTreeSet::new());
        assert!(!granted.forget_all(), "there is none any more");
        assert!(granted.note(query(4), &one, now, now + MINUTE));
        assert_eq!((granted.holding(now + MINUTE), granted.holding(now + MINUTE * 2)), (1, 0));
    }

    #[test]
    fn without_room_nothing_is_granted_until_grants_have_ended() {
        let (granted, one, now) = (Granted::default(), person("9990000018"), Instant::now());
        for number in 0..GRANTS {
            assert!(granted.note(query(number), &one, now, now + MINUTE));
        }
        assert!(!granted.note(query(GRANTS), &one, now, now + MINUTE));
        let later = now + MINUTE * 2;
        assert!(granted.note(query(GRANTS), &one, later, later + MINUTE));
        assert_eq!(granted.forget(&one), [query(GRANTS)].into(), "what has ended is forgotten");
        assert_eq!(granted.person(&query(0)), None);
    }
}
