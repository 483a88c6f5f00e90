//! Which queries' answers count no more, for as long as any could still be kept.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use tokio::time::Instant;
use weald_proto::{Digest, limit};

/// Queries that are remembered at once. Beyond that everything has changed.
pub(super) const REMEMBERED: usize = 2_048;
/// The answer to a query that was asked before a change arrives, and is forgotten, within this.
const MATTERS: Duration = Duration::from_secs(limit::CACHE_CEILING.as_secs() + limit::VIEW_DEADLINE.as_secs() + 1);

/// Queries whose answers count no more: those of late, and those of before, of which none matters soon.
pub(super) struct Changes {
    late: HashSet<Digest>,
    before: HashSet<Digest>,
    since: Instant,
}

impl Changes {
    /// None yet.
    pub(super) fn from(now: Instant) -> Self {
        Changes { late: HashSet::new(), before: HashSet::new(), since: now }
    }

    /// True if the answer to that query counts no more.
    pub(super) fn contains(&self, query: &Digest) -> bool {
        self.late.contains(query) || self.before.contains(query)
    }

    /// Remembers these for as long as they matter; false, and remembers nothing, if they are too many.
    pub(super) fn note(&mut self, queries: &BTreeSet<Digest>, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= MATTERS {
            self.before = std::mem::take(&mut self.late);
            self.since = now;
        }
        let fit = self.late.len() + self.before.len() + queries.len() <= REMEMBERED;
        if fit {
            self.late.extend(queries);
        }
        fit
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        (self.late, self.before) = (HashSet::new(), HashSet::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(numbers: std::ops::Range<usize>) -> BTreeSet<Digest> {
        numbers.map(|number| Digest::of(&number.to_be_bytes())).collect()
    }

    #[test]
    fn what_mattered_long_ago_makes_room_for_what_matters() {
        let now = Instant::now();
        let mut changes = Changes::from(now);
        let (first, second) = (queries(0..REMEMBERED / 2), queries(REMEMBERED / 2..REMEMBERED));
        assert!(changes.note(&first, now) && changes.note(&second, now));
        assert!(!changes.note(&queries(REMEMBERED..REMEMBERED + 1), now + MATTERS / 2), "all of them matter");
        assert!(!changes.note(&queries(REMEMBERED..REMEMBERED + 1), now + MATTERS), "some of them might");
        assert!(first.iter().chain(&second).all(|query| changes.contains(query)));
        assert!(changes.note(&first, now + MATTERS * 2));
        assert!(!second.iter().any(|query| changes.contains(query)), "none matters any more");
    }
}
