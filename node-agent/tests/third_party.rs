//! Other people's bundles: everything in them about a person is read, and nothing of anybody else's.
//!
//! The files lie beside the repository and are no part of it. Without them the tests say so
//! and pass. What is expected is counted here, straight from the JSON and by a table of its own.

#![cfg(test)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weald_node::source::BundleFolder;
use weald_node::{Person, RecordStore};

const FOLDERS: &[&str] = &[
    "ips-examples-1",
    "ips-examples-2",
    "ips-examples-3",
    "ips-connectathon",
    "inferno-uscore",
    "synthea-smart",
    "synthea-covid",
    "synthea-ccda-converted",
];

/// Types that are items, and the section that each is in, as far as these files go.
const SECTIONS: &[(&str, &str)] = &[
    ("Patient", "demographics"),
    ("RelatedPerson", "related_people"),
    ("AllergyIntolerance", "allergies"),
    ("MedicationStatement", "medications"),
    ("MedicationRequest", "medications"),
    ("MedicationDispense", "medications"),
    ("Condition", "conditions"),
    ("Procedure", "procedures"),
    ("Observation", "results"),
    ("DiagnosticReport", "results"),
    ("Immunization", "immunisations"),
    ("Encounter", "encounters"),
    ("ServiceRequest", "referrals"),
    ("DocumentReference", "documents"),
    ("Consent", "advance_directives"),
    ("CarePlan", "care_plans"),
    ("CareTeam", "care_team"),
    ("Flag", "alerts"),
];

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if data.is_dir() {
        return Some(data);
    }
    println!("SKIPPED: {} is not there, so nothing was read", data.display());
    None
}

struct Identity {
    system: String,
    value: String,
    nhs_number: String,
    birth_date: String,
}

fn identities(data: &Path) -> Vec<Identity> {
    let mut reader = csv::Reader::from_path(data.join("identities.csv")).unwrap();
    let rows = reader.records().map(|row| {
        let row = row.unwrap();
        let field = |index: usize| row[index].to_owned();
        Identity { system: field(0), value: field(1), nhs_number: field(2), birth_date: field(3) }
    });
    rows.collect()
}

