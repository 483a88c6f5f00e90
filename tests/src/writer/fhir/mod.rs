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
