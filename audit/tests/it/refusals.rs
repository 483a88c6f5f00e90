//! A log into which anybody may write refusals.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use weald_audit::drill::{Faults, FaultyStorage};
use weald_audit::{Entry, Kind, Log, LogFile, REFUSALS_OF_PARTY, entries, verify};
use weald_proto::{ManualClock, Reason, SpiffeId};

use crate::random::{answer, clock, node, runtime};

fn open(path: &Path) -> (Log, Faults, Arc<ManualClock>) {
    let (clock, (storage, faults)) = (clock(), FaultyStorage::over(LogFile::open(path).unwrap()));
    (Log::open_on(Box::new(storage), Arc::clone(&clock) as _).unwrap(), faults, clock)
}

/// A broker's query that was refused.
fn refusal() -> Entry {
    let peer = SpiffeId::parse("spiffe://kent.example/broker/b1").unwrap();
    Entry { reason: Some(Reason::QueryReplayed), peer: Some(peer), ..Entry::new(Kind::Refusal, node()) }
}

/// For how many refusals each entry stands.
fn counts(path: &Path) -> Vec<u64> {
    let read = entries(path).unwrap().map(|read| read.unwrap().entry);
    let of_peer = read.inspect(|entry| assert_eq!((&entry.reason, &entry.peer), (&refusal().reason, &refusal().peer)));
    of_peer.map(|entry| entry.count.map_or(1, NonZeroU64::get)).collect()
}

#[test]
fn a_refusal_is_durable_when_its_answer_is_given_until_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults, clock) = open(&path);
    let singly = u64::from(REFUSALS_OF_PARTY);
    for sequence in 1..=singly {
        let recorded = runtime().block_on(log.record_refusal(refusal())).unwrap().expect("an entry of its own");
        assert_eq!(recorded.sequence(), sequence);
    }
    let flushes = faults.flushes();
    for _ in 0..10_000 {
        assert!(runtime().block_on(log.record_refusal(refusal())).unwrap().is_none());
    }
    assert_eq!(faults.flushes(), flushes, "a flood costs the disk nothing");
    clock.advance(Duration::from_secs(60));
    assert!(runtime().block_on(log.record_refusal(refusal())).unwrap().is_some(), "a minute later");
    drop(log);
    assert_eq!(counts(&path).iter().sum::<u64>(), singly + 10_001);
    assert_eq!(counts(&path).last(), Some(&10_000), "what was counted is recorded when the log is closed");
    verify(&path).unwrap();
}

#[test]
fn whoever_notes_refusals_never_waits_for_the_disk_and_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults, clock) = open(&path);
    faults.stall();
    for _ in 0..100 {
        (0..100).for_each(|_| log.note_refusal(refusal()));
        clock.advance(Duration::from_secs(60));
    }
    faults.resume();
    drop(log);
    assert_eq!(counts(&path).iter().sum::<u64>(), 10_000);
    assert!(counts(&path).len() > 1024, "as many singly as had room to wait");
}

#[test]
fn a_flood_of_refusals_does_not_keep_an_answer_from_being_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, _, _) = open(&path);
    (0..10_000).for_each(|_| log.note_refusal(refusal()));
    let recorded = runtime().block_on(log.append(answer(1, "a"))).unwrap();
    assert!(recorded.sequence() <= u64::from(REFUSALS_OF_PARTY) + 1);
}

#[test]
fn a_log_that_has_failed_says_so_of_a_refusal_too() {
    let folder = tempfile::tempdir().unwrap();
    let (log, faults, _) = open(&folder.path().join("audit.log"));
    faults.fail_flushes();
    assert!(runtime().block_on(log.record_refusal(refusal())).is_err());
    log.note_refusal(refusal());
}
