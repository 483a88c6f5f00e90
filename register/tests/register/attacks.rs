//! What the TUF specification lists (section 1.5.2), and what a mirror, a relay or a stolen key can do besides.

use std::sync::Arc;

use weald_proto::FederationName;
use weald_register::{Fault, Freshness, Role, RootFault, Trusted, Update};

use crate::maker::*;

fn fault(trusted: &Trusted, mirror: &Mirror) -> Fault {
    let (after, result) = update(trusted.clone(), mirror, START.plus(MINUTE));
    let refused = result.expect_err("it was accepted");
    assert!(after.timestamp_version() >= trusted.timestamp_version(), "{refused}");
    assert_eq!(after.last().map(|current| current.version()), trusted.last().map(|current| current.version()));
    refused.fault
}

#[test]
fn an_old_mirror_is_refused() {
    let mut maker = Maker::begin();
    let old = maker.mirror.clone();
    maker.edit(START);
    let trusted = maker.follower(START);
    assert_eq!(fault(&trusted, &old), Fault::Older { what: Role::Timestamp, known: 2, offered: 1 });
}

#[test]
fn a_newer_timestamp_that_names_an_older_snapshot_is_refused() {
    let mut maker = Maker::begin();
    let old = maker.clone();
    maker.edit(START);
    let trusted = maker.follower(START);
    let signed = signed_part(&old.text("timestamp.json")).replace(r#""version":1,"x"#, r#""version":3,"x"#);
    let mut mirror = old.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(forge(&signed, &all(&maker.timestamp))));
    assert_eq!(fault(&trusted, &mirror), Fault::Older { what: Role::Snapshot, known: 2, offered: 1 });
}

#[test]
fn a_newer_snapshot_that_names_older_targets_is_refused() {
    let mut maker = Maker::begin();
    let old = maker.clone();
    maker.edit(START);
    let trusted = maker.follower(START);
    // Whoever has the timestamp's and the snapshot's key, and not that of the targets.
    let snapshot = snapshot_naming(&maker, &old.mirror["1.targets.json"], 1, 3);
    let mut mirror = old.mirror.clone();
    mirror.insert("3.snapshot.json".to_owned(), Arc::from(snapshot.as_slice()));
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 3, 3)));
    assert_eq!(fault(&trusted, &mirror), Fault::Older { what: Role::Targets, known: 2, offered: 1 });
}

#[test]
fn two_timestamps_of_one_version_are_refused() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    maker.edit(START);
    let snapshot = maker.mirror["2.snapshot.json"].clone();
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 2, 1)));
    assert_eq!(fault(&trusted, &mirror), Fault::Other { what: Role::Timestamp, version: 1 });
}

#[test]
fn two_snapshots_of_one_version_are_refused() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    maker.edit(START);
    let snapshot = maker.mirror["2.snapshot.json"].clone();
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 1, 2)));
    assert_eq!(fault(&trusted, &mirror), Fault::Other { what: Role::Snapshot, version: 1 });
}

#[test]
fn two_targets_of_one_version_are_refused() {
    let maker = Maker::begin();
    let trusted = maker.follower(START);
    let mut other = maker.clone();
    other.edit(START);
    let targets = maker_targets_as(&other, 1);
    let snapshot = snapshot_naming(&maker, &targets, 1, 2);
    let mut mirror = other.mirror.clone();
    mirror.insert("2.snapshot.json".to_owned(), Arc::from(snapshot.as_slice()));
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 2, 2)));
    assert_eq!(fault(&trusted, &mirror), Fault::Other { what: Role::Targets, version: 1 });
}

