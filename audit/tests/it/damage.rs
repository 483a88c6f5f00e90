//! Whatever is done to a log, the verifier names the first bad entry.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use weald_audit::{Bad, ChainError, Cut, Log, OpenError, Problem, verify, verify_against, verify_reader};
use weald_proto::Digest;

use crate::random::{clock, entry, write};

/// The bytes of a log of these entries, record by record.
fn records(entries: Vec<weald_audit::Entry>) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    write(&path, entries);
    split(&fs::read(&path).unwrap())
}

fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let length = u32::from_le_bytes(bytes[..4].try_into().unwrap());
        let (record, rest) = bytes.split_at(8 + usize::try_from(length).unwrap() + 32);
        records.push(record.to_vec());
        bytes = rest;
    }
    records
}

fn first_bad(records: &[Vec<u8>]) -> Bad {
    match verify_reader(records.concat().as_slice()) {
        Err(ChainError::Bad(bad)) => bad,
        Err(ChainError::Unreadable(error)) => panic!("unreadable: {error}"),
        Ok(_) => panic!("the damage was not found"),
    }
}

/// Where the record at `index` begins.
fn offset(records: &[Vec<u8>], index: usize) -> u64 {
    u64::try_from(records[..index].concat().len()).unwrap()
}

fn sequence(index: usize) -> u64 {
    u64::try_from(index).unwrap() + 1
}

fn open_bytes(bytes: &[u8]) -> Result<(), OpenError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    fs::write(&path, bytes).unwrap();
    Log::open(&path, clock()).map(drop)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_single_byte_that_changes_is_found_and_never_taken_for_a_torn_end(
        entries in vec(entry(), 1..6), at: Index, flip in 1..=255_u8,
    ) {
        let sound = records(entries);
        let index = at.index(sound.concat().len());
        let mut altered = sound.concat();
        altered[index] ^= flip;
        let first = (0..sound.len()).rev().find(|record| offset(&sound, *record) <= index as u64).unwrap();

        let Err(ChainError::Bad(bad)) = verify_reader(altered.as_slice()) else { panic!("not found") };
        prop_assert_eq!((bad.sequence, bad.offset), (sequence(first), offset(&sound, first)));
        prop_assert!(matches!(bad.problem, Problem::Length | Problem::Altered), "{:?}", bad.problem);
        let Err(OpenError::Damaged(refused)) = open_bytes(&altered) else { panic!("opened") };
        prop_assert_eq!(refused, bad);
    }

    #[test]
    fn a_removed_entry_is_found_at_its_place(entries in vec(entry(), 2..6), at: Index) {
        let mut records = records(entries);
        let index = at.index(records.len() - 1);
        records.remove(index);
        prop_assert_eq!(first_bad(&records), Bad {
            sequence: sequence(index),
            offset: offset(&records, index),
            problem: Problem::Missing { found: sequence(index) + 1 },
        });
    }

    #[test]
    fn a_doubled_entry_is_found_where_it_stands_again(entries in vec(entry(), 1..6), at: Index) {
        let mut records = records(entries);
        let index = at.index(records.len());
        records.insert(index + 1, records[index].clone());
        prop_assert_eq!(first_bad(&records), Bad {
            sequence: sequence(index) + 1,
            offset: offset(&records, index + 1),
            problem: Problem::Repeated { found: sequence(index) },
        });
    }

    #[test]
    fn swapped_entries_are_found_at_the_first_of_them(entries in vec(entry(), 2..6), one: Index, other: Index) {
        let mut records = records(entries);
        let (one, other) = (one.index(records.len()), other.index(records.len()));
        prop_assume!(one != other);
        let (one, other) = (one.min(other), one.max(other));
        records.swap(one, other);
        prop_assert_eq!(first_bad(&records), Bad {
            sequence: sequence(one),
            offset: offset(&records, one),
            problem: Problem::Missing { found: sequence(other) },
        });
    }

    #[test]
    fn an_entry_of_another_log_is_found(ours in vec(entry(), 2..6), theirs in vec(entry(), 6), at: Index) {
        let (mut records, theirs) = (records(ours), records(theirs));
        let index = at.index(records.len());
        prop_assume!(records[..=index] != theirs[..=index]);
        records[index] = theirs[index].clone();
        let sound = index == 0 || records[index - 1] == theirs[index - 1];
        if sound && index + 1 == records.len() {
            // Sound in itself: only somebody who knows the digest of what was recorded can tell.
            prop_assert!(verify_reader(records.concat().as_slice()).is_ok());
        } else {
            let place = if sound { index + 1 } else { index };
            let bad = first_bad(&records);
            prop_assert_eq!((bad.sequence, bad.problem), (sequence(place), Problem::WrongPrevious));
        }
    }

    #[test]
    fn a_log_that_ends_anywhere_inside_a_record_is_cut_and_goes_on(entries in vec(entry(), 1..5), at: Index) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        write(&path, entries.clone());
        let sound = split(&fs::read(&path).unwrap());
        let whole = sound.concat();
        let length = at.index(whole.len());
        fs::write(&path, &whole[..length]).unwrap();
        let kept = (0..=sound.len()).rev().find(|count| offset(&sound, *count) <= length as u64).unwrap();
        let torn = length as u64 - offset(&sound, kept);

        let log = Log::open(&path, clock()).unwrap();
        prop_assert_eq!(log.recovery().entries, kept as u64);
        let cut = (torn > 0).then_some(Cut { offset: offset(&sound, kept), bytes: torn });
        prop_assert_eq!(log.recovery().cut, cut);
        drop(log);
        let recorded = write(&path, entries);
        prop_assert_eq!(recorded[0].sequence(), kept as u64 + 1);
        let verification = verify(&path).unwrap();
        prop_assert_eq!(verification.entries, (kept + recorded.len()) as u64);
        prop_assert_eq!(verification.head, recorded.last().unwrap().digest());
    }

    #[test]
    fn a_log_whose_last_bytes_were_never_written_is_cut(entries in vec(entry(), 2..5), lost in 8..40_usize) {
        let sound = records(entries);
        let mut bytes = sound.concat();
        let written = bytes.len() - lost;
        bytes[written..].fill(0);
        bytes.extend([0; 5000]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        fs::write(&path, &bytes).unwrap();

        let Err(ChainError::Bad(bad)) = verify(&path) else { panic!("not found") };
        prop_assert_eq!((bad.sequence, bad.problem), (sequence(sound.len() - 1), Problem::Torn));
        let log = Log::open(&path, clock()).unwrap();
        prop_assert_eq!(log.recovery().entries, sequence(sound.len() - 2));
        prop_assert_eq!(fs::metadata(&path).unwrap().len(), offset(&sound, sound.len() - 1));
    }
}

