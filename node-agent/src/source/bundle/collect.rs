//! Everything that the files of a folder hold of one person.

use std::collections::{BTreeMap, BTreeSet};

use weald_proto::{Identity, NhsNumber, Section, Timestamp, wire};

use super::identities::Identities;
use super::owner::{self, Owner, Owners};
use crate::source::fhir::bundle::Bundle;
use crate::source::fhir::element::human_name;
use crate::source::fhir::json::Json;
use crate::source::fhir::resource::Resource;
use crate::source::fhir::{composition, table};
use crate::source::state::{self, Word};
use crate::store::Person;

/// One person, while their bundles are read.
pub(crate) struct Collection<'a> {
    number: &'a NhsNumber,
    wanted: &'a BTreeSet<Section>,
    identities: &'a Identities,
    items: BTreeMap<Section, Vec<wire::Item>>,
    words: BTreeMap<Section, Word>,
    unmapped: BTreeMap<String, u32>,
    dropped: u32,
    names: Vec<wire::HumanName>,
    /// For each Patient whose number is not verified, its family names.
    unverified: Vec<Vec<String>>,
    birth_dates: BTreeSet<String>,
}

impl<'a> Collection<'a> {
    /// Nothing yet. `wanted` are the sections that may be read.
    pub(crate) fn of(number: &'a NhsNumber, wanted: &'a BTreeSet<Section>, identities: &'a Identities) -> Self {
        Collection {
            number,
            wanted,
            identities,
            items: BTreeMap::new(),
            words: BTreeMap::new(),
            unmapped: BTreeMap::new(),
            dropped: 0,
            names: Vec::new(),
            unverified: Vec::new(),
            birth_dates: BTreeSet::new(),
        }
    }

    /// Adds what a bundle holds of the person. What is somebody else's is dropped and counted.
    pub(crate) fn add(&mut self, bundle: &Bundle) {
        let owners = Owners::of(bundle, self.identities);
        let mut referred = BTreeSet::new();
        let mut shared = Vec::new();
        for resource in Resource::all(bundle) {
            let kind = resource.entry().kind();
            let is_resolved = match owners.owner(&resource) {
                Owner::Person(number) if number == *self.number => true,
                Owner::OnlyPerson(number) if number == *self.number => false,
                Owner::Nobody => {
                    if kind == "Composition" && resource.entry().misfit.is_none() {
                        composition::words_on_sections(&resource, false, &mut self.words);
                    }
                    shared.extend(table::supports(&kind).then_some(resource));
                    continue;
                }
                _ => {
                    self.dropped = self.dropped.saturating_add(1);
                    continue;
                }
            };
            if resource.entry().misfit.is_some() {
                self.doubt(table::reach(&kind).iter().copied());
                self.count_unmapped(kind);
                continue;
            }
            if kind == "Composition" {
                composition::words_on_sections(&resource, is_resolved, &mut self.words);
            }
            if table::supports(&kind) {
                self.count_unmapped(kind);
            } else {
                self.add_items(&resource, is_resolved);
                referred.extend(references(&resource, resource.json()));
            }
        }
        // In a bundle about several people a practitioner, say, is theirs whose records refer to it.
        for resource in shared.iter().filter(|resource| referred.contains(&resource.index())) {
            self.count_unmapped(resource.entry().kind());
        }
    }

    /// From now on no empty section of these can be called empty.
    pub(crate) fn doubt(&mut self, sections: impl IntoIterator<Item = Section>) {
        for section in sections {
            let word = self.words.entry(section).or_insert(Word::Unreadable);
            *word = Word::Unreadable.max(*word);
        }
    }

    /// The person, with a reading for each wanted section.
    pub(crate) fn into_person(mut self) -> Person {
        let sections = self.wanted.iter().map(|section| {
            let items = self.items.remove(section).unwrap_or_default();
            (*section, state::reading(*section, items, self.words.get(section).copied()))
        });
        let sections = sections.collect();
        Person { identity: self.identity(), sections, unmapped: self.unmapped, dropped: self.dropped }
    }

    fn add_items(&mut self, resource: &Resource<'_>, is_resolved: bool) {
        let kind = resource.entry().kind();
        if kind == "Patient" {
            self.add_identity(resource.json());
        }
        let items = table::items(resource);
        if items.is_empty() {
            self.count_unmapped(kind);
        }
        for (section, mut item) in items.into_iter().filter(|(section, _)| self.wanted.contains(section)) {
            item.subject_unresolved = !is_resolved;
            self.items.entry(section).or_default().push(item);
        }
    }

    fn add_identity(&mut self, patient: &Json) {
        let held = patient.text_at("birthDate");
        let birth_date = if held.is_empty() { owner::indexed_birth_date(patient, self.identities) } else { held };
        self.birth_dates.insert(birth_date);
        let names: Vec<wire::HumanName> = patient.at("name").list().iter().filter_map(human_name).collect();
        if !owner::is_certain(patient, self.identities) {
            self.unverified.push(names.iter().map(family).collect());
        }
        for name in names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
    }

    /// Who the folder says this is. Patients who disagree on the birth date give none, so that the
    /// identity gate refuses them; and if a number is not verified only the family names of its
    /// Patient count, so that nobody else's name lets it through the gate.
    fn identity(&self) -> wire::IdentityBlock {
        let mut birth_dates = self.birth_dates.iter();
        wire::IdentityBlock {
            salt: Vec::new(),
            nhs_number: self.number.expose().to_owned(),
            birth_date: match (birth_dates.next(), birth_dates.next()) {
                (Some(only), None) => only.clone(),
                _ => String::new(),
            },
            names: self.names.iter().filter(|name| self.is_common(name)).cloned().collect(),
        }
    }

    fn is_common(&self, name: &wire::HumanName) -> bool {
        self.unverified.iter().all(|families| families.contains(&family(name)))
    }

    fn count_unmapped(&mut self, kind: String) {
        let count = self.unmapped.entry(kind).or_insert(0);
        *count = count.saturating_add(1);
    }
}

/// The family name as the identity gate sees it, in small letters.
fn family(name: &wire::HumanName) -> String {
    let block = wire::IdentityBlock { names: vec![name.clone()], ..Default::default() };
    Identity::of_block(&block).family_names.concat().to_lowercase()
}

/// The entries that a resource refers to, anywhere in it.
fn references(resource: &Resource<'_>, within: &Json) -> Vec<usize> {
    match within {
        Json::Object(fields) => {
            let own = if fields.get("reference").is_some() { resource.find(within) } else { Vec::new() };
            own.into_iter().chain(fields.iter().flat_map(|(_, field)| references(resource, field))).collect()
        }
        Json::List(elements) => elements.iter().flat_map(|element| references(resource, element)).collect(),
        _ => Vec::new(),
    }
}

/// How fresh a bundle is: its own timestamp, else its newest resource.
pub(crate) fn as_of(bundle: &Bundle) -> Option<Timestamp> {
    let updated = || bundle.entries.iter().filter_map(|entry| moment(&entry.json.text_at("meta.lastUpdated"))).max();
    moment(&bundle.timestamp).or_else(updated)
}

fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(moment.as_millisecond()))
}
