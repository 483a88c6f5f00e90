//! FHIR R4 bundles: the inverse of the mapping that the .proto files state for every field.
//!
//! A bundle holds one person. Staff, organisations, places and products are entries of their own, and
//! referred to. Decimal values go through JSON numbers, so trailing zeros do not survive.

mod clinical;
mod contacts;
mod decisions;
mod element;
mod entries;
mod folder;
mod medication;
mod people;
mod results;
mod services;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use weald_proto::Section;
use weald_proto::wire::{Identifier, Item};

use crate::population::HeldIdentity;
use entries::Entries;

pub use folder::{IDENTITIES, write_folder};

/// The kinds of bundle that hold a record as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BundleKind {
    /// The answer to a search: entries live on a server, and refer to each other as `Type/id`.
    Searchset,
    /// A heap of resources, known by `urn:uuid`.
    Collection,
    /// Resources to be created together, known by `urn:uuid`.
    Transaction,
    /// A document: a Composition first, whose sections list the others.
    Document,
}

impl BundleKind {
    /// Every kind.
    pub const ALL: [BundleKind; 4] =
        [BundleKind::Searchset, BundleKind::Collection, BundleKind::Transaction, BundleKind::Document];

    /// The kind in which person `index` is written: they take turns.
    pub fn for_person(index: u32) -> BundleKind {
        match index % 4 {
            0 => BundleKind::Document,
            1 => BundleKind::Searchset,
            2 => BundleKind::Transaction,
            _ => BundleKind::Collection,
        }
    }

    /// `Bundle.type`.
    pub const fn code(self) -> &'static str {
        match self {
            BundleKind::Searchset => "searchset",
            BundleKind::Collection => "collection",
            BundleKind::Transaction => "transaction",
            BundleKind::Document => "document",
        }
    }
}

/// One person's record as a FHIR R4 bundle, from which a reader gets the same items.
///
/// The Patient is the first item of `demographics`; without one it says no more than `identity` and
/// `local_id`. An item of `location` is the encounter of the same record id, and is not written again.
pub fn write_bundle(
    kind: BundleKind,
    identity: &HeldIdentity,
    local_id: &Identifier,
    sections: &BTreeMap<Section, Vec<Item>>,
) -> Value {
    let mut entries = Entries::new(kind, &format!("Patient/{}", local_id.value));
    let known = sections.get(&Section::Demographics).and_then(|items| items.first());
    let patient =
        known.map_or_else(|| people::stranger(identity, local_id), |item| people::patient(&mut entries, item));
    entries.add(patient);
    for (section, items) in sections {
        let listed: Vec<String> = items.iter().filter_map(|item| write_item(&mut entries, *section, item)).collect();
        entries.list(*section, listed);
    }
    json!({ "resourceType": "Bundle", "type": kind.code(), "entry": entries.finish() })
}