/// What a folder holds of a person: record ids by section, and counts of what is in none.
#[derive(Default, PartialEq, Eq, Debug)]
struct Held {
    ids: BTreeMap<String, Vec<String>>,
    unmapped: BTreeMap<String, u32>,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn count(folder: &Path, identity: &Identity) -> Held {
    let mut held = Held::default();
    for file in files(folder) {
        let bundle: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        count_bundle(&bundle, identity, &mut held);
    }
    held.ids.values_mut().for_each(|ids| ids.sort());
    held
}

fn count_bundle(bundle: &Value, identity: &Identity, held: &mut Held) {
    let entries = bundle["entry"].as_array().unwrap();
    let patients: Vec<&Value> = entries.iter().filter(|entry| entry["resource"]["resourceType"] == "Patient").collect();
    let [patient] = patients[..] else { return assert!(patients.is_empty(), "one patient a bundle, in these files") };
    let is_named = |one: &Value| one["system"] == identity.system.as_str() && one["value"] == identity.value.as_str();
    if !patient["resource"]["identifier"].as_array().unwrap().iter().any(is_named) {
        return;
    }
    for entry in entries {
        let resource = &entry["resource"];
        let kind = resource["resourceType"].as_str().unwrap();
        let id = match resource["id"].as_str() {
            Some(id) => format!("{kind}/{id}"),
            None => entry["fullUrl"].as_str().unwrap().to_owned(),
        };
        if kind == "Patient" {
            let contacts = resource["contact"].as_array().map_or(0, Vec::len);
            let of_contacts = held.ids.entry("related_people".into()).or_default();
            of_contacts.extend((1..=contacts).map(|place| format!("{id}#contact-{place}")));
        }
        if kind == "Encounter" && resource["status"] == "in-progress" {
            held.ids.entry("location".into()).or_default().push(id.clone());
        }
        if let Some((_, section)) = SECTIONS.iter().find(|(name, _)| *name == kind) {
            held.ids.entry((*section).into()).or_default().push(id);
        } else {
            *held.unmapped.entry(kind.into()).or_default() += 1;
        }
    }
    held.ids.retain(|_, ids| !ids.is_empty());
}

fn told(person: &Person) -> Held {
    let mut held = Held { unmapped: person.unmapped.clone(), ..Held::default() };
    for (section, reading) in &person.sections {
        let mut ids: Vec<String> = reading.items.iter().map(|item| item.source_record_id.clone()).collect();
        ids.sort();
        if !ids.is_empty() {
            held.ids.insert(section.as_str().into(), ids);
        }
        for item in &reading.items {
            assert!(!item.text.is_empty(), "{section}: an item without words");
            assert_eq!(item.raw_digest.len(), 32);
        }
    }
    held
}

#[tokio::test]
async fn everything_about_a_person_is_read_and_nothing_of_anybody_elses() {
    let Some(data) = data() else { return };
    let identities = identities(&data);
    assert_eq!(identities.len(), 18);
    let mut people = 0;
    for folder in FOLDERS {
        let place = data.join("fhir").join(folder);
        let store = BundleFolder::open(&place, Some(&data.join("identities.csv"))).unwrap();
        for identity in &identities {
            let expected = count(&place, identity);
            let record = store.read(&common::permitted(&identity.nhs_number)).await.unwrap();
            let Some(person) = record.person else {
                assert_eq!(expected, Held::default(), "{folder} knows {}", identity.nhs_number);
                continue;
            };
            people += 1;
            assert_eq!(told(&person), expected, "{folder}, {}", identity.nhs_number);
            assert_eq!(person.dropped, 0, "{folder}: one patient a file");
            assert_eq!(person.identity.nhs_number, identity.nhs_number);
            assert_eq!(person.identity.birth_date, identity.birth_date, "{folder}");
            assert!(!person.identity.names.is_empty(), "{folder}");
        }
    }
    assert_eq!(people, 18 + 3, "one of them in three folders, another in two");
}

#[test]
fn a_folder_of_what_is_no_r4_bundle_is_refused_and_the_file_named() {
    let Some(data) = data() else { return };
    for (folder, problem) in [("gp-connect-stu3", "is not FHIR R4"), ("nhs-pds", "is a lone resource")] {
        let place = data.join("fhir").join(folder);
        let [file] = &files(&place)[..] else { panic!("{folder} holds one file") };
        let error = BundleFolder::open(&place, None).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains(&file.display().to_string()), "{error}");
    }
}

#[tokio::test]
async fn what_is_not_an_r4_bundle_is_named_and_nobody_is_called_unknown() {
    let Some(data) = data() else { return };
    for (folder, problem) in [("gp-connect-stu3", "is not FHIR R4"), ("nhs-pds", "is a lone resource")] {
        let [file] = &files(&data.join("fhir").join(folder))[..] else { panic!("{folder} holds one file") };
        let both = tempfile::tempdir().unwrap();
        std::fs::copy(file, both.path().join("theirs.json")).unwrap();
        std::fs::write(both.path().join("ours.json"), r#"{"resourceType":"Bundle","type":"collection"}"#).unwrap();
        let store = BundleFolder::open(both.path(), None).unwrap();
        let [notice] = &store.notices()[..] else { panic!("one file, one notice") };
        assert!(notice.place.ends_with("theirs.json") && notice.problem.contains(problem), "{notice}");
        let error = store.read(&common::permitted("9990000018")).await.unwrap_err();
        assert!(error.to_string().contains(&notice.place), "{error}");
    }
}

#[tokio::test]
async fn a_subject_that_nobody_is_leaves_its_mark() {
    let Some(data) = data() else { return };
    let folder = data.join("fhir/ips-connectathon");
    let store = BundleFolder::open(&folder, Some(&data.join("identities.csv"))).unwrap();
    let record = store.read(&common::permitted("9990001227")).await.unwrap();
    let sections = record.person.unwrap().sections;
    let marked: Vec<_> = sections
        .iter()
        .flat_map(|(section, reading)| reading.items.iter().map(move |item| (section.as_str(), item)))
        .filter(|(_, item)| item.subject_unresolved)
        .map(|(section, item)| (section, item.text.as_str()))
        .collect();
    assert_eq!(marked, [("advance_directives", "Do Not Resuscitate: Not for resuscitation")]);
}
