//! The person as an organisation's system knows them, and the people in their life.

use weald_proto::wire::item::Detail;
use weald_proto::wire::{Address, Coding, Contact, Demographics, HumanName, Identifier, Item, RelatedPerson, Telecom};
use weald_proto::{NhsNumber, Section};

use crate::population::chart::{Chart, Relative};
use crate::population::concept;
use crate::population::desk::{Desk, codings};
use crate::population::organisation::Organisation;

/// What is known of a person besides their records.
#[derive(Clone)]
pub(crate) struct Particulars {
    pub(crate) nhs_number: String,
    pub(crate) name: HumanName,
    pub(crate) birth_date: String,
    pub(crate) gender: &'static str,
    pub(crate) address: Address,
    pub(crate) telecoms: Vec<Telecom>,
    pub(crate) ethnic_category: concept::Concept,
    pub(crate) language: &'static str,
    pub(crate) marital_status: &'static str,
    pub(crate) practice: &'static Organisation,
    pub(crate) is_hidden: bool,
}

/// The record of the person itself.
pub(crate) fn demographics(desk: &Desk, known: &Particulars) -> Item {
    let detail = Demographics {
        names: vec![known.name.clone()],
        birth_date: known.birth_date.clone(),
        gender: known.gender.into(),
        addresses: vec![known.address.clone()],
        telecoms: known.telecoms.clone(),
        deceased: String::new(),
        ethnic_category: Some(known.ethnic_category.coding()),
        languages: vec![known.language.into()],
        gp_practice: Some(Contact {
            organisation: known.practice.full_name(),
            telecoms: vec![Telecom {
                system: "phone".into(),
                value: known.practice.phone.into(),
                r#use: "work".into(),
            }],
            ..Contact::default()
        }),
        marital_status: known.marital_status.into(),
        nhs_number_status: "01".into(),
    };
    Item {
        source_system: desk.organisation.source_system.into(),
        source_record_id: format!("Patient/{}", desk.local_id()),
        text: known.name.text.clone(),
        source_version: "1".into(),
        source_updated: crate::population::calendar::moment(30, 18, 0),
        contact: Some(desk.front_door()),
        labels: codings(known.is_hidden.then_some(concept::RESTRICTED)),
        identifiers: vec![
            Identifier { system: NhsNumber::SYSTEM.into(), value: known.nhs_number.clone() },
            Identifier { system: desk.organisation.local_system.into(), value: desk.local_id().into() },
        ],
        detail: Some(Detail::Demographics(detail)),
        ..Item::default()
    }
}

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    chart.relatives.iter().map(|relative| (Section::RelatedPeople, related_person(desk, relative))).collect()
}

fn related_person(desk: &mut Desk, relative: &Relative) -> Item {
    let relationships: Vec<Coding> = codings([relative.relationship]);
    Item {
        codes: relationships.clone(),
        text: relative.name.text.clone(),
        labels: codings(relative.is_third_party.then_some(concept::THIRD_PARTY)),
        detail: Some(Detail::RelatedPerson(RelatedPerson {
            name: Some(relative.name.clone()),
            relationships,
            telecoms: relative.telecoms.clone(),
            address: None,
            rank: relative.rank,
            gender: relative.gender.into(),
            birth_date: String::new(),
        })),
        ..desk.record("RelatedPerson", 400)
    }
}
