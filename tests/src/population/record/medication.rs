//! Medication: statements that the person takes something, and orders for it.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Item, Medication, Quantity};

use crate::population::calendar::day;
use crate::population::chart::{Chart, Course};
use crate::population::desk::{Desk, codings, texts};

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    chart.courses.iter().map(|course| (Section::Medications, medication(desk, course))).collect()
}

fn medication(desk: &mut Desk, course: &Course) -> Item {
    let base = if course.is_order { order(desk, course) } else { statement(desk, course) };
    Item {
        codes: codings(course.medicine.codings.iter().copied()),
        text: course.medicine.name.into(),
        status: course.status.into(),
        recorded_at: day(course.since),
        notes: texts(course.note),
        detail: Some(Detail::Medication(detail(course))),
        ..base
    }
}

/// An order is signed, and says nothing of when the person takes it.
fn order(desk: &mut Desk, course: &Course) -> Item {
    desk.signed_record("MedicationRequest", course.since)
}

/// A statement has a period and an informant, and nobody's signature.
fn statement(desk: &mut Desk, course: &Course) -> Item {
    let asserter = desk.next_author();
    Item {
        asserter: Some(asserter),
        effective_start: day(course.since),
        effective_end: course.until.map(day).unwrap_or_default(),
        ..desk.record("MedicationStatement", course.until.unwrap_or(course.since))
    }
}

fn detail(course: &Course) -> Medication {
    let medicine = &course.medicine;
    let (value, unit) = medicine.dose;
    Medication {
        dose_text: medicine.instructions.into(),
        dose: Some(Quantity { value: value.into(), unit: unit.into(), code: String::new(), comparator: String::new() }),
        frequency: medicine.frequency.into(),
        route: Some(medicine.route.coding()),
        form: medicine.form.into(),
        prescriber_organisation_type: String::new(),
        last_issue_date: if course.is_order { String::new() } else { course.last_issue.map(day).unwrap_or_default() },
        supply_type: course.supply.into(),
        as_needed: medicine.frequency == "when required",
        review_date: String::new(),
        reason: course.reason.into(),
        record_kind: if course.is_order { "requested".into() } else { "stated".into() },
        is_negation: false,
    }
}