fn maker_targets_as(maker: &Maker, version: u64) -> Vec<u8> {
    let signed = signed_part(&maker.text("2.targets.json")).to_owned();
    let at = signed.rfind(r#""version":2"#).unwrap();
    forge(&format!("{}\"version\":{version}}}", signed.split_at(at).0), &all(&maker.targets))
}

#[test]
fn documents_of_another_version_than_was_said_are_refused() {
    let maker = Maker::begin();
    let mut other = maker.clone();
    other.edit(START);
    let snapshot = other.mirror["2.snapshot.json"].clone();
    let mut mirror = other.mirror.clone();
    mirror.insert("7.snapshot.json".to_owned(), Arc::clone(&snapshot));
    mirror.insert("timestamp.json".to_owned(), Arc::from(timestamp_naming(&maker, &snapshot, 7, 2)));
    let other_version = Fault::OtherVersion { what: Role::Snapshot, expected: 7, offered: 2 };
    assert_eq!(fault(&maker.newcomer(), &mirror), other_version);
}

#[test]
fn files_of_two_editions_do_not_go_together() {
    let mut maker = Maker::begin();
    let old = maker.clone();
    let trusted = maker.follower(START);
    maker.edit(START);
    for (name, instead) in [("2.snapshot.json", "1.snapshot.json"), ("2.targets.json", "1.targets.json")] {
        let mut mirror = maker.mirror.clone();
        mirror.insert(name.to_owned(), Arc::clone(&old.mirror[instead]));
        let fault = fault(&trusted, &mirror);
        assert!(matches!(fault, Fault::Digest | Fault::Length { .. } | Fault::TooLong { .. }), "{name}: {fault}");
    }
    let shard = maker.mirror.keys().find(|name| name.contains("members-") && !old.mirror.contains_key(*name)).unwrap();
    let target = shard.split_once('.').unwrap().1;
    let before = old.mirror.iter().find(|(name, _)| name.ends_with(target)).unwrap().1;
    let mut mirror = maker.mirror.clone();
    mirror.insert(shard.clone(), Arc::clone(before));
    let fault = fault(&trusted, &mirror);
    assert!(matches!(fault, Fault::Digest | Fault::Length { .. } | Fault::TooLong { .. }), "{fault}");
}

#[test]
fn a_file_without_end_is_refused_before_it_is_parsed() {
    let mut maker = Maker::begin();
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    for name in ["2.root.json", "timestamp.json", ".snapshot.json", ".targets.json", ".revocations.json"] {
        let mut update = update_until(maker.newcomer(), &maker.mirror, START, name);
        let wanted = update.wants().unwrap();
        let endless = vec![b' '; wanted.longest + 1];
        let refused = update.take(&endless).unwrap_err();
        assert_eq!(refused.fault, Fault::TooLong { longest: wanted.longest });
        assert_eq!(refused.file, wanted.name);
        assert_eq!(update.wants(), None, "a refusal ends the update");
    }
}

#[test]
fn what_nobody_asked_for_is_refused() {
    let maker = Maker::begin();
    let mut update = Update::begin(maker.follower(START), START);
    update.absent().unwrap();
    update.take(&maker.mirror["timestamp.json"]).unwrap();
    assert_eq!(update.wants(), None);
    assert_eq!(update.take(&maker.mirror["1.targets.json"]).unwrap_err().fault, Fault::NotAskedFor);
    assert_eq!(update.absent().unwrap_err().fault, Fault::NotAskedFor);
}

#[test]
fn a_document_of_another_role_is_refused_though_the_right_key_has_signed_it() {
    let maker = Maker::begin();
    let snapshot = signed_part(&maker.text("1.snapshot.json")).to_owned();
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(forge(&snapshot, &all(&maker.timestamp))));
    let other = Fault::OtherRole { expected: Role::Timestamp, found: Role::Snapshot };
    assert_eq!(fault(&maker.newcomer(), &mirror), other);
}

#[test]
fn a_timestamp_by_a_key_that_nobody_knows_or_by_another_roles_key_is_refused() {
    let maker = Maker::begin();
    let signed = signed_part(&maker.text("timestamp.json")).to_owned();
    for key in [key(99), maker.targets[0].clone(), maker.root_keys[0].clone()] {
        let mut mirror = maker.mirror.clone();
        mirror.insert("timestamp.json".to_owned(), Arc::from(forge(&signed, &[&key])));
        assert!(matches!(fault(&maker.newcomer(), &mirror), Fault::BelowThreshold { valid: 0, needed: 1, .. }));
    }
}

