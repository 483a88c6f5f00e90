//! A folder of bundles that is the wrong one, or holds what is not read, never says that nobody is known.

#![cfg(test)]

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use std::path::Path;

use weald_node::StoreError;
use weald_node::source::BundleFolder;
use weald_proto::{Section, SectionState};

use self::bundles::{COULD_NOT_SAY, NOBODY, ONE, about, bundle, folder, open, patient, person, read, state};

#[tokio::test]
async fn a_file_that_is_no_export_is_named_and_puts_nothing_in_doubt() {
    for name in ["README.md", "notes.txt", "people.csv", "export.log", "LICENCE"] {
        let folder = folder(&[("a.json", bundle(&[patient("1", ONE)])), (name, "x".to_owned())]);
        let store = open(folder.path());
        let [notice] = &store.notices()[..] else { panic!("{name}: one notice") };
        assert!(notice.place.ends_with(name) && notice.problem.contains("not a .json file"), "{notice}");
        assert_eq!(state(&person(&store, ONE).await, Section::Allergies).0, SectionState::NoneRecorded, "{name}");
        assert!(read(&store, NOBODY).await.unwrap().person.is_none(), "{name}");
    }
}

#[tokio::test]
async fn an_export_in_another_form_is_named_and_may_hold_anybody() {
    for name in ["b.xml", "B.XML", "b.ndjson", "b.jsonl", "b.json.gz", "b.json.bak", "b.tar.gz", "b.tgz", "b.zip"] {
        let whole = bundle(&[patient("1", ONE), about("Condition", "c1", "1")]);
        let folder = folder(&[("a.json", whole), (name, "x".to_owned())]);
        let store = open(folder.path());
        let [notice] = &store.notices()[..] else { panic!("{name}: one notice") };
        assert!(notice.place.ends_with(name) && notice.problem.contains("not a .json file"), "{notice}");
        let one = person(&store, ONE).await;
        assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY, "{name}");
        assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY, "{name}");
        assert_eq!(one.sections[&Section::Conditions].items.len(), 1, "what was read is kept");
        let error = read(&store, NOBODY).await.unwrap_err().to_string();
        assert!(error.contains(name), "nobody is called unknown: {error}");

        std::fs::remove_file(folder.path().join(name)).unwrap();
        assert_eq!(state(&person(&store, ONE).await, Section::Allergies).0, SectionState::NoneRecorded, "{name} went");
        assert_eq!(store.notices(), [], "{name} went");
    }
}

#[tokio::test]
async fn an_export_that_comes_later_in_another_form_is_noticed() {
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)]))]);
    let store = open(folder.path());
    assert!(read(&store, NOBODY).await.unwrap().person.is_none());
    std::fs::write(folder.path().join("b.xml"), "<Bundle/>").unwrap();
    assert!(read(&store, NOBODY).await.unwrap_err().to_string().contains("b.xml"));
}

#[test]
fn a_folder_without_a_bundle_that_can_be_read_is_refused() {
    let cut = r#"{"resourceType":"Bundle","#;
    for name in ["", "a.xml", "a.ndjson", "a.json.gz", "README.md", "a.json", ".a.xml"] {
        let folder = if name.is_empty() { folder(&[]) } else { folder(&[(name, cut.to_owned())]) };
        let error = BundleFolder::open(folder.path(), None).unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable { place, .. } if Path::new(place) == folder.path()), "{error}");
        let error = error.to_string();
        assert!(error.contains("name the folder of the FHIR R4 JSON bundles"), "a remedy: {error}");
        let is_named = !name.is_empty() && !name.starts_with('.');
        assert_eq!(error.contains(&format!("{name}: is ")), is_named, "{name}: {error}");
    }
}

#[tokio::test]
async fn a_bundle_without_entries_says_that_nobody_is_known() {
    let folder = folder(&[("none.json", bundle(&[]))]);
    let record = read(&open(folder.path()), ONE).await.unwrap();
    assert!(record.person.is_none());
    assert!(record.as_of.to_string().as_str() > "2020", "as fresh as the file: {}", record.as_of);
}

#[tokio::test]
async fn a_folder_that_loses_its_last_bundle_calls_nobody_unknown() {
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)]))]);
    let store = open(folder.path());
    let file = folder.path().join("a.json");
    for (name, text) in [("a.xml", "<Bundle/>"), ("README.md", "moved"), ("a.json", "{")] {
        std::fs::remove_file(&file).unwrap();
        let error = read(&store, NOBODY).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unreadable { place, .. } if Path::new(place) == folder.path()), "{error}");
        let left = folder.path().join(name);
        std::fs::write(&left, text).unwrap();
        for number in [ONE, NOBODY] {
            let error = read(&store, number).await.unwrap_err().to_string();
            assert!(error.contains("no file in it is a bundle") && error.contains(name), "{error}");
        }
        std::fs::remove_file(&left).unwrap();
        std::fs::write(&file, bundle(&[patient("1", ONE)])).unwrap();
        assert!(read(&store, NOBODY).await.unwrap().person.is_none(), "it is back");
    }
}
