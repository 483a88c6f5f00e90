//! Refusals, of which anybody can cause any number: as many as the budgets of those who were refused
//! allow are recorded singly, the rest by their number.
//!
//! Parties that proved their name have budgets and places of their own, which no stranger uses up.
//!
//! What was counted is in memory until it is settled: 5 s after the first, and then each minute while
//! the flood lasts. A process that is killed loses what was counted since, and what
//! [`Log::note_refusal`](crate::Log::note_refusal) queued and was not flushed yet.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weald_proto::{Reason, Timestamp};

use crate::budget::{Budgets, Refused};
use crate::entry::{Entry, Kind, Recorder};

/// Strangers and reasons that are counted apart; beyond that by reason only.
const STRANGERS_APART: usize = 128;
/// Parties and reasons that are counted apart, whatever strangers do; beyond that by reason only.
const PARTIES_APART: usize = 256;

/// What may be recorded singly, and what was counted and has no entry yet. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Refusals(Arc<Mutex<Tally>>);

#[derive(Default)]
struct Tally {
    budgets: Budgets,
    strangers: Counts,
    parties: Counts,
    /// Whose log it is.
    recorder: Option<Recorder>,
}

type Counts = BTreeMap<(Option<Reason>, Refused), NonZeroU64>;

impl Refusals {
    /// Takes a refusal up: true if it may be recorded singly, otherwise it was counted.
    pub(crate) fn take_up(&self, refusal: &Entry, now: Timestamp) -> bool {
        let mut tally = self.tally();
        let is_single = tally.budgets.allow_one(&Refused::of(refusal), now);
        if !is_single {
            tally.count(refusal);
        }
        is_single
    }

    /// Counts a refusal that cannot be recorded singly after all.
    pub(crate) fn count(&self, refusal: &Entry) {
        self.tally().count(refusal);
    }

    /// True if something was counted since the last time.
    pub(crate) fn has_counted(&self) -> bool {
        self.tally().recorder.is_some()
    }

    /// Everything that was counted since the last time, one entry for each reason and party.
    pub(crate) fn take_counted(&self) -> Vec<Entry> {
        let mut tally = self.tally();
        let Some(recorder) = tally.recorder.take() else { return Vec::new() };
        let counted = [std::mem::take(&mut tally.parties), std::mem::take(&mut tally.strangers)];
        drop(tally);
        let counted = counted.into_iter().flatten();
        counted.map(|((reason, refused), count)| entry(recorder.clone(), reason, refused, count)).collect()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn count(&mut self, refusal: &Entry) {
        let refused = Refused::of(refusal);
        let (counts, apart) = match refused {
            Refused::Party(_) => (&mut self.parties, PARTIES_APART),
            Refused::Stranger(_) | Refused::Anybody => (&mut self.strangers, STRANGERS_APART),
        };
        let mut key = (refusal.reason, refused);
        if counts.len() >= apart && !counts.contains_key(&key) {
            key.1 = Refused::Anybody;
        }
        counts.entry(key).and_modify(|count| *count = count.saturating_add(1)).or_insert(NonZeroU64::MIN);
        self.recorder.get_or_insert_with(|| nameless(&refusal.recorder));
    }
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
        Refused::Stranger(network) => entry.address = Some(network.address()),
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
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
    use std::time::Duration;

    use weald_proto::{Jti, OdsCode, Requester, SpiffeId};

    use super::*;
    use crate::budget::{REFUSALS_OF_ADDRESS, REFUSALS_OF_PARTY, REFUSALS_OF_STRANGERS};

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);
    const AT_THE_DOOR: [Reason; 5] = [
        Reason::CertificateMissing,
        Reason::CertificateExpired,
        Reason::CertificateInvalid,
        Reason::TooManyConnections,
        Reason::TooManyRequests,
    ];

    fn refusal(reason: Reason, address: u32) -> Entry {
        refusal_of(reason, Ipv4Addr::from(address).into())
    }

    fn refusal_of(reason: Reason, address: IpAddr) -> Entry {
        let mut entry = Entry::new(Kind::Refusal, Recorder::node(OdsCode::parse("RVV").unwrap()));
        entry.reason = Some(reason);
        entry.address = Some(address);
        entry
    }

    fn refusal_of_party(reason: Reason, name: &str) -> Entry {
        let peer = SpiffeId::parse(&format!("spiffe://kent.example/viewer/RVV/{name}")).unwrap();
        Entry { peer: Some(peer), ..refusal(reason, 1) }
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
        assert_eq!(singly(&refusals, &refusal, 1_000_000, NOW), REFUSALS_OF_ADDRESS);
        let [entry] = &refusals.take_counted()[..] else { panic!("one entry") };
        assert_eq!(entry.count.unwrap().get(), 1_000_000 - u64::from(REFUSALS_OF_ADDRESS));
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
        let flood: u32 =
            [Reason::AssertionMalformed, Reason::AssertionExpired, Reason::AssertionSignature, Reason::TooManyRequests]
                .into_iter()
                .map(|reason| singly(&refusals, &refusal_of_party(reason, "a"), 1000, NOW))
                .sum();
        assert_eq!(flood, REFUSALS_OF_PARTY, "over all reasons");
        assert!(refusals.take_up(&refusal_of_party(Reason::AssertionReplayed, "b"), NOW));
    }

