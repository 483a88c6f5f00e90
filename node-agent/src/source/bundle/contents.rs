//! What is known of a file without reading it again.

use std::collections::BTreeSet;

use weald_proto::{NhsNumber, Section};

use super::identities::Identities;
use super::owner::{Owner, Owners, Whose};
use crate::source::fhir::bundle::Bundle;
use crate::source::fhir::resource::Resource;
use crate::source::fhir::table;

/// What is known of a file without reading it again.
pub(crate) struct Contents {
    /// People in it.
    pub(crate) people: BTreeSet<NhsNumber>,
    /// People who may be in it: identifiers contradict each other.
    pub(crate) contested: BTreeSet<NhsNumber>,
    /// Sections that hold something of which nobody can tell whose it is.
    pub(crate) doubtful: BTreeSet<Section>,
    /// Patients whose NHS number nobody gives.
    pub(crate) unknown_patients: usize,
    /// Records of which nobody can tell whose they are.
    pub(crate) orphans: usize,
    /// Where deciding elements are of another type than FHIR gives them.
    pub(crate) misfits: Vec<String>,
    /// The first of these in a Patient: the file may hold anybody.
    pub(crate) unreadable_patient: Option<String>,
    /// True if the search that made it says that it failed in part.
    pub(crate) is_partial: bool,
    /// The page of a search that it is, and the page after it; empty if there is none.
    pub(crate) own_page: String,
    pub(crate) next_page: String,
}

impl Contents {
    /// Looks through a bundle.
    pub(crate) fn of(bundle: &Bundle, identities: &Identities) -> Contents {
        let owners = Owners::of(bundle, identities);
        let mut contents = Contents {
            people: BTreeSet::new(),
            contested: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            unknown_patients: 0,
            orphans: 0,
            misfits: bundle.entries.iter().filter_map(|entry| entry.misfit.clone()).collect(),
            unreadable_patient: unreadable_patient(bundle),
            is_partial: bundle.is_partial,
            own_page: bundle.own_page.clone(),
            next_page: bundle.next_page.clone(),
        };
        for whose in owners.patients() {
            match whose {
                Whose::Known(number) => contents.people.extend([number.clone()]),
                Whose::Contested(numbers) => contents.contested.extend(numbers.iter().cloned()),
                Whose::Unknown => contents.unknown_patients += 1,
            }
        }
        for resource in Resource::all(bundle) {
            contents.look_at(&resource, &owners);
        }
        contents
    }

    /// True if it changes no answer about anybody else, whatever it held before.
    pub(crate) fn concerns_only_its_people(&self) -> bool {
        let is_page = !(self.own_page.is_empty() && self.next_page.is_empty());
        self.doubtful.is_empty() && self.unreadable_patient.is_none() && !self.is_partial && !is_page
    }

    fn look_at(&mut self, resource: &Resource<'_>, owners: &Owners<'_>) {
        let kind = resource.entry().kind();
        match owners.owner(resource) {
            Owner::Person(number) => self.people.extend([number]),
            Owner::Nobody if resource.entry().misfit.is_some() => self.doubtful.extend(table::reach(&kind)),
            Owner::Nobody if table::is_record(&kind) => {
                self.doubtful.extend(table::items(resource).into_iter().map(|(section, _)| section));
                self.orphans += 1;
            }
            Owner::OnlyPerson(_) | Owner::Other | Owner::Nobody => {}
        }
    }
}

fn unreadable_patient(bundle: &Bundle) -> Option<String> {
    bundle.entries.iter().filter(|entry| entry.kind() == "Patient").find_map(|entry| entry.misfit.clone())
}
