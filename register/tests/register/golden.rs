//! The published form does not change by accident: a repository that this crate once wrote, and that other people's
//! clients of TUF were seen to load (`tests/foreign/python_tuf.py`).

use std::fs;
use std::path::Path;

use crate::maker::*;

/// Two editions and two roots, from keys and moments that are always the same.
fn published() -> Mirror {
    let mut maker = Maker::begin();
    maker.edit(START.plus(MINUTE));
    let plan = maker.plan();
    let signers = maker.root_keys[1..].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START.plus(2 * MINUTE));
    maker.mirror
}

#[test]
fn what_is_published_is_what_was_published_byte_for_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let published = published();
    if std::env::var_os("WEALD_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(&folder).unwrap();
        published.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
    }
    let golden: Mirror = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap().into()))
        .collect();
    assert_eq!(golden.keys().collect::<Vec<_>>(), published.keys().collect::<Vec<_>>());
    assert!(
        golden == published,
        "the bytes differ: other programs, and older versions of this one, must still read them"
    );
    let (trusted, result) = update(Maker::begin().newcomer(), &golden, START);
    result.unwrap();
    assert_eq!((trusted.root().version(), trusted.last().unwrap().version()), (2, 2));
}
