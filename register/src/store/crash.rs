//! A crash at each step of a save.

use std::fs;
use std::path::Path;

use super::disk::{Step, perform};
use super::{PART, Store};
use crate::Trusted;
use crate::maker::{Maker, START, federation, update};

fn versions(trusted: &Trusted) -> (u64, Option<u64>) {
    (trusted.root().version(), trusted.last().map(crate::Current::version))
}

fn open(folder: &Path, maker: &Maker) -> (Store, Trusted) {
    Store::open(folder, &federation(), maker.first.bytes()).unwrap()
}

/// A folder with the first edition, and the register that is to be saved next: another edition, under another root.
fn before_and_after(folder: &Path) -> (Maker, Store, Trusted) {
    let mut maker = Maker::begin();
    let (mut store, trusted) = open(folder, &maker);
    let trusted = update(trusted, &maker.mirror, START).0;
    store.save(&trusted).unwrap();
    maker.edit(START);
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    let trusted = update(trusted, &maker.mirror, START).0;
    (maker, store, trusted)
}

#[test]
fn a_crash_after_any_step_leaves_what_was_there_or_what_was_to_be() {
    let mut crashes = 0;
    let mut seen = Vec::new();
    loop {
        let folder = tempfile::tempdir().unwrap();
        let (maker, store, next) = before_and_after(folder.path());
        let (steps, _) = store.plan(&next, store.sequence + 1).unwrap();
        steps.iter().take(crashes).for_each(|step| perform(folder.path(), step).unwrap());
        drop(store);
        let (mut store, trusted) = open(folder.path(), &maker);
        let there = versions(&trusted);
        assert!([(1, Some(1)), (2, Some(2))].contains(&there), "after {crashes} steps: {there:?}");
        seen.push(there);
        // And it goes on from there.
        let (trusted, result) = update(trusted, &maker.mirror, START);
        result.unwrap();
        store.save(&trusted).unwrap();
        drop(store);
        assert_eq!(versions(&open(folder.path(), &maker).1), (2, Some(2)));
        if crashes == steps.len() {
            break;
        }
        crashes += 1;
    }
    assert!(crashes > 8, "a save has {crashes} steps");
    assert!(seen.is_sorted() && seen.first() != seen.last(), "{seen:?}");
}

#[test]
fn a_crash_in_the_middle_of_writing_any_file_leaves_what_was_there_or_what_was_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (_, store, next) = before_and_after(folder.path());
    let (steps, _) = store.plan(&next, store.sequence + 1).unwrap();
    drop(store);
    for (at, step) in steps.iter().enumerate() {
        let Step::WritePart { name, bytes } = step else { continue };
        let folder = tempfile::tempdir().unwrap();
        let (maker, store, _) = before_and_after(folder.path());
        steps.iter().take(at).for_each(|step| perform(folder.path(), step).unwrap());
        let part = folder.path().join(format!("{name}{PART}"));
        fs::write(&part, bytes.get(..bytes.len() / 2).unwrap()).unwrap();
        drop(store);
        let (_, trusted) = open(folder.path(), &maker);
        assert!([(1, Some(1)), (2, Some(2))].contains(&versions(&trusted)), "{name}");
        assert!(!part.exists(), "what is half written is removed");
    }
}