    #[test]
    fn a_flood_of_strangers_hides_no_refusal_of_a_party() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = crate::Log::open(&path, Arc::new(weald_proto::ManualClock::at(NOW))).unwrap();
        for (address, reason) in (0..1000).flat_map(|address| AT_THE_DOOR.map(|reason| (address, reason))) {
            log.note_refusal(refusal(reason, address));
        }
        let mut replay = refusal_of_party(Reason::AssertionReplayed, "a");
        replay.jti = Some(Jti::parse("01234567-89ab-4def-8123-456789abcdef").unwrap());
        let (user, name, provider) = ("u".to_owned(), "A Citizen".to_owned(), OdsCode::parse("RVV").unwrap());
        replay.requester = Some(Requester::Citizen { user, name, provider });
        log.note_refusal(replay.clone());
        drop(log);
        let recorded = crate::entries(&path).unwrap().map(|read| read.unwrap().entry);
        let (replays, others): (Vec<Entry>, Vec<Entry>) = recorded.partition(|entry| entry.reason == replay.reason);
        assert_eq!(replays.len(), 1);
        assert_eq!((&replays[0].jti, &replays[0].requester), (&replay.jti, &replay.requester));
        assert_eq!((&replays[0].peer, replays[0].count), (&replay.peer, None));
        assert_eq!(others.iter().filter(|entry| entry.count.is_none()).count(), REFUSALS_OF_STRANGERS as usize);
    }

    #[test]
    fn strangers_without_number_take_no_party_its_name() {
        let refusals = Refusals::default();
        for address in 0..100_000 {
            refusals.count(&refusal(Reason::CertificateMissing, address));
        }
        let known = refusal_of_party(Reason::AssertionReplayed, "a");
        refusals.count(&known);
        assert!(refusals.take_counted().iter().any(|entry| entry.peer == known.peer && entry.reason == known.reason));
    }

    #[test]
    fn a_network_of_ipv6_is_one_stranger_and_so_is_an_ipv4_address_in_both_its_forms() {
        let refusals = Refusals::default();
        let alone: u32 = (0..1000_u128)
            .map(|host| {
                let address = Ipv6Addr::from((0x2001_0db8_u128 << 96) | host).into();
                singly(&refusals, &refusal_of(Reason::CertificateMissing, address), 1, NOW)
            })
            .sum();
        assert_eq!(alone, REFUSALS_OF_ADDRESS);
        let [entry] = &refusals.take_counted()[..] else { panic!("one entry") };
        assert_eq!(entry.address, Some("2001:db8::".parse().unwrap()));
        let address = Ipv4Addr::new(192, 0, 2, 1);
        singly(&refusals, &refusal_of(Reason::CertificateMissing, address.into()), 1000, NOW);
        let mapped = refusal_of(Reason::CertificateMissing, address.to_ipv6_mapped().into());
        assert!(!refusals.take_up(&mapped, NOW));
    }

    #[test]
    fn the_allowance_comes_back_bit_by_bit() {
        let refusals = Refusals::default();
        let refusal = refusal(Reason::CertificateMissing, 1);
        singly(&refusals, &refusal, REFUSALS_OF_ADDRESS, NOW);
        let second = Duration::from_secs(1);
        assert!(!refusals.take_up(&refusal, NOW.plus(second - Duration::from_millis(1))));
        assert_eq!(singly(&refusals, &refusal, 1000, NOW.plus(second)), 1);
        assert_eq!(singly(&refusals, &refusal, 1000, NOW.plus(second * 11)), 10);
        assert_eq!(singly(&refusals, &refusal, 1000, NOW.plus(second * 3600)), REFUSALS_OF_ADDRESS);
        assert!(refusals.take_up(&refusal, NOW), "a clock that was put back does not silence the log");
    }

    #[test]
    fn a_crowd_is_bounded_too_and_each_of_it_is_counted() {
        let refusals = Refusals::default();
        let crowd = 100_000;
        let alone: u32 = (0..crowd).map(|n| singly(&refusals, &refusal(Reason::CertificateMissing, n), 1, NOW)).sum();
        assert_eq!(alone, REFUSALS_OF_STRANGERS);
        assert!(refusals.tally().strangers.len() <= STRANGERS_APART + Reason::ALL.len());
        assert_eq!(counted(&refusals), u64::from(crowd - alone));
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
