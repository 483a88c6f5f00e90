//! Contacts with services, where the person is now, referrals, documents.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Author, Coding, CurrentLocation, Document, Encounter, Identifier, Item, Referral};

use crate::population::calendar::moment;
use crate::population::chart::{Chart, Paper, Referring, Visit};
use crate::population::concept;
use crate::population::desk::{Desk, codings};

/// The class of an appointment, which FHIR has no code for.
const APPOINTMENT: &str = "APPT";

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    let mut items = Vec::new();
    for visit in &chart.visits {
        let item = match visit.class {
            Some(_) => encounter(desk, visit),
            None => appointment(desk, visit),
        };
        if visit.is_under_way() {
            items.push((Section::Location, location(desk, visit, &item)));
        }
        items.push((Section::Encounters, item));
    }
    for referring in &chart.referrals {
        items.push((Section::Referrals, referral(desk, referring)));
    }
    for paper in &chart.papers {
        items.push((Section::Documents, document(desk, paper)));
    }
    items
}

impl Visit {
    /// True while the person is there.
    fn is_under_way(&self) -> bool {
        self.status == "in-progress" && self.class.is_some()
    }
}

fn encounter(desk: &mut Desk, visit: &Visit) -> Item {
    let detail = Encounter {
        class: visit.class.map(|class| class.coding()),
        provider: desk.organisation.name.into(),
        reason: visit.reason.into(),
        location: visit.place.into(),
        admission_method: visit.admission.into(),
        discharge_method: visit.discharge.into(),
        service_type: visit.service.into(),
    };
    Item {
        text: visit.text.into(),
        status: visit.status.into(),
        effective_start: moment(visit.from, 10, 15),
        effective_end: visit.to.map(|to| moment(to, 14, 40)).unwrap_or_default(),
        labels: codings(visit.is_released.then_some(concept::RELEASED)),
        contact: Some(desk.front_door()),
        detail: Some(Detail::Encounter(detail)),
        ..desk.record("Encounter", visit.to.unwrap_or(visit.from))
    }
}

fn appointment(desk: &mut Desk, visit: &Visit) -> Item {
    let detail = Encounter {
        class: Some(Coding { code: APPOINTMENT.into(), display: "appointment".into(), ..Coding::default() }),
        provider: desk.organisation.name.into(),
        reason: visit.reason.into(),
        location: visit.place.into(),
        service_type: visit.service.into(),
        ..Encounter::default()
    };
    Item {
        text: visit.text.into(),
        status: visit.status.into(),
        effective_start: moment(visit.from, 9, 20),
        effective_end: moment(visit.from, 9, 40),
        labels: codings(visit.is_released.then_some(concept::RELEASED)),
        detail: Some(Detail::Encounter(detail)),
        ..desk.record("Appointment", visit.from)
    }
}

/// The same record read as a place: an encounter under way says where the person is.
fn location(desk: &Desk, visit: &Visit, encounter: &Item) -> Item {
    let detail = CurrentLocation {
        place: visit.place.into(),
        class: visit.class.map(|class| class.coding()),
        provider: desk.organisation.name.into(),
    };
    Item { detail: Some(Detail::CurrentLocation(detail)), ..encounter.clone() }
}

fn referral(desk: &mut Desk, referring: &Referring) -> Item {
    let base = desk.signed_record("ServiceRequest", referring.on);
    let detail = Referral {
        requester: base.recorder.clone(),
        recipient: Some(Author { name: referring.recipient.into(), ..Author::default() }),
        priority: referring.priority.into(),
        reason: referring.reason.into(),
        category: None,
        intent: "order".into(),
    };
    Item {
        text: referring.text.into(),
        status: referring.status.into(),
        recorded_at: moment(referring.on, 11, 30),
        identifiers: vec![Identifier { system: "https://fhir.nhs.uk/Id/UBRN".into(), value: referring.ubrn.clone() }],
        detail: Some(Detail::Referral(detail)),
        ..base
    }
}

fn document(desk: &mut Desk, paper: &Paper) -> Item {
    let base = desk.signed_record("DocumentReference", paper.on);
    let detail = Document {
        title: paper.title.into(),
        content_type: "application/pdf".into(),
        size_bytes: paper.size,
        created_at: moment(paper.on, 15, 0),
        hash: String::new(),
        categories: Vec::new(),
        url: format!("{}/{}", desk.organisation.source_system, base.source_record_id),
        practice_setting: paper.setting.into(),
    };
    Item {
        codes: codings([paper.concept]),
        text: paper.concept.display.into(),
        status: "current".into(),
        recorded_at: moment(paper.on, 15, 30),
        labels: codings(paper.labels.iter().copied()),
        detail: Some(Detail::Document(detail)),
        ..base
    }
}
