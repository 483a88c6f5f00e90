//! A source in memory, for tests that turn on what a source says rather than on how it is read.

use std::collections::BTreeMap;

use weald_node::{Change, Person, Reading, Record, RecordStore, SectionReading, StoreError, Watch};
use weald_policy::Permitted;
use weald_proto::{Patient, Section, SectionState, Timestamp, UnavailableCause, wire};

/// People in memory.
#[derive(Debug)]
pub struct MemoryStore {
    as_of: Timestamp,
    people: BTreeMap<String, Held>,
}

#[derive(Debug)]
struct Held {
    identity: wire::IdentityBlock,
    sections: BTreeMap<Section, (SectionState, Vec<wire::Item>)>,
}

impl MemoryStore {
    /// A source that knows nobody, fresh as of that moment.
    pub fn new(as_of: Timestamp) -> Self {
        MemoryStore { as_of, people: BTreeMap::new() }
    }

    /// Knows one more person, as the identity that `patient` has.
    #[must_use]
    pub fn knows(mut self, patient: &Patient) -> Self {
        let name = wire::HumanName { family: patient.family_name.expose().to_owned(), ..wire::HumanName::default() };
        let identity = wire::IdentityBlock {
            salt: Vec::new(),
            nhs_number: patient.nhs_number.expose().to_owned(),
            birth_date: patient.birth_date.expose().to_owned(),
            names: vec![name],
        };
        self.people.insert(identity.nhs_number.clone(), Held { identity, sections: BTreeMap::new() });
        self
    }

    /// Holds these items of a person whom it knows.
    #[must_use]
    pub fn holds(self, patient: &Patient, section: Section, items: Vec<wire::Item>) -> Self {
        let state = if items.is_empty() { SectionState::NoneRecorded } else { SectionState::Present };
        self.says(patient, section, state, items)
    }

    /// Says that of a section of a person whom it knows.
    #[must_use]
    pub fn says(mut self, patient: &Patient, section: Section, state: SectionState, items: Vec<wire::Item>) -> Self {
        if let Some(held) = self.people.get_mut(patient.nhs_number.expose()) {
            held.sections.insert(section, (state, items));
        }
        self
    }
}

impl RecordStore for MemoryStore {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        let person = self.people.get(permitted.patient().nhs_number.expose()).map(|held| Person {
            identity: held.identity.clone(),
            sections: permitted.permit().grants().keys().map(|section| (*section, held.reading(*section))).collect(),
            unmapped: BTreeMap::new(),
            dropped: 0,
        });
        let record = Record { as_of: self.as_of, person };
        Box::pin(async move { Ok(record) })
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(Unchanging))
    }
}

/// What is in memory here does not change by itself: a test that exchanges it says so.
struct Unchanging;

impl Watch for Unchanging {
    fn look(&mut self, _: Timestamp) -> Result<Change, StoreError> {
        Ok(Change::Nothing)
    }
}

impl Held {
    fn reading(&self, section: Section) -> SectionReading {
        let (state, items) = self.sections.get(&section).cloned().unwrap_or((SectionState::NoneRecorded, Vec::new()));
        let cause = (state == SectionState::Unavailable).then_some(UnavailableCause::SourceError);
        SectionReading { state, cause, items }
    }
}
