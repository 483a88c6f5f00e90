//! A log from day to day: written by many, reopened, read back.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use weald_audit::{Entry, Kind, Log, OpenError, Recovery, entries, recent, served, verify};
use weald_proto::{Clock as _, Digest, Jti, Nonce, OdsCode, Requester, Timestamp};

use crate::random::{answer, clock, entry, node, runtime, write};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn entries_are_read_back_as_they_were_appended(written in vec(entry(), 0..5)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let recorded = write(&path, written.clone());
        let read: Vec<_> = entries(&path).unwrap().map(Result::unwrap).collect();

        let mut previous = Digest::ZERO;
        for (read, recorded) in read.iter().zip(&recorded) {
            prop_assert_eq!((read.sequence, read.digest), (recorded.sequence(), recorded.digest()));
            prop_assert_eq!(read.previous_digest, previous);
            prop_assert_eq!(read.recorded_at, clock().now());
            previous = read.digest;
        }
        prop_assert_eq!(read.into_iter().map(|read| read.entry).collect::<Vec<_>>(), written);
    }
}

#[test]
fn an_empty_log_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Log::open(&path, clock()).unwrap();
    assert_eq!(*log.recovery(), Recovery { entries: 0, head: Digest::ZERO, cut: None });
    let verification = verify(&path).unwrap();
    assert_eq!((verification.entries, verification.head), (0, Digest::ZERO));
    assert_eq!((verification.first, verification.last), (None, None));
}

#[test]
fn a_log_that_is_opened_again_goes_on_where_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let first = write(&path, vec![answer(1, "a"), answer(2, "b")]);
    let log = Log::open(&path, clock()).unwrap();
    assert_eq!(*log.recovery(), Recovery { entries: 2, head: first[1].digest(), cut: None });
    let third = runtime().block_on(log.append(answer(3, "c"))).unwrap();
    assert_eq!(third.sequence(), 3);
    assert_eq!(entries(&path).unwrap().last().unwrap().unwrap().previous_digest, first[1].digest());
}

#[test]
fn a_log_has_one_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Log::open(&path, clock()).unwrap();
    assert!(matches!(Log::open(&path, clock()), Err(OpenError::InUse)));
    drop(log);
    assert!(Log::open(&path, clock()).is_ok());
}

#[test]
fn a_log_in_a_folder_that_does_not_exist_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let opened = Log::open(&folder.path().join("nowhere/audit.log"), clock());
    assert!(matches!(opened, Err(OpenError::Storage(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_get_consecutive_places_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let log = Arc::new(Log::open(&path, clock()).unwrap());
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut recorded = Vec::new();
                for _ in 0..10 {
                    recorded.push(log.append(answer(task, "a")).await.unwrap());
                }
                recorded
            })
        })
        .collect();
    let mut recorded = Vec::new();
    for task in tasks {
        recorded.extend(task.await.unwrap());
    }
    let places: BTreeSet<u64> = recorded.iter().map(|recorded| recorded.sequence()).collect();
    assert_eq!(places, (1..=640).collect());
    let digests: BTreeSet<(u64, Digest)> = recorded.iter().map(|one| (one.sequence(), one.digest())).collect();
    let written = entries(&path).unwrap().map(Result::unwrap).map(|read| (read.sequence, read.digest)).collect();
    assert_eq!(digests, written);
}

#[test]
fn an_entry_that_is_too_large_is_refused_and_the_log_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(&folder.path().join("audit.log"), clock()).unwrap();
    let large = Entry { part_digests: vec![Digest::ZERO; 40_000], ..answer(1, "a") };
    let refused = runtime().block_on(log.append(large));
    assert!(matches!(refused, Err(weald_audit::AuditError::TooLarge { .. })), "{refused:?}");
    assert_eq!(runtime().block_on(log.append(answer(2, "a"))).unwrap().sequence(), 1);
}

#[test]
fn the_entries_since_a_moment_are_those_recorded_then_or_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let clock = clock();
    let log = Log::open(&path, clock.clone()).unwrap();
    for nonce in 1..=3 {
        runtime().block_on(log.append(answer(nonce, "a"))).unwrap();
        clock.advance(Duration::from_secs(60));
    }
    let since = clock.now().minus(Duration::from_secs(120));
    let nonces: Vec<_> = recent(&path, since).unwrap().into_iter().map(|read| read.entry.nonce.unwrap()).collect();
    assert_eq!(nonces, [2, 3].map(|nonce| Nonce::parse(&[nonce; 16]).unwrap()));
    assert_eq!(verify(&path).unwrap().first, Some(since.minus(Duration::from_secs(60))));
}

#[test]
fn what_was_answered_or_asked_for_counts_as_served_and_a_refusal_or_a_release_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let provider = OdsCode::parse("X9APP").unwrap();
    let requester = Requester::Citizen { user: "u-1".into(), name: "Robin Example".into(), provider: provider.clone() };
    let of_kind = |kind, jti| Entry { kind, requester: Some(requester.clone()), ..answer(1, jti) };
    write(
        &path,
        vec![
            of_kind(Kind::Answer, "answer"),
            of_kind(Kind::Refusal, "refusal"),
            of_kind(Kind::Intent, "intent"),
            of_kind(Kind::Release, "release"),
            Entry::new(Kind::Refusal, node()),
        ],
    );
    let served: Vec<_> = served(&path, Timestamp::from_secs(0)).unwrap();
    let ids = served.into_iter().map(|served| served.assertion.unwrap());
    let of = |jti: &str| (provider.clone(), Jti::parse(jti).unwrap());
    assert_eq!(ids.collect::<Vec<_>>(), [of("answer"), of("intent")]);
}

#[test]
fn an_entry_prints_its_kind_and_nothing_of_the_person() {
    assert_eq!(format!("{:?}", answer(1, "a")), "Entry(answer)");
}
