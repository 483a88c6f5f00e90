//! Other people's FHIR bundles, through a whole federation: nothing of a mapped type is lost, nothing of anybody else shown.
//!
//! The bundles are in a folder beside the repository. Without it these tests say so and pass.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;
use weald_node::source::BundleFolder;
use weald_proto::env::Env;
use weald_proto::{
    BirthDate, FamilyName, JobRole, NhsNumber, OdsCode, OrganisationKind, Patient, RelationshipKind, Section,
};
use weald_tests::document::document;
use weald_tests::federation::{AssertionDraft, Federation, MemberSpec, Source};

const FOLDERS: [(&str, &str); 8] = [
    ("X01", "ips-examples-1"),
    ("X02", "ips-examples-2"),
    ("X03", "ips-examples-3"),
    ("X04", "ips-connectathon"),
    ("X05", "inferno-uscore"),
    ("X06", "synthea-smart"),
    ("X07", "synthea-covid"),
    ("X08", "synthea-ccda-converted"),
];

/// Types that are records of a person and belong to a section; written here by hand, apart from the node's table.
const MAPPED: [&str; 21] = [
    "Patient",
    "RelatedPerson",
    "AllergyIntolerance",
    "MedicationStatement",
    "MedicationRequest",
    "MedicationDispense",
    "MedicationAdministration",
    "Condition",
    "Procedure",
    "Observation",
    "DiagnosticReport",
    "Immunization",
    "Encounter",
    "Appointment",
    "EpisodeOfCare",
    "ServiceRequest",
    "DocumentReference",
    "Consent",
    "CarePlan",
    "CareTeam",
    "Flag",
];

fn data() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    if data.is_dir() {
        Some(data)
    } else {
        eprintln!("SKIPPED: no bundles of other people in {}", data.display());
        None
    }
}

#[derive(serde::Deserialize)]
struct Row {
    system: String,
    value: String,
    nhs_number: String,
    birth_date: String,
}

fn rows(data: &Path) -> Vec<Row> {
    csv::Reader::from_path(data.join("identities.csv")).unwrap().deserialize().map(Result::unwrap).collect()
}

fn bundles(data: &Path, folder: &str) -> Vec<Value> {
    let files = fs::read_dir(data.join("fhir").join(folder)).unwrap();
    let documents = files.map(|file| serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap());
    documents.filter(|document: &Value| document["resourceType"] == "Bundle").collect()
}

fn resources(bundle: &Value) -> impl Iterator<Item = (&Value, &str)> {
    bundle["entry"].as_array().unwrap().iter().map(|entry| (entry, entry["resource"]["resourceType"].as_str().unwrap()))
}

/// The Patient resource of that row in a bundle.
fn patient_of<'a>(bundle: &'a Value, row: &Row) -> Option<&'a Value> {
    let mut patients = resources(bundle).filter(|(_, kind)| *kind == "Patient").map(|(entry, _)| &entry["resource"]);
    patients.find(|patient| {
        patient["identifier"].as_array().is_some_and(|ids| {
            ids.iter().any(|id| id["system"] == row.system.as_str() && id["value"] == row.value.as_str())
        })
    })
}

/// What a folder holds of a person, straight from the JSON: ids of mapped records, counts of all other types.
fn held(data: &Path, folder: &str, row: &Row) -> Option<(BTreeSet<String>, BTreeMap<String, u64>)> {
    let mine: Vec<Value> =
        bundles(data, folder).into_iter().filter(|bundle| patient_of(bundle, row).is_some()).collect();
    let (mut ids, mut others) = (BTreeSet::new(), BTreeMap::new());
    for (entry, kind) in mine.iter().flat_map(resources) {
        if MAPPED.contains(&kind) {
            let id = entry["resource"]["id"].as_str().map(|id| format!("{kind}/{id}"));
            ids.insert(id.unwrap_or_else(|| entry["fullUrl"].as_str().unwrap().to_owned()));
        } else {
            *others.entry(kind.to_owned()).or_default() += 1;
        }
    }
    (!mine.is_empty()).then_some((ids, others))
}

fn patient(data: &Path, row: &Row) -> Patient {
    let all = FOLDERS.iter().flat_map(|(_, folder)| bundles(data, folder)).collect::<Vec<_>>();
    let resource = all.iter().find_map(|bundle| patient_of(bundle, row)).unwrap();
    let family = resource["name"].as_array().unwrap().iter().find_map(|name| name["family"].as_str()).unwrap();
    Patient {
        nhs_number: NhsNumber::parse(&row.nhs_number).unwrap(),
        birth_date: BirthDate::parse(&row.birth_date).unwrap(),
        family_name: FamilyName::parse(family).unwrap(),
    }
}

