//! Small bundles of synthetic people, and what is read of them.

use std::path::Path;

use tempfile::TempDir;
use weald_node::source::BundleFolder;
use weald_node::{Person, Record, RecordStore, StoreError};
use weald_proto::{Section, SectionState, UnavailableCause};

use crate::common;

/// One person.
pub(crate) const ONE: &str = "9990000018";
/// A person whom no bundle holds.
pub(crate) const NOBODY: &str = "9990000034";

/// A Patient with an NHS number, born on 1 April 1950.
pub(crate) fn patient(id: &str, number: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","birthDate":"1950-04-01","name":[{{"family":"Ashenhurst"}}],
            "identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}]}}"#
    )
}

/// A record about a Patient of the same bundle.
pub(crate) fn about(kind: &str, id: &str, patient: &str) -> String {
    let field = if kind == "AllergyIntolerance" || kind == "Claim" { "patient" } else { "subject" };
    format!(
        r#"{{"resourceType":"{kind}","id":"{id}","{field}":{{"reference":"Patient/{patient}"}},"code":{{"text":"x"}}}}"#
    )
}

/// The answer of a search that found these resources.
pub(crate) fn bundle(resources: &[String]) -> String {
    let entries: Vec<String> = resources.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
    format!(r#"{{"resourceType":"Bundle","type":"searchset","entry":[{}]}}"#, entries.join(","))
}

/// A folder with these files, by name and text.
pub(crate) fn folder(files: &[(&str, String)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What is read of a person.
pub(crate) async fn read(store: &BundleFolder, number: &str) -> Result<Record, StoreError> {
    store.read(&common::permitted(number)).await
}

/// What is read of a person who is known.
pub(crate) async fn person(store: &BundleFolder, number: &str) -> Person {
    read(store, number).await.unwrap().person.unwrap()
}

/// The folder, without identities.
pub(crate) fn open(folder: &Path) -> BundleFolder {
    BundleFolder::open(folder, None).unwrap()
}

/// The state of a section, and its cause.
pub(crate) fn state(person: &Person, section: Section) -> (SectionState, Option<UnavailableCause>) {
    (person.sections[&section].state, person.sections[&section].cause)
}

/// The state of a section of which more may be in what was not read.
pub(crate) const COULD_NOT_SAY: (SectionState, Option<UnavailableCause>) =
    (SectionState::Unavailable, Some(UnavailableCause::SourceError));
