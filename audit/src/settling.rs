//! When what was counted gets an entry: soon after it began, then seldom while it goes on.

use std::time::Duration;

use tokio::time::Instant;

/// Looks at short intervals whether something was counted.
pub(crate) struct Settling {
    soon: Duration,
    every: Duration,
    look_at: Option<Instant>,
    settled_at: Option<Instant>,
}

impl Settling {
    /// Settles `soon` after the first that was counted, and what comes then `every` so long.
    pub(crate) fn new(soon: Duration, every: Duration) -> Self {
        Settling { soon, every, look_at: None, settled_at: None }
    }

    /// When to look next.
    pub(crate) fn looks_at(&mut self, now: Instant) -> Instant {
        *self.look_at.get_or_insert(now + self.soon)
    }

    /// True if it is to be settled now.
    pub(crate) fn is_due(&mut self, has_counted: bool, now: Instant) -> bool {
        if now < self.looks_at(now) {
            return false;
        }
        self.look_at = Some(now + self.soon);
        let may = self.settled_at.is_none_or(|settled_at| now.duration_since(settled_at) >= self.every);
        let is_due = has_counted && may;
        if is_due {
            self.settled_at = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::path::Path;
    use std::sync::Arc;

    use weald_proto::{ManualClock, OdsCode, Reason, Timestamp};

    use super::*;
    use crate::{Entry, Kind, Log, LogFile, Recorder};

    const SOON: Duration = Duration::from_secs(5);
    const EVERY: Duration = Duration::from_secs(60);

    /// The seconds after which it was due, of so many, if something was counted in those.
    fn due(counted: impl Fn(u64) -> bool, seconds: u64) -> Vec<u64> {
        let mut settling = Settling::new(SOON, EVERY);
        let began = Instant::now();
        settling.looks_at(began);
        let mut has_counted = false;
        let is_due = |second: &u64| {
            has_counted |= counted(*second);
            let is_due = settling.is_due(has_counted, began + Duration::from_secs(*second));
            has_counted &= !is_due;
            is_due
        };
        (0..seconds).filter(is_due).collect()
    }

    #[test]
    fn the_first_that_is_counted_is_settled_soon_and_a_flood_once_a_minute() {
        assert_eq!(due(|_| true, 200), [5, 65, 125, 185]);
        assert_eq!(due(|second| second == 31, 200), [35]);
        assert_eq!(due(|second| second == 1 || second == 6 || second == 150, 200), [5, 65, 150]);
        assert!(due(|_| false, 200).is_empty());
    }

    fn open(path: &Path, soon: Duration, every: Duration) -> Log {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_363_200)));
        Log::open_settling(Box::new(LogFile::open(path).unwrap()), clock, Settling::new(soon, every)).unwrap()
    }

    fn refusal() -> Entry {
        let whose = Recorder::node(OdsCode::parse("RVV").unwrap());
        Entry { reason: Some(Reason::CertificateMissing), ..Entry::new(Kind::Refusal, whose) }
    }

    #[test]
    fn what_was_counted_is_recorded_while_the_log_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = open(&path, Duration::from_millis(5), Duration::from_millis(5));
        for _ in 0..1000 {
            log.note_refusal(refusal());
        }
        let recorded = || crate::entries(&path).unwrap().filter_map(Result::ok).map(|read| read.entry);
        let sum = || recorded().map(|entry| entry.count.map_or(1, NonZeroU64::get)).sum::<u64>();
        while sum() < 1000 {
            std::thread::yield_now();
        }
        assert!(recorded().any(|entry| entry.count.is_some()));
        assert_eq!(sum(), 1000);
    }

    #[test]
    fn what_was_counted_first_does_not_wait_for_as_long_as_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = open(&path, Duration::from_millis(5), Duration::from_secs(3600));
        (0..1000).for_each(|_| log.note_refusal(refusal()));
        let is_settled = || {
            let mut recorded = crate::entries(&path).unwrap().filter_map(Result::ok);
            recorded.any(|read| read.entry.count.is_some())
        };
        while !is_settled() {
            std::thread::yield_now();
        }
    }
}