#[test]
fn a_wrong_signature_under_a_known_name_is_refused_though_enough_others_hold() {
    let mut maker = Maker::begin();
    let plan = maker.plan();
    let signers = maker.root_keys[..4].to_vec();
    maker.rotate(&plan, &signers);
    let root = maker.text("2.root.json");
    let signature = root.split_once(r#""sig":""#).unwrap().1.split_at(128).0;
    let mut mirror = maker.mirror.clone();
    mirror.insert("2.root.json".to_owned(), Arc::from(root.replace(signature, &"0".repeat(128)).into_bytes()));
    assert!(matches!(fault(&maker.newcomer(), &mirror), Fault::WrongSignature { .. }));
}

#[test]
fn one_signature_twice_is_one_signature() {
    let maker = Maker::begin();
    let draft = weald_register::publish::RootDraft::succeeding(&maker.root, &maker.plan()).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap();
    let (one, two) = (&maker.root_keys[0], &maker.root_keys[1]);
    for keys in [vec![one, one, two], vec![one, one, one]] {
        let mut mirror = maker.mirror.clone();
        mirror.insert("2.root.json".to_owned(), Arc::from(forge(signed_part(&text), &keys)));
        assert_eq!(fault(&maker.newcomer(), &mirror), Fault::NotCanonical, "no key may stand there twice");
    }
    let mut mirror = maker.mirror.clone();
    mirror.insert("2.root.json".to_owned(), Arc::from(forge(signed_part(&text), &[one, two])));
    assert!(matches!(fault(&maker.newcomer(), &mirror), Fault::BelowThreshold { valid: 2, needed: 3, .. }));
}

#[test]
fn one_key_under_two_names_is_refused_whoever_signed_it() {
    let maker = Maker::begin();
    let draft = weald_register::publish::RootDraft::succeeding(&maker.root, &maker.plan()).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap();
    let (name, other) = (maker.root_keys[0].id().to_string(), "f".repeat(64));
    let key = format!(r#""{name}":{{"keytype""#);
    let end = r#""scheme":"ed25519"}"#;
    let document = text.split_once(&key).unwrap().1.split_once(end).unwrap().0;
    let again = format!(r#""{other}":{{"keytype"{document}{end}"#);
    let twice = text.replace(r#"}},"roles""#, &format!(r#"}},{again}}},"roles""#));
    let signed = signed_part(&twice).to_owned();
    let mut mirror = maker.mirror.clone();
    mirror.insert("2.root.json".to_owned(), Arc::from(forge(&signed, &all(&maker.root_keys))));
    let fault = fault(&maker.newcomer(), &mirror);
    assert!(matches!(fault, Fault::Root(RootFault::MisnamedKey { .. })), "{fault}");
}

#[test]
fn a_root_that_skips_a_version_goes_back_or_stays_is_refused() {
    let mut maker = Maker::begin();
    let signers = maker.root_keys[..3].to_vec();
    let plan = maker.plan();
    maker.rotate(&plan, &signers);
    let second = maker.follower(START.plus(MINUTE));
    maker.rotate(&plan, &signers);
    let mut skipped = maker.mirror.clone();
    skipped.insert("2.root.json".to_owned(), Arc::clone(&maker.mirror["3.root.json"]));
    let expected = Fault::OtherVersion { what: Role::Root, expected: 2, offered: 3 };
    assert_eq!(fault(&maker.newcomer(), &skipped), expected);
    for (version, instead) in [(1, "1.root.json"), (2, "2.root.json")] {
        let mut back = maker.mirror.clone();
        back.insert("3.root.json".to_owned(), Arc::clone(&maker.mirror[instead]));
        assert_eq!(fault(&second, &back), Fault::Older { what: Role::Root, known: 2, offered: version });
    }
}

#[test]
fn a_root_that_is_withheld_is_missed() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START.plus(MINUTE));
    let mut mirror = maker.mirror.clone();
    mirror.remove("2.root.json");
    assert_eq!(fault(&trusted, &mirror), Fault::Withheld { promised: 2 });
}

#[test]
fn a_root_that_appears_during_the_update_is_asked_for_again() {
    let mut maker = Maker::begin();
    let mut update = Update::begin(maker.follower(START), START);
    update.absent().unwrap();
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START.plus(MINUTE));
    update.take(&maker.mirror["timestamp.json"]).unwrap();
    assert_eq!(update.wants().unwrap().name, "2.root.json");
    update.take(&maker.mirror["2.root.json"]).unwrap();
    update.absent().unwrap();
    update.take(&maker.mirror["timestamp.json"]).unwrap();
    assert_eq!(update.wants(), None);
    assert_eq!(update.finish().root().version(), 2);
}

#[test]
fn the_root_of_another_federation_is_refused_at_the_beginning_and_as_the_next() {
    let maker = Maker::begin();
    let other = FederationName::parse("sussex.weald.example").unwrap();
    assert_eq!(Trusted::begin(&other, maker.root.bytes()).unwrap_err().fault, Fault::OtherFederation);
    let draft = weald_register::publish::RootDraft::succeeding(&maker.root, &maker.plan()).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap().replace("kent.weald", "sussex.weald");
    let mut mirror = maker.mirror.clone();
    mirror.insert("2.root.json".to_owned(), Arc::from(forge(signed_part(&text), &all(&maker.root_keys))));
    assert_eq!(fault(&maker.newcomer(), &mirror), Fault::OtherFederation);
}

#[test]
fn a_timestamp_that_claims_to_last_for_years_is_fresh_no_longer_than_any() {
    let maker = Maker::begin();
    let signed = signed_part(&maker.text("timestamp.json")).replace("2030-01-01T00:15:00Z", "2099-01-01T00:15:00Z");
    let mut mirror = maker.mirror.clone();
    mirror.insert("timestamp.json".to_owned(), Arc::from(forge(&signed, &all(&maker.timestamp))));
    let (trusted, result) = update(maker.newcomer(), &mirror, START);
    result.unwrap();
    assert!(matches!(trusted.freshness(START.plus(17 * MINUTE)), Freshness::Stale { .. }));
    assert!(!trusted.freshness(START.plus(DAY + MINUTE)).serves());
}

#[test]
fn a_member_in_another_shard_than_its_own_is_refused() {
    let maker = Maker::begin();
    let files = {
        let mut files = files(&maker.members, &maker.revocations);
        let shard = weald_register::shard_of(&weald_proto::OdsCode::parse("RVV").unwrap());
        let other = (shard + 1) % weald_register::SHARDS;
        let entry = member("RVV", "moved");
        let text = format!(r#"{{"members":[{entry}],"shard":{other}}}"#);
        files.insert(weald_register::TargetName::Members(other), Arc::from(text.into_bytes()));
        files
    };
    let (timestamp, snapshot, targets) = (all(&maker.timestamp), all(&maker.snapshot), all(&maker.targets));
    let keys = weald_register::publish::EditionKeys { timestamp: &timestamp, snapshot: &snapshot, targets: &targets };
    let refused =
        weald_register::publish::Edition::make(&maker.root, files, maker.edition.versions(), terms(START), keys);
    let fault = refused.err().unwrap().fault;
    assert!(fault.to_string().contains("member RVV: stands in another shard"), "{fault}");
}
