//! Refusals, of which anybody can cause any number: a few a minute are recorded singly, the rest by
//! their number. None is left out.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weald_proto::{Reason, SpiffeId, Timestamp};

use crate::entry::{Entry, Kind, Recorder};

/// Refusals a minute that are recorded singly for one reason and one party.
pub const REFUSALS_SINGLY: u32 = 60;
/// Refusals a minute that are recorded singly, of everybody together: at most some 300 KiB of entries.
pub const REFUSALS_IN_ALL: u32 = 300;
/// Parties and reasons that are counted apart; beyond that by reason only.
const COUNTED_APART: usize = 256;
/// After that, as many again may be recorded singly.
const MINUTE: Duration = Duration::from_secs(60);

/// Who was refused, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Refused {
    /// A party that proved its name.
    Party(SpiffeId),
    /// Whoever uses that address.
    Address(IpAddr),
    /// Nothing is known of them, or too many were refused to tell them apart.
    Anybody,
}

type Key = (Option<Reason>, Refused);

/// What was refused this minute, and what was counted and has no entry yet. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<Tally>>);

#[derive(Default)]
struct Tally {
    minute: Option<Minute>,
    counted: BTreeMap<Key, NonZeroU64>,
    /// Whose log it is.
    recorder: Option<Recorder>,
}

struct Minute {
    began: Timestamp,
    singly: BTreeMap<Key, u32>,
    in_all: u32,
}

impl Refusals {
    /// Takes a refusal up: true if it may be recorded singly, otherwise it was counted.
    pub(crate) fn take_up(&self, refusal: &Entry, now: Timestamp) -> bool {
        let mut tally = self.tally();
        let is_single = tally.allows_one(&key(refusal), now);
        if !is_single {
            tally.count(refusal);
        }
        is_single
    }

    /// Counts a refusal that cannot be recorded singly after all.
    pub(crate) fn count(&self, refusal: &Entry) {
        self.tally().count(refusal);
    }

    /// Everything that was counted since the last time, one entry for each reason and party.
    pub(crate) fn take_counted(&self) -> Vec<Entry> {
        let mut tally = self.tally();
        let Some(recorder) = tally.recorder.take() else { return Vec::new() };
        let counted = std::mem::take(&mut tally.counted);
        drop(tally);
        counted.into_iter().map(|((reason, refused), count)| entry(recorder.clone(), reason, refused, count)).collect()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn allows_one(&mut self, key: &Key, now: Timestamp) -> bool {
        // A clock that was put back begins a new minute too.
        let is_over = |minute: &Minute| now < minute.began || now.since(minute.began) >= MINUTE;
        if self.minute.as_ref().is_none_or(is_over) {
            self.minute = None;
        }
        let minute = self.minute.get_or_insert_with(|| Minute { began: now, singly: BTreeMap::new(), in_all: 0 });
        let of_key = minute.singly.get(key).copied().unwrap_or(0);
        if minute.in_all >= REFUSALS_IN_ALL || of_key >= REFUSALS_SINGLY {
            return false;
        }
        minute.in_all += 1;
        minute.singly.insert(key.clone(), of_key + 1);
        true
    }

    fn count(&mut self, refusal: &Entry) {
        let mut key = key(refusal);
        if self.counted.len() >= COUNTED_APART && !self.counted.contains_key(&key) {
            key.1 = Refused::Anybody;
        }
        self.counted.entry(key).and_modify(|count| *count = count.saturating_add(1)).or_insert(NonZeroU64::MIN);
        self.recorder.get_or_insert_with(|| nameless(&refusal.recorder));
    }
}

fn key(refusal: &Entry) -> Key {
    let refused = match (&refusal.peer, refusal.address) {
        (Some(peer), _) => Refused::Party(peer.clone()),
        (None, Some(address)) => Refused::Address(address),
        (None, None) => Refused::Anybody,
    };
    (refusal.reason, refused)
}

/// Whose log it is, and nothing of a view or a person.
fn nameless(recorder: &Recorder) -> Recorder {
    match recorder {
        Recorder::Broker { id, .. } => Recorder::broker(id.clone()),
        Recorder::Node { organisation, .. } => Recorder::node(organisation.clone()),
    }
}

fn entry(recorder: Recorder, reason: Option<Reason>, refused: Refused, count: NonZeroU64) -> Entry {
    let mut entry = Entry::new(Kind::Refusal, recorder);
    entry.reason = reason;
    entry.count = Some(count);
    match refused {
        Refused::Party(peer) => entry.peer = Some(peer),
        Refused::Address(address) => entry.address = Some(address),
        Refused::Anybody => {}
    }
    entry
}

impl fmt::Debug for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Refusals")
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use weald_proto::OdsCode;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn refusal(reason: Reason, address: u32) -> Entry {
        let mut entry = Entry::new(Kind::Refusal, Recorder::node(OdsCode::parse("RVV").unwrap()));
        entry.reason = Some(reason);
        entry.address = Some(Ipv4Addr::from(address).into());
        entry
    }