/// Writes one item as the resource that its record id says; the reference to it, if it is a new one.
fn write_item(entries: &mut Entries, section: Section, item: &Item) -> Option<String> {
    let kind = item.source_record_id.split('/').next().unwrap_or_default();
    let resource = match (section, kind) {
        (Section::Demographics | Section::Location, _) => return None,
        (_, "RelatedPerson") => people::related_person(entries, item),
        (_, "AllergyIntolerance") => clinical::allergy(entries, item),
        (_, "Condition") => clinical::condition(entries, item),
        (_, "Procedure") => clinical::procedure(entries, item),
        (_, "Immunization") => clinical::immunisation(entries, item),
        (_, "MedicationStatement" | "MedicationRequest") => medication::medication(entries, item),
        (_, "Observation") => results::observation(entries, item),
        (_, "DiagnosticReport") => results::report(entries, item),
        (_, "Encounter") => contacts::encounter(entries, item),
        (_, "Appointment") => contacts::appointment(entries, item),
        (_, "ServiceRequest") => contacts::referral(entries, item),
        (_, "DocumentReference") => contacts::document(entries, item),
        (_, "Flag") => decisions::flag(entries, item),
        (_, "Consent") => decisions::consent(entries, item),
        (_, "CarePlan") => decisions::plan(entries, item),
        (_, "EpisodeOfCare") => services::episode(entries, item),
        (_, "CareTeam") => services::team(entries, item),
        _ => return None,
    };
    Some(entries.add(resource))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::population::{Person, people, person};

    fn bundle_of_first(kind: BundleKind) -> (Person, Value) {
        let person = person(1, 0);
        let holding = &person.holdings[0];
        let bundle = write_bundle(kind, &holding.identity, &holding.local_id, &holding.sections);
        (person, bundle)
    }

    fn entries(bundle: &Value) -> &Vec<Value> {
        bundle["entry"].as_array().unwrap()
    }

    /// Every `reference` in a value.
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
            Value::Object(fields) => {
                found.extend(fields.get("reference").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            _ => {}
        }
    }

    #[test]
    fn every_item_is_one_entry_and_places_are_told_by_their_encounter() {
        for person in people(1, 40) {
            for holding in &person.holdings {
                let bundle =
                    write_bundle(BundleKind::Collection, &holding.identity, &holding.local_id, &holding.sections);
                let records = holding.sections.iter().filter(|(section, _)| **section != Section::Location);
                let expected: usize = records.map(|(_, items)| items.len()).sum();
                let support = ["Practitioner", "PractitionerRole", "Organization", "Location", "Medication"];
                let is_record =
                    |entry: &&Value| !support.contains(&entry["resource"]["resourceType"].as_str().unwrap());
                assert_eq!(entries(&bundle).iter().filter(is_record).count(), expected, "{person:?} at {holding:?}");
            }
        }
    }

    #[test]
    fn every_reference_leads_to_an_entry() {
        for kind in BundleKind::ALL {
            let (_, bundle) = bundle_of_first(kind);
            let urls: BTreeSet<&str> =
                entries(&bundle).iter().map(|entry| entry["fullUrl"].as_str().unwrap()).collect();
            let mut found = Vec::new();
            references(&bundle, &mut found);
            assert!(!found.is_empty());
            for reference in found {
                let is_known = urls.iter().any(|url| *url == reference || url.ends_with(&format!("/{reference}")));
                assert!(is_known, "{} has no {reference}", kind.code());
            }
        }
    }

    #[test]
    fn each_kind_of_bundle_has_the_form_of_its_kind() {
        for kind in BundleKind::ALL {
            let (_, bundle) = bundle_of_first(kind);
            assert_eq!(bundle["type"], kind.code());
            let first = &entries(&bundle)[0];
            assert_eq!(first["resource"]["resourceType"] == "Composition", kind == BundleKind::Document);
            assert_eq!(first.get("search").is_some(), kind == BundleKind::Searchset);
            assert_eq!(first.get("request").is_some(), kind == BundleKind::Transaction);
        }
    }

    #[test]
    fn nothing_in_a_bundle_is_empty() {
        fn assert_full(value: &Value) {
            match value {
                Value::Array(elements) => {
                    assert!(!elements.is_empty());
                    elements.iter().for_each(assert_full);
                }
                Value::Object(fields) => {
                    assert!(!fields.is_empty());
                    fields.values().for_each(assert_full);
                }
                Value::String(text) => assert!(!text.is_empty()),
                Value::Null => panic!("null"),
                Value::Bool(_) | Value::Number(_) => {}
            }
        }
        for kind in BundleKind::ALL {
            assert_full(&bundle_of_first(kind).1);
        }
    }

    #[test]
    fn a_folder_has_a_file_and_a_row_for_each_person_whom_the_organisation_knows() {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<Person> = people(1, 30).collect();
        let known = people.iter().filter(|person| person.holding("RVV").is_some()).count();
        assert_eq!(write_folder(folder.path(), "RVV", &people).unwrap(), known);
        let rows = std::fs::read_to_string(folder.path().join(IDENTITIES)).unwrap();
        assert_eq!(rows.lines().next(), Some("system,value,nhs_number,birth_date"));
        assert_eq!(rows.lines().count(), known + 1);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), known + 1);
    }
}
