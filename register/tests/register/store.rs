//! What is on the disk: all of it believed, or none.

use std::fs;
use std::path::{Path, PathBuf};

use weald_proto::FederationName;
use weald_register::{Store, StoreError, Trusted};

use crate::maker::*;

fn open(folder: &Path, maker: &Maker) -> Result<(Store, Trusted), StoreError> {
    Store::open(folder, &federation(), maker.first.bytes())
}

/// A folder in which a party that has followed until now has saved what it believes.
fn saved(maker: &Maker) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("register");
    save(&path, maker);
    (folder, path)
}

fn save(path: &Path, maker: &Maker) {
    let (mut store, trusted) = open(path, maker).unwrap();
    let (trusted, result) = update(trusted, &maker.mirror, START);
    result.unwrap();
    store.save(&trusted).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.file_name().unwrap() != "lock");
    files.sort();
    files
}

#[test]
fn what_was_saved_is_what_is_read() {
    let mut maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let (_, trusted) = open(&path, &maker).unwrap();
    assert_eq!(trusted.freshness(START), maker.follower(START).freshness(START));
    assert_eq!(trusted.register(START).unwrap().0.contents().members().count(), 4);
    maker.edit(START);
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    save(&path, &maker);
    let (_, trusted) = open(&path, &maker).unwrap();
    assert_eq!((trusted.root().version(), trusted.last().unwrap().version()), (2, 2));
    assert_eq!(files(&path).len(), 2 + 35, "and what is no longer needed is gone");
}

#[test]
fn an_old_mirror_is_refused_after_a_restart_as_well() {
    let mut maker = Maker::begin();
    let old = maker.mirror.clone();
    maker.edit(START);
    let (_keep, path) = saved(&maker);
    let (_, trusted) = open(&path, &maker).unwrap();
    assert!(update(trusted, &old, START).1.is_err());
}

#[test]
fn time_that_was_seen_stays_seen_after_a_restart() {
    let maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let (mut store, mut trusted) = open(&path, &maker).unwrap();
    trusted.observe(START.plus(20 * MINUTE));
    store.save(&trusted).unwrap();
    drop(store);
    let (_, trusted) = open(&path, &maker).unwrap();
    assert!(matches!(trusted.freshness(START), weald_register::Freshness::Stale { .. }));
}