async fn federation(data: &Path, folder: &Path) -> Federation {
    let mut builder = Federation::builder(folder, Env::system());
    for (code, name) in FOLDERS {
        let store = BundleFolder::open(&data.join("fhir").join(name), Some(&data.join("identities.csv"))).unwrap();
        builder = builder.member(MemberSpec {
            organisation: OdsCode::parse(code).unwrap(),
            name: name.to_owned(),
            kind: OrganisationKind::Acute,
            sections: Section::ALL.iter().copied().collect(),
            source: Source::Store(Arc::new(store)),
            cache_seconds: 0,
            local_policies: None,
        });
    }
    builder.start().await.unwrap()
}

/// Ids of every record that a view shows of one organisation, set aside or not, and how many items that are.
fn shown(view: &Value, organisation: &str) -> (BTreeSet<String>, usize) {
    let sections = view["sections"].as_array().unwrap();
    let entries = sections.iter().flat_map(|section| section["entries"].as_array().unwrap());
    let aside = sections.iter().flat_map(|section| section["set_aside"].as_array().unwrap());
    let items = entries.flat_map(|entry| entry["items"].as_array().unwrap()).chain(aside.map(|aside| &aside["item"]));
    let ids: Vec<String> = items
        .filter(|item| item["source"] == organisation)
        .map(|item| item["record_id"].as_str().unwrap().to_owned())
        .collect();
    (ids.iter().cloned().collect(), ids.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_mapped_type_is_lost_and_nothing_of_anybody_else_shown() {
    let Some(data) = data() else { return };
    let folder = tempfile::tempdir().unwrap();
    let federation = federation(&data, folder.path()).await;
    let asking = OdsCode::parse("X01").unwrap();
    let viewer = federation.viewer(&asking).unwrap();
    let mut holders = BTreeMap::new();
    for row in rows(&data) {
        let draft = AssertionDraft::treatment(
            asking.clone(),
            JobRole::parse("R0260").unwrap(),
            RelationshipKind::RegisteredPractice,
            patient(&data, &row),
        );
        let view = viewer.view(&draft.sign(&federation).unwrap(), &BTreeSet::new()).await.unwrap();
        let view = document(&view, &federation.register()).unwrap();
        for (code, name) in FOLDERS {
            let outcome = view["outcomes"].as_array().unwrap().iter().find(|one| one["organisation"] == code).unwrap();
            let (ids, items) = shown(&view, code);
            let Some((expected, others)) = held(&data, name, &row) else {
                assert_eq!((outcome["outcome"].as_str(), items), (Some("not_known_here"), 0), "{name}");
                continue;
            };
            assert_eq!(outcome["outcome"], "answered", "{name}");
            // Contacts inside a Patient are items of their own, under the Patient's id.
            let records = ids.iter().filter(|id| !id.contains("#contact-")).cloned().collect::<BTreeSet<_>>();
            assert_eq!(records, expected, "{name}: records shown and records held differ");
            assert!(items >= expected.len());
            let unmapped: BTreeMap<String, u64> = serde_json::from_value(outcome["unmapped"].clone()).unwrap();
            assert_eq!(unmapped, others, "{name}: types of no section are counted and listed");
            *holders.entry(row.nhs_number.clone()).or_insert(0) += 1;
        }
    }
    assert_eq!(
        holders.get("9990001642"),
        Some(&3),
        "the person of the three IPS folders comes from three organisations"
    );
    assert_eq!(holders.len(), rows(&data).len());
}

#[test]
fn the_demo_shows_the_person_of_the_three_ips_folders() {
    let Some(data) = data() else { return };
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    for (code, name) in FOLDERS {
        demo.arg("--bundles").arg(format!("{code}={}", data.join("fhir").join(name).display()));
    }
    let identities = data.join("identities.csv");
    let out = demo.args(["--json", "--patient", "9990001642", "--identities"]).arg(identities).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let view: Value = serde_json::from_slice(&out.stdout).unwrap();
    let allergies = view["sections"].as_array().unwrap().iter().find(|section| section["name"] == "allergies").unwrap();
    let sources: BTreeSet<&str> = allergies["entries"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|entry| entry["sources"].as_array().unwrap())
        .map(|source| source.as_str().unwrap())
        .collect();
    assert_eq!(sources, BTreeSet::from(["X01", "X02", "X03"]));
}