fn three_entries(path: &Path) -> Vec<weald_audit::Recorded> {
    write(path, vec![crate::random::answer(1, "a"), crate::random::answer(2, "b"), crate::random::answer(3, "c")])
}

#[test]
fn an_end_that_was_cut_off_is_found_by_whoever_knows_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    let last = three_entries(&path)[2];
    assert_eq!(verify_against(&path, last.sequence(), last.digest()).unwrap(), verify(&path).unwrap());

    let records = split(&fs::read(&path).unwrap());
    fs::write(&path, records[..2].concat()).unwrap();
    assert_eq!(verify(&path).unwrap().entries, 2, "a chain alone does not show it");
    let Err(ChainError::Bad(bad)) = verify_against(&path, last.sequence(), last.digest()) else { panic!("not found") };
    assert_eq!(bad, Bad { sequence: 3, offset: offset(&records, 2), problem: Problem::CutOff { known: 3 } });
}

#[test]
fn a_log_that_was_written_anew_is_found_by_whoever_knows_what_was_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    three_entries(&path);
    let Err(ChainError::Bad(bad)) = verify_against(&path, 2, Digest::of(b"another entry")) else { panic!("not found") };
    assert_eq!((bad.sequence, bad.problem), (2, Problem::Replaced));
}

#[test]
fn zeros_behind_a_sound_log_are_a_torn_end_and_anything_else_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    three_entries(&path);
    let sound = fs::read(&path).unwrap();
    let mut bytes = sound.clone();
    bytes.extend([0; 9000]);
    assert!(open_bytes(&bytes).is_ok());
    bytes.push(1);
    let Err(OpenError::Damaged(bad)) = open_bytes(&bytes) else { panic!("opened") };
    assert_eq!(bad, Bad { sequence: 4, offset: sound.len() as u64, problem: Problem::Length });
}

#[test]
fn a_length_beyond_the_largest_entry_is_damage_and_not_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    three_entries(&path);
    let mut bytes = fs::read(&path).unwrap();
    let length = u32::MAX / 2;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes[4..8].copy_from_slice(&(!length).to_le_bytes());
    let Err(OpenError::Damaged(bad)) = open_bytes(&bytes) else { panic!("opened") };
    assert_eq!(bad, Bad { sequence: 1, offset: 0, problem: Problem::Length });
}

#[test]
fn an_error_says_which_entry_is_bad_and_nothing_of_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    three_entries(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[20] ^= 1;
    let Err(error) = open_bytes(&bytes) else { panic!("opened") };
    assert_eq!(
        error.to_string(),
        "the audit log is damaged: entry 1 at byte 0: the entry or its digest was altered; \
         keep the file as evidence, and restore it or begin another"
    );
}
