//! Signing a root: offline, one person after the other.

use weald_register::publish::{Change, DraftError, RoleHolders, RootDraft};
use weald_register::{Fault, Refused, Role, RoleKey, Root, RootFault};

use crate::maker::*;

fn fault(error: DraftError) -> Fault {
    match error {
        DraftError::Refused(Refused { fault, .. }) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn three_of_five_sign_in_any_order_and_two_are_not_enough() {
    let maker = Maker::begin();
    let mut draft = RootDraft::first(&maker.plan()).unwrap();
    assert_eq!(draft.missing(None).len(), 5);
    for signer in [4, 0] {
        draft = RootDraft::read(&draft.sign(None, &maker.root_keys[signer]).unwrap().bytes()).unwrap();
        assert!(matches!(fault(draft.publish(None).unwrap_err()), Fault::BelowThreshold { needed: 3, .. }));
    }
    assert_eq!(draft.missing(None).len(), 3);
    draft = draft.sign(None, &maker.root_keys[2]).unwrap();
    assert!(draft.missing(None).is_empty());
    let root = draft.publish(None).unwrap();
    assert_eq!(root.signers().count(), 3);
    assert_eq!(Root::read(root.bytes()).unwrap().version(), 1);
}

#[test]
fn whoever_signs_twice_has_signed_once() {
    let maker = Maker::begin();
    let mut draft = RootDraft::first(&maker.plan()).unwrap();
    for _ in 0..3 {
        draft = draft.sign(None, &maker.root_keys[0]).unwrap();
    }
    assert!(matches!(fault(draft.publish(None).unwrap_err()), Fault::BelowThreshold { valid: 1, needed: 3, .. }));
}

#[test]
fn one_of_one_is_enough_where_one_is_asked_for() {
    let alone = [key(1)];
    let plan = plan(&alone, 1, &[key(11)], &[key(12)], &[key(13)]);
    let root = RootDraft::first(&plan).unwrap().sign(None, &alone[0]).unwrap().publish(None).unwrap();
    assert_eq!((root.threshold(Role::Root), root.keys(Role::Root).count()), (1, 1));
}

#[test]
fn a_signer_sees_what_changes_and_nothing_else() {
    let maker = Maker::begin();
    let (leaving, coming) = (maker.root_keys[4].clone(), key(25));
    let mut keys: Vec<RoleKey> = maker.root_keys[..4].to_vec();
    keys.push(coming.clone());
    let mut next = plan(&keys, 3, &maker.timestamp, &maker.snapshot, &maker.targets);
    next.root.threshold = 2;
    let draft = RootDraft::succeeding(&maker.root, &next).unwrap();
    let changes = draft.changes(Some(&maker.root));
    assert_eq!(
        changes,
        [
            Change::KeyAdded { role: Role::Root, key: coming.id() },
            Change::KeyRemoved { role: Role::Root, key: leaving.id() },
            Change::Threshold { role: Role::Root, was: Some(3), is: 2 },
        ]
    );
    assert_eq!(changes[2].to_string(), "! root: 2 must sign, 3 before");
    let unchanged = RootDraft::succeeding(&maker.root, &maker.plan()).unwrap();
    assert!(unchanged.changes(Some(&maker.root)).is_empty());
}

#[test]
fn a_key_that_leaves_may_sign_the_root_that_lets_it_go_and_a_stranger_may_not() {
    let maker = Maker::begin();
    let plan = plan(&maker.root_keys[..4], 3, &maker.timestamp, &maker.snapshot, &maker.targets);
    let draft = RootDraft::succeeding(&maker.root, &plan).unwrap();
    let before = Some(&maker.root);
    assert!(draft.sign(before, &maker.root_keys[4]).is_ok());
    let stranger = key(77);
    assert_eq!(draft.sign(before, &stranger).unwrap_err(), DraftError::NoSigner { key: stranger.id() });
    assert_eq!(draft.sign(before, &maker.targets[0]).unwrap_err(), DraftError::NoSigner { key: maker.targets[0].id() });
    let other = DraftError::OtherRootBefore { version: 2, expected: 1 };
    assert_eq!(draft.sign(None, &maker.root_keys[0]).unwrap_err(), other);
}

#[test]
fn a_draft_that_was_altered_after_it_was_signed_is_not_published() {
    let maker = Maker::begin();
    let draft = RootDraft::first(&maker.plan()).unwrap().sign(None, &maker.root_keys[0]).unwrap();
    let text = String::from_utf8(draft.bytes()).unwrap();
    let altered = text.replace(r#""threshold":3"#, r#""threshold":1"#);
    let draft = RootDraft::read(altered.as_bytes()).unwrap();
    assert!(matches!(fault(draft.publish(None).unwrap_err()), Fault::WrongSignature { .. }));
}

#[test]
fn plans_that_break_a_rule_are_refused_and_say_which() {
    let maker = Maker::begin();
    let none = RoleHolders { keys: Vec::new(), threshold: 1 };
    let twice = RoleHolders { keys: vec![key(61).verifying_key().unwrap(); 2], threshold: 2 };
    let mut plans = vec![maker.plan(); 6];
    plans[0].root.threshold = 6;
    plans[1].root.threshold = 0;
    plans[2].timestamp = none;
    plans[3].targets = twice;
    plans[4].timestamp = RoleHolders { keys: vec![maker.root_keys[0].verifying_key().unwrap()], threshold: 1 };
    plans[5].root.keys = (100..165).map(|seed| key(seed).verifying_key().unwrap()).collect();
    let faults: Vec<Fault> = plans.iter().map(|plan| fault(RootDraft::first(plan).unwrap_err())).collect();
    let root = |fault: &Fault| match fault {
        Fault::Root(fault) => fault.clone(),
        other => panic!("{other}"),
    };
    assert!(matches!(root(&faults[0]), RootFault::Threshold { role: Role::Root, threshold: 6, keys: 5 }));
    assert!(matches!(root(&faults[1]), RootFault::Threshold { role: Role::Root, threshold: 0, .. }));
    assert!(matches!(root(&faults[2]), RootFault::NoKeys { role: Role::Timestamp }));
    assert!(matches!(root(&faults[3]), RootFault::UnsortedKeys { role: Role::Targets }));
    assert!(matches!(root(&faults[4]), RootFault::RootKeyOnline { role: Role::Timestamp, .. }));
    assert!(matches!(root(&faults[5]), RootFault::TooManyKeys));
}

#[test]
fn an_edition_that_the_roots_keys_have_not_signed_is_not_made() {
    let maker = Maker::begin();
    let refused = maker.edition.renew(&maker.root, START, &[&key(99)]).err().unwrap();
    assert_eq!(refused.file, "timestamp.json");
    assert!(matches!(refused.fault, Fault::BelowThreshold { valid: 0, needed: 1, .. }));
}
