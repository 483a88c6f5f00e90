//! Where an organisation's system writes its records: ids, versions, who wrote them and whom to ask.

use weald_proto::wire::{Author, Coding, Contact, Item, Telecom};

use super::calendar::moment;
use super::concept::Concept;
use super::organisation::{Organisation, Staff};

/// One organisation writing about one person; numbers what it writes.
pub(crate) struct Desk {
    pub(crate) organisation: &'static Organisation,
    local: String,
    written: u32,
}

impl Desk {
    /// The desk of an organisation for a person.
    pub(crate) fn new(organisation: &'static Organisation, index: u32) -> Self {
        Desk { organisation, local: format!("{}{index:07}", organisation.local_prefix), written: 0 }
    }

    /// The person's id here.
    pub(crate) fn local_id(&self) -> &str {
        &self.local
    }

    /// A new record of a FHIR resource type, last changed `updated` days ago.
    pub(crate) fn record(&mut self, resource: &str, updated: i64) -> Item {
        self.written += 1;
        Item {
            source_system: self.organisation.source_system.into(),
            source_record_id: format!("{resource}/{}-{}", self.local, self.written),
            source_version: "1".into(),
            source_updated: moment(updated.max(0), 18, 0),
            ..Item::default()
        }
    }

    /// The same, written down by one of the staff, who is also the one to ask.
    pub(crate) fn signed_record(&mut self, resource: &str, updated: i64) -> Item {
        let author = self.next_author();
        let contact = self.contact_of(&author);
        Item { recorder: Some(author), contact: Some(contact), ..self.record(resource, updated) }
    }

    /// Who writes the next record: the staff take turns.
    pub(crate) fn next_author(&self) -> Author {
        let staff = self.organisation.staff;
        let turn = self.written as usize % staff.len().max(1);
        self.author(staff.get(turn).copied().unwrap_or_default())
    }

    /// A member of staff as an author.
    pub(crate) fn author(&self, staff: Staff) -> Author {
        Author {
            id: staff.id.into(),
            name: staff.name.into(),
            role: staff.role.into(),
            organisation: self.organisation.ods.into(),
        }
    }

    /// How to reach an author here.
    pub(crate) fn contact_of(&self, author: &Author) -> Contact {
        Contact {
            name: author.name.clone(),
            role: author.role.clone(),
            organisation: author.organisation.clone(),
            telecoms: self.switchboard(),
        }
    }

    /// How to reach the organisation.
    pub(crate) fn front_door(&self) -> Contact {
        Contact { organisation: self.organisation.full_name(), telecoms: self.switchboard(), ..Contact::default() }
    }

    /// The organisation's telephone.
    pub(crate) fn switchboard(&self) -> Vec<Telecom> {
        vec![Telecom { system: "phone".into(), value: self.organisation.phone.into(), r#use: "work".into() }]
    }
}

/// The codings of some concepts.
pub(crate) fn codings(concepts: impl IntoIterator<Item = Concept>) -> Vec<Coding> {
    concepts.into_iter().map(Concept::coding).collect()
}

/// The words as a list of free texts; empty if there are none.
pub(crate) fn texts(words: &str) -> Vec<String> {
    if words.is_empty() { Vec::new() } else { vec![words.to_owned()] }
}
