//! A log that cannot be written acknowledges nothing.

use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Waker};

use weald_audit::drill::{Faults, FaultyStorage};
use weald_audit::{AuditError, Log, LogFile, Recorded, verify};

use crate::random::{answer, clock, runtime};

fn faulty(path: &Path) -> (Log, Faults) {
    let (storage, faults) = FaultyStorage::over(LogFile::open(path).unwrap());
    (Log::open_on(Box::new(storage), clock()).unwrap(), faults)
}

type Appending<'a> = Pin<Box<dyn Future<Output = Result<Recorded, AuditError>> + Send + 'a>>;

/// Begins an append: when this returns the entry is queued.
fn begin(log: &Log, nonce: u8) -> Appending<'_> {
    let mut appending: Appending<'_> = Box::pin(log.append(answer(nonce, "a")));
    assert!(appending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    appending
}

/// Stalls the log in the flush of one entry, and queues more behind it.
fn stall_with_queue<'a>(log: &'a Log, faults: &Faults, queued: u8) -> Vec<Appending<'a>> {
    faults.stall();
    let mut appending = vec![begin(log, 0)];
    while !faults.is_stalled() {
        std::thread::yield_now();
    }
    appending.extend((1..=queued).map(|nonce| begin(log, nonce)));
    appending
}

#[test]
fn whatever_is_queued_while_a_flush_runs_shares_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults) = faulty(&path);
    let before = faults.flushes();
    let appending = stall_with_queue(&log, &faults, 40);
    faults.resume();
    let recorded: Vec<_> = appending.into_iter().map(|one| runtime().block_on(one).unwrap()).collect();

    assert_eq!(recorded.iter().map(Recorded::sequence).collect::<Vec<_>>(), (1..=41).collect::<Vec<_>>());
    assert_eq!(faults.flushes() - before, 2);
    assert_eq!(verify(&path).unwrap().head, recorded[40].digest());
}

#[test]
fn nothing_is_acknowledged_while_the_flush_is_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let (log, faults) = faulty(&folder.path().join("audit.log"));
    let mut appending = stall_with_queue(&log, &faults, 0).pop().unwrap();
    assert!(appending.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    faults.resume();
    assert_eq!(runtime().block_on(appending).unwrap().sequence(), 1);
}

#[test]
fn when_the_flush_fails_nobody_of_the_group_is_acknowledged_and_later_appends_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults) = faulty(&path);
    let first = runtime().block_on(log.append(answer(1, "a"))).unwrap();
    let appending = stall_with_queue(&log, &faults, 5);
    faults.fail_flushes();
    faults.resume();
    for (place, appending) in appending.into_iter().enumerate() {
        match (place, runtime().block_on(appending)) {
            (0, Err(AuditError::NotWritten(_))) | (_, Err(AuditError::Poisoned)) => {}
            (_, other) => panic!("entry {place}: {other:?}"),
        }
    }
    faults.mend();
    let later = runtime().block_on(log.append(answer(9, "a")));
    assert!(matches!(later, Err(AuditError::Poisoned)), "mended, but not reopened: {later:?}");
    assert!(!log.is_writable(), "and it says so");
    drop(log);

    let verification = verify(&path).unwrap();
    assert_eq!((verification.entries, verification.head), (1, first.digest()), "only what was acknowledged is left");
    let log = Log::open(&path, clock()).unwrap();
    assert_eq!(runtime().block_on(log.append(answer(10, "a"))).unwrap().sequence(), 2);
    assert_eq!(verify(&path).unwrap().entries, 2);
}

#[test]
fn a_full_disk_acknowledges_nothing_and_leaves_no_half_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults) = faulty(&path);
    runtime().block_on(log.append(answer(1, "a"))).unwrap();
    let sound = fs::read(&path).unwrap();
    faults.fill();
    let refused = runtime().block_on(log.append(answer(2, "a")));
    assert!(matches!(refused, Err(AuditError::NotWritten(_))), "{refused:?}");
    drop(log);
    assert_eq!(fs::read(&path).unwrap(), sound);
}

#[test]
fn a_log_whose_medium_fails_at_once_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, faults) = FaultyStorage::over(LogFile::open(&folder.path().join("audit.log")).unwrap());
    faults.fail_flushes();
    assert!(matches!(Log::open_on(Box::new(storage), clock()), Err(weald_audit::OpenError::Storage(_))));
}

#[test]
fn dropping_the_log_writes_what_is_queued() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let (log, faults) = faulty(&path);
    drop(stall_with_queue(&log, &faults, 3));
    faults.resume();
    drop(log);
    assert_eq!(verify(&path).unwrap().entries, 4);
}