    /// How many of so many are recorded singly.
    fn singly(refusals: &Refusals, refusal: &Entry, times: u32, now: Timestamp) -> u32 {
        (0..times).map(|_| u32::from(refusals.take_up(refusal, now))).sum()
    }

    fn counted(refusals: &Refusals) -> u64 {
        refusals.take_counted().iter().map(|entry| entry.count.unwrap().get()).sum()
    }

    #[test]
    fn few_are_recorded_singly_and_the_rest_of_a_party_by_their_number() {
        let refusals = Refusals::default();
        let refusal = refusal(Reason::CertificateMissing, 1);
        assert_eq!(singly(&refusals, &refusal, 1_000_000, NOW), REFUSALS_SINGLY);
        let [entry] = &refusals.take_counted()[..] else { panic!("one entry") };
        assert_eq!(entry.count.unwrap().get(), 1_000_000 - u64::from(REFUSALS_SINGLY));
        assert_eq!((entry.kind, entry.reason), (Kind::Refusal, Some(Reason::CertificateMissing)));
        assert_eq!(entry.address, refusal.address);
        assert_eq!(entry.recorder, refusal.recorder);
        assert!(refusals.take_counted().is_empty(), "each is counted once");
    }

    #[test]
    fn one_partys_refusals_leave_room_for_anothers() {
        let refusals = Refusals::default();
        singly(&refusals, &refusal(Reason::CertificateMissing, 1), 1000, NOW);
        assert!(refusals.take_up(&refusal(Reason::CertificateMissing, 2), NOW));
        assert!(refusals.take_up(&refusal(Reason::CertificateExpired, 1), NOW));
    }

    #[test]
    fn as_many_again_are_recorded_singly_a_minute_later_and_not_before() {
        let refusals = Refusals::default();
        let refusal = refusal(Reason::CertificateMissing, 1);
        singly(&refusals, &refusal, REFUSALS_SINGLY, NOW);
        assert!(!refusals.take_up(&refusal, NOW.plus(MINUTE - Duration::from_millis(1))));
        assert_eq!(singly(&refusals, &refusal, 1000, NOW.plus(MINUTE)), REFUSALS_SINGLY);
        assert!(refusals.take_up(&refusal, NOW), "a clock that was put back does not silence the log");
    }

    #[test]
    fn a_crowd_is_bounded_too_and_nobody_of_it_is_left_out() {
        let refusals = Refusals::default();
        let crowd = 100_000;
        let alone: u32 = (0..crowd).map(|n| singly(&refusals, &refusal(Reason::CertificateMissing, n), 1, NOW)).sum();
        assert_eq!(alone, REFUSALS_IN_ALL);
        assert!(refusals.tally().counted.len() <= COUNTED_APART + Reason::ALL.len());
        assert_eq!(counted(&refusals), u64::from(crowd - alone));
    }

    #[test]
    fn what_was_counted_is_recorded_while_the_log_stays_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let clock = Arc::new(weald_proto::ManualClock::at(NOW));
        let storage = Box::new(crate::LogFile::open(&path).unwrap());
        let log = crate::Log::open_settling(storage, clock, Duration::from_millis(5)).unwrap();
        for _ in 0..1000 {
            log.note_refusal(refusal(Reason::CertificateMissing, 1));
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
    fn a_counted_entry_says_nothing_of_a_person() {
        let refusals = Refusals::default();
        let mut about = refusal(Reason::AssertionExpired, 1);
        let patient = weald_proto::NhsNumber::parse("9990000018").unwrap();
        let organisation = OdsCode::parse("RVV").unwrap();
        about.recorder = Recorder::Node { organisation: organisation.clone(), query: None, patient: Some(patient) };
        refusals.count(&about);
        assert_eq!(refusals.take_counted()[0].recorder, Recorder::node(organisation));
    }
}