#[test]
fn a_file_that_was_altered_cut_short_or_removed_is_named_with_the_remedy() {
    let maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    for file in files(&path) {
        let whole = fs::read(&file).unwrap();
        let mut altered = whole.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        let extended = [whole.as_slice(), b" "].concat();
        let mut bad = vec![Some(altered), Some(whole[..middle].to_vec()), Some(Vec::new()), Some(extended)];
        if file.file_name().unwrap() != "floor" {
            bad.push(None);
        }
        for bad in bad {
            match &bad {
                Some(bytes) => fs::write(&file, bytes).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let error = open(&path, &maker).unwrap_err();
            assert!(matches!(error, StoreError::Damaged { .. }), "{}: {error}", file.display());
            let said = error.to_string();
            assert!(said.contains(&file.display().to_string()) && said.contains("remove"), "{said}");
        }
        fs::write(&file, whole).unwrap();
    }
    open(&path, &maker).unwrap();
}

#[test]
fn an_altered_byte_anywhere_in_the_state_is_noticed() {
    let maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let state = path.join("state");
    let whole = fs::read(&state).unwrap();
    for at in (0..whole.len()).step_by(29) {
        let mut altered = whole.clone();
        altered[at] ^= 1 << (at % 8);
        fs::write(&state, altered).unwrap();
        assert!(matches!(open(&path, &maker), Err(StoreError::Damaged { .. })), "byte {at}");
    }
}

/// The state with its checksum made right again.
fn rewrite(state: &Path, edit: impl Fn(String) -> String) {
    let text = String::from_utf8(fs::read(state).unwrap()).unwrap();
    let edited = edit(text.split_once('\n').unwrap().1.to_owned());
    let digest = weald_proto::Digest::of(edited.as_bytes());
    fs::write(state, format!("{digest}\n{edited}")).unwrap();
}

#[test]
fn a_right_checksum_does_not_stand_in_for_a_signature() {
    let maker = Maker::begin();
    for (from, to) in [
        (r#"\"version\":1}}"#, r#"\"version\":2}}"#),
        (r#"2030-01-01T00:15:00Z"#, r#"2031-01-01T00:15:00Z"#),
        (r#"\"threshold\":3"#, r#"\"threshold\":1"#),
        (r#""weald-register-state-1""#, r#""weald-register-state-2""#),
        (r#""latest_ms""#, r#""more":1,"latest_ms""#),
    ] {
        let (_keep, path) = saved(&maker);
        rewrite(&path.join("state"), |text| {
            assert!(text.contains(from), "{from}");
            text.replacen(from, to, 1)
        });
        assert!(matches!(open(&path, &maker), Err(StoreError::Damaged { .. })), "{to}");
    }
}

#[test]
fn an_older_state_put_back_in_its_place_is_refused() {
    let mut maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let old = fs::read(path.join("state")).unwrap();
    maker.edit(START);
    save(&path, &maker);
    fs::write(path.join("state"), old).unwrap();
    let error = open(&path, &maker).unwrap_err();
    assert!(matches!(error, StoreError::Older { .. }), "{error}");
}

#[test]
fn a_state_that_goes_back_to_another_root_is_refused() {
    let maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let other = FederationName::parse("sussex.weald.example").unwrap();
    assert!(matches!(Store::open(&path, &other, maker.first.bytes()), Err(StoreError::Root(_))));
    // The same federation, and somebody else's first root.
    let keys: Vec<_> = (71..=75).map(key).collect();
    let plan = plan(&keys, 3, &maker.timestamp, &maker.snapshot, &maker.targets);
    let root = signed(weald_register::publish::RootDraft::first(&plan).unwrap(), None, &keys[..3]);
    let error = Store::open(&path, &federation(), root.bytes()).unwrap_err();
    assert!(matches!(error, StoreError::OtherRoot { .. }), "{error}");
}

#[test]
fn a_configuration_may_move_on_to_a_later_root_and_not_before_the_first() {
    let mut maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    // A root that this party has not seen yet, of whose keys the register still is.
    let (mut store, trusted) = Store::open(&path, &federation(), maker.root.bytes()).unwrap();
    assert_eq!((trusted.root().version(), trusted.last().unwrap().version()), (2, 1));
    store.save(&trusted).unwrap();
    drop(store);
    let error = open(&path, &maker).unwrap_err();
    assert!(matches!(error, StoreError::EarlierRoot { given: 1, begins: 2, .. }), "{error}");
}

#[test]
fn a_later_root_in_the_configuration_withdraws_what_its_keys_have_not_signed() {
    let mut maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    maker.targets = vec![key(41)];
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    let (_store, trusted) = Store::open(&path, &federation(), maker.root.bytes()).unwrap();
    assert!(trusted.last().is_none());
    assert_eq!(trusted.timestamp_version(), Some(1), "and what they have signed is remembered");
}

#[test]
fn two_processes_do_not_share_a_folder() {
    let maker = Maker::begin();
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(folder.path(), &maker).unwrap();
    assert!(matches!(open(folder.path(), &maker), Err(StoreError::InUse { .. })));
    drop(store);
    open(folder.path(), &maker).unwrap();
}

#[test]
fn what_is_not_of_the_register_is_left_alone() {
    let mut maker = Maker::begin();
    let (_keep, path) = saved(&maker);
    for name in ["notes.part", "notes.txt", "0.state", "members-00.json"] {
        fs::write(path.join(name), "kept").unwrap();
    }
    maker.edit(START);
    save(&path, &maker);
    for name in ["notes.part", "notes.txt", "0.state", "members-00.json"] {
        assert_eq!(fs::read_to_string(path.join(name)).unwrap(), "kept", "{name}");
    }
}
