//! Keys that come and go.

use std::sync::Arc;

use weald_register::publish::{RoleHolders, RootDraft};
use weald_register::{Fault, Freshness, RoleKey, Stopped};

use crate::maker::*;

fn holders(keys: &[RoleKey], threshold: u32) -> RoleHolders {
    RoleHolders { keys: keys.iter().map(|key| key.verifying_key().unwrap()).collect(), threshold }
}

#[test]
fn a_new_root_needs_enough_keys_of_the_old_root_and_of_its_own() {
    let mut maker = Maker::begin();
    let new_keys: Vec<RoleKey> = (21..=25).map(key).collect();
    let mut plan = maker.plan();
    plan.root = holders(&new_keys, 3);
    let draft = RootDraft::succeeding(&maker.root, &plan).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap();
    let (old, new) = (&maker.root_keys, &new_keys);
    for (signers, accepted) in [
        (vec![&old[0], &old[1], &old[2], &new[0], &new[1], &new[2]], true),
        (vec![&old[0], &old[1], &new[0], &new[1], &new[2]], false),
        (vec![&old[0], &old[1], &old[2], &new[0], &new[1]], false),
        (vec![&new[0], &new[1], &new[2]], false),
        (vec![&old[0], &old[1], &old[2]], false),
    ] {
        let mut mirror = maker.mirror.clone();
        mirror.insert("2.root.json".to_owned(), Arc::from(forge(signed_part(&text), &signers)));
        let (trusted, result) = update(maker.newcomer(), &mirror, START);
        assert_eq!(result.is_ok(), accepted, "{result:?}");
        assert_eq!(trusted.root().version(), if accepted { 2 } else { 1 });
    }
    let signers: Vec<RoleKey> = old[..3].iter().chain(&new[..3]).cloned().collect();
    maker.rotate(&plan, &signers);
    maker.root_keys = new_keys;
    let plan = maker.plan();
    let signers = maker.root_keys[2..].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    assert_eq!(maker.follower(START).root().version(), 3, "a newcomer walks through all of them");
}

#[test]
fn a_signature_of_neither_root_is_refused() {
    let maker = Maker::begin();
    let draft = RootDraft::succeeding(&maker.root, &maker.plan()).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap();
    let stranger = key(77);
    let signers = [&maker.root_keys[0], &maker.root_keys[1], &maker.root_keys[2], &stranger];
    let mut mirror = maker.mirror.clone();
    mirror.insert("2.root.json".to_owned(), Arc::from(forge(signed_part(&text), &signers)));
    let (_, result) = update(maker.newcomer(), &mirror, START);
    assert_eq!(result.unwrap_err().fault, Fault::ForeignSignature { key: stranger.id() });
}

#[test]
fn a_version_that_a_stolen_key_has_raised_to_the_last_is_forgotten_with_the_key() {
    let mut maker = Maker::begin();
    let signed = signed_part(&maker.text("timestamp.json"))
        .replace(r#""version":1,"x"#, &format!(r#""version":{},"x"#, u64::MAX));
    let mut stolen = maker.mirror.clone();
    stolen.insert("timestamp.json".to_owned(), Arc::from(forge(&signed, &all(&maker.timestamp))));
    let (trusted, result) = update(maker.newcomer(), &stolen, START);
    result.unwrap();
    maker.renew(START);
    let (trusted, result) = update(trusted, &maker.mirror, START);
    assert!(matches!(result.unwrap_err().fault, Fault::Older { .. }), "nothing newer can come");
    maker.timestamp = vec![key(31)];
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    assert!(matches!(trusted.freshness(START), Freshness::Fresh { .. }));
    assert_eq!(trusted.timestamp_version(), Some(3));
}

#[test]
fn after_a_timestamp_key_was_withdrawn_what_it_signed_does_not_come_back() {
    let mut maker = Maker::begin();
    let old = maker.mirror.clone();
    maker.edit(START);
    let trusted = maker.follower(START);
    maker.timestamp = vec![key(31)];
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    let mut mirror = old;
    mirror.insert("2.root.json".to_owned(), Arc::clone(&maker.mirror["2.root.json"]));
    let (trusted, result) = update(trusted, &mirror, START);
    assert!(matches!(result.unwrap_err().fault, Fault::BelowThreshold { valid: 0, .. }));
    assert_eq!(trusted.root().version(), 2, "the root counts all the same");
}

#[test]
fn a_root_that_withdraws_the_targets_key_counts_though_new_targets_are_withheld() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    maker.targets = vec![key(41)];
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.make(START);
    let mut mirror = maker.mirror.clone();
    mirror.remove("2.targets.json");
    let (trusted, result) = update(trusted, &mirror, START);
    assert_eq!(result.unwrap_err().fault, Fault::Missing);
    assert_eq!(trusted.root().version(), 2);
    assert_eq!(
        trusted.freshness(START),
        Freshness::Stopped(Stopped::Nothing),
        "what a withdrawn key has signed is gone"
    );
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    assert_eq!(trusted.register(START).unwrap().0.version(), 2);
}

#[test]
fn a_change_of_every_online_key_that_is_prepared_interrupts_nobody() {
    let mut maker = Maker::begin();
    let (old_timestamp, old_snapshot, old_targets) =
        (maker.timestamp.clone(), maker.snapshot.clone(), maker.targets.clone());
    // First everything is signed with both, then the root changes, then the old keys are put away.
    let mut plan = maker.plan();
    maker.timestamp.push(key(51));
    maker.snapshot.push(key(52));
    maker.targets.push(key(53));
    maker.make(START);
    let trusted = maker.follower(START);
    assert_eq!(trusted.register(START).unwrap().0.version(), 2);
    plan.timestamp = holders(&maker.timestamp[1..], 1);
    plan.snapshot = holders(&maker.snapshot[1..], 1);
    plan.targets = holders(&maker.targets[1..], 1);
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    assert_eq!((trusted.root().version(), trusted.register(START).unwrap().0.version()), (2, 2));
    for (keys, old) in
        [(&mut maker.timestamp, old_timestamp), (&mut maker.snapshot, old_snapshot), (&mut maker.targets, old_targets)]
    {
        keys.retain(|key| key.id() != old[0].id());
    }
    maker.edit(START);
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    assert_eq!(trusted.register(START).unwrap().0.version(), 3);
}

#[test]
fn an_update_walks_through_so_many_roots_and_the_next_one_goes_on() {
    let mut maker = Maker::begin();
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    for _ in 0..weald_register::limit::ROOTS_OF_UPDATE + 1 {
        maker.rotate(&plan, &signers);
    }
    maker.renew(START);
    let (trusted, result) = update(maker.newcomer(), &maker.mirror, START);
    assert_eq!(result.unwrap_err().fault, Fault::TooManyRoots);
    assert_eq!(trusted.root().version(), 257);
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    assert_eq!(trusted.root().version(), 258);
}
