//! The watch over every process that builds a federation: it hears everybody, and no leak outlives it.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use tracing::Level;
use weald_proto::env::Env;
use weald_proto::{
    BirthDate, FamilyName, JobRole, NhsNumber, OdsCode, OrganisationKind, Patient, Purpose, RelationshipKind, Section,
};
use weald_tests::federation::{AssertionDraft, Federation, MemberSpec, MemoryStore, Source};
use weald_tests::silence::voices;

/// Each place where something about a person can be written down, what the report says of it, and what
/// it does not repeat.
const LEAKS: [(&str, &str, &str); 10] = [
    ("line", "NhsNumber in Log after: TRACE leak: admitted ", "9990000018"),
    ("field", "BirthDate in Log after: TRACE leak: admission{born=", "1950-04-01"),
    ("later field", "Name in Log after: TRACE leak: admission{family=", "ASHENHURST"),
    ("record", "FreeText in Log after: DEBUG leak: read text=", "Fresh paint"),
    ("token", "Token in Log after: DEBUG leak: called authorization=", "eyJ"),
    ("stranger", "NhsNumber in Log after: TRACE leak: nobody number=", "9990000034"),
    ("label", "NhsNumber in Metric after: leak: weald_views patient=", "9990000018"),
    ("error", "NhsNumber in Error after: no row for ", "9990000018"),
    ("output", "NhsNumber in Output after: node: no row for ", "9990000018"),
    ("panic", "NhsNumber in Panic after: cannot happen to ", "9990000018"),
];

fn run(place: &str) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_leak")).arg(place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

#[test]
fn a_process_does_not_outlive_a_leak_wherever_it_is() {
    for (place, report, secret) in LEAKS {
        let (output, said) = run(place);
        assert_eq!(output.status.code(), None, "it was not ended: {place}: {said}");
        assert!(said.contains(report), "{place}: {said}");
        assert!(!said.contains(secret), "the report repeats it: {place}");
    }
}

#[test]
fn a_process_without_a_leak_comes_to_a_good_end() {
    let (output, said) = run("nowhere");
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_federation_that_is_not_listened_to_does_not_start() {
    let (output, said) = run("deaf");
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no watch over this process: tracing has another listener"), "{said}");
}

/// A federation begins the watch itself, so only one that was declined could be without, or one whose
/// test looks for leaks itself.
#[test]
fn no_test_declines_the_watch() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/silence");
    let mut files = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains(concat!("silence::", "decline")), "{}", path.display());
            assert!(path.starts_with(&own) || !text.contains(concat!("Recorder::", "install")), "{}", path.display());
            read += 1;
        }
    }
    assert!(read > 10);
}

#[tokio::test]
async fn broker_node_and_what_they_stand_on_are_heard_at_every_level() {
    let (env, practice) = (Env::system(), OdsCode::parse("G99001").unwrap());
    let patient = Patient {
        nhs_number: NhsNumber::parse("9990000018").unwrap(),
        birth_date: BirthDate::parse("1950-04-01").unwrap(),
        family_name: FamilyName::parse("Ashenhurst").unwrap(),
    };
    let store = MemoryStore::new(env.clock.now()).knows(&patient);
    let member = MemberSpec {
        organisation: practice.clone(),
        name: practice.to_string(),
        kind: OrganisationKind::GpPractice,
        sections: BTreeSet::from([Section::Allergies]),
        source: Source::Store(Arc::new(store)),
        cache_seconds: 0,
        local_policies: None,
    };
    let folder = tempfile::tempdir().unwrap();
    let federation = Federation::builder(folder.path(), env).member(member).start().await.unwrap();
    let viewer = federation.viewer(&practice).unwrap();
    let role = JobRole::parse("R8000").unwrap();
    let draft = AssertionDraft::treatment(practice.clone(), role, RelationshipKind::RegisteredPractice, patient);

    federation.faults(&practice).unwrap().broken(true);
    viewer.view(&draft.sign(&federation).unwrap(), &BTreeSet::new()).await.unwrap();
    let research = AssertionDraft { purpose: Purpose::Research, ..draft };
    viewer.view(&research.sign(&federation).unwrap(), &BTreeSet::new()).await.unwrap_err();
    federation.stop().await.unwrap();

    let voices = voices();
    assert_eq!(voices.get("h2"), Some(&Level::TRACE), "{voices:?}");
    assert_eq!(voices.get("weald_broker"), Some(&Level::INFO), "{voices:?}");
    assert_eq!(voices.get("weald_node"), Some(&Level::INFO), "{voices:?}");
}
