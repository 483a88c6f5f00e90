//! Every section, through both sources, with every field of the item and of its detail filled.
//!
//! Which fields there are is asked of the message descriptors, so that a new field without a mapping
//! fails here. What a source cannot fill is listed with the reason; a listed field that is filled
//! after all fails too.

#![cfg(test)]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, Value};
use weald_node::source::{BundleFolder, SqliteDatabase};
use weald_node::{Person, RecordStore};
use weald_proto::wire::item::Detail;
use weald_proto::{Section, SectionState};

const PERSON: &str = "9990000018";

/// Fields that a FHIR resource has no element for.
const NOT_IN_FHIR: &[(Section, &str, &str)] = &[
    (Section::Demographics, "codes", "a Patient has no code"),
    (Section::Demographics, "effective_start", "a Patient has no period"),
    (Section::Demographics, "effective_end", "a Patient has no period"),
    (Section::Demographics, "notes", "a Patient has no note"),
    (Section::Demographics, "entered_in_error", "a Patient has no status"),
    (Section::RelatedPeople, "notes", "a RelatedPerson has no note"),
    (Section::RelatedPeople, "entered_in_error", "a RelatedPerson has no status"),
    (Section::Alerts, "notes", "a Flag has no note"),
    (Section::Immunisations, "effective_end", "a vaccination is a moment"),
    (Section::SocialCareAdult, "notes", "an EpisodeOfCare has no note"),
    (Section::SocialCareChild, "notes", "an EpisodeOfCare has no note"),
    (Section::Location, "notes", "an Encounter has no note"),
    (Section::Location, "entered_in_error", "only an Encounter in progress says where a person is"),
];

/// Set by the node when a bundle's subject is missing, and shown by tests of their own.
const SUBJECT_UNRESOLVED: &str = "subject_unresolved";

#[tokio::test]
async fn every_section_is_filled_from_fhir() {
    for section in Section::ALL {
        let folder = tempfile::tempdir().unwrap();
        write_bundle(*section, folder.path());
        let store = BundleFolder::open(folder.path(), None).unwrap();
        assert_eq!(store.notices(), [], "{section}");
        let person = read(&store).await;
        let excepted = NOT_IN_FHIR.iter().filter(|(of, _, _)| of == section).map(|(_, path, _)| *path);
        assert_filled("FHIR", *section, &person, excepted.collect());
    }
}

#[tokio::test]
async fn every_section_is_filled_from_a_database() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_database(folder.path());
    assert_eq!(store.notices(), []);
    let person = read(&store).await;
    for section in Section::ALL {
        assert_filled("SQLite", *section, &person, BTreeSet::new());
    }
}

async fn read(store: &impl RecordStore) -> Person {
    store.read(&common::permitted(PERSON)).await.unwrap().person.unwrap()
}

/// The section's own bundle, with the people and places that all of them refer to.
fn write_bundle(section: Section, folder: &Path) {
    let bundle = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(data(&format!("sections/{name}.json"))).unwrap()).unwrap()
    };
    let mut own = bundle(section.as_str());
    let support = bundle("support");
    own["entry"].as_array_mut().unwrap().extend(support["entry"].as_array().unwrap().iter().cloned());
    std::fs::write(folder.join("bundle.json"), own.to_string()).unwrap();
}

/// A database with a table for each kind of detail, and a mapping in which every section has the
/// columns that all items have, and its own.
fn open_database(folder: &Path) -> SqliteDatabase {
    let text = |name: &str| std::fs::read_to_string(data(&format!("sections/{name}"))).unwrap();
    let (database, mapping) = (folder.join("ehr.sqlite"), folder.join("mapping.toml"));
    rusqlite::Connection::open(&database).unwrap().execute_batch(&text("ehr.sql")).unwrap();
    std::fs::write(&mapping, text("mapping.toml").replace("# every item\n", &text("every_item.toml"))).unwrap();
    SqliteDatabase::open(&database, &mapping).unwrap()
}

fn data(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(path)
}

fn assert_filled(source: &str, section: Section, person: &Person, mut excepted: BTreeSet<&str>) {
    let reading = &person.sections[&section];
    assert_eq!(reading.state, SectionState::Present, "{source}, {section}");
    excepted.insert(SUBJECT_UNRESOLVED);
    let descriptor = item_descriptor();
    let (mut filled, mut details) = (BTreeSet::new(), BTreeSet::new());
    for item in &reading.items {
        let mut message = DynamicMessage::new(descriptor.clone());
        message.transcode_from(item).unwrap();
        details.insert(detail_of(&message).expect("every item has its detail"));
        collect(&message, "", &mut filled);
    }
    assert_eq!(details.len(), 1, "{source}, {section}: items of one kind");
    let known = all_paths(&descriptor, details.first().unwrap());
    let missing: Vec<&String> =
        known.iter().filter(|path| !filled.contains(*path) && !is_within(path, &excepted)).collect();
    assert!(missing.is_empty(), "{source}, {section}: nothing fills {missing:?}");
    let idle: Vec<_> = excepted.iter().filter(|path| filled.contains(**path)).collect();
    assert!(idle.is_empty(), "{source}, {section}: {idle:?} is filled after all");
}

fn item_descriptor() -> MessageDescriptor {
    let pool = DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).unwrap();
    pool.get_message_by_name("weald.v1.Item").unwrap()
}

fn detail_of(item: &DynamicMessage) -> Option<String> {
    let in_oneof = |field: &prost_reflect::FieldDescriptor| field.containing_oneof().is_some();
    item.fields().find(|(field, _)| in_oneof(field)).map(|(field, _)| field.name().to_owned())
}

/// Every path of a message, lists without their numbers; of the details the section's own.
fn all_paths(item: &MessageDescriptor, detail: &str) -> BTreeSet<String> {
    fn walk(message: &MessageDescriptor, at: &str, paths: &mut BTreeSet<String>, keep: &dyn Fn(&str) -> bool) {
        for field in message.fields().filter(|field| field.containing_oneof().is_none() || keep(field.name())) {
            let path = format!("{at}{}", field.name());
            if let Some(inner) = field.kind().as_message() {
                walk(inner, &format!("{path}."), paths, &|_| true);
            }
            paths.insert(path);
        }
    }
    let mut paths = BTreeSet::new();
    walk(item, "", &mut paths, &|name| name == detail);
    paths
}

/// The paths that hold something other than nothing.
fn collect(message: &DynamicMessage, at: &str, filled: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        let path = format!("{at}{}", field.name());
        let elements = match value {
            Value::List(elements) => elements.as_slice(),
            single => std::slice::from_ref(single),
        };
        for inner in elements.iter().filter_map(Value::as_message) {
            collect(inner, &format!("{path}."), filled);
        }
        if elements.iter().any(|element| !matches!(element, Value::String(text) if text.is_empty())) {
            filled.insert(path);
        }
    }
}

fn is_within(path: &str, excepted: &BTreeSet<&str>) -> bool {
    excepted.iter().any(|one| path == *one || path.strip_prefix(one).is_some_and(|rest| rest.starts_with('.')))
}

#[tokio::test]
async fn a_decimal_keeps_its_digits_on_the_way() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(data("sections/medications.json"), folder.path().join("bundle.json")).unwrap();
    let person = read(&BundleFolder::open(folder.path(), None).unwrap()).await;
    let Some(Detail::Medication(medication)) = &person.sections[&Section::Medications].items[0].detail else {
        panic!("not a medication")
    };
    assert_eq!(medication.dose.as_ref().unwrap().value, "6.50");
}
