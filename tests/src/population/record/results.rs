//! Observations, and the reports that gather them.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::value::Kind;
use weald_proto::wire::{Coding, Component, Item, Quantity, Result as ResultDetail, Value};

use crate::population::calendar::{day, moment};
use crate::population::chart::{Chart, Finding, Test};
use crate::population::concept::{self, Concept};
use crate::population::desk::{Desk, codings, texts};

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    let mut items = Vec::new();
    let mut reports: Vec<(Concept, Test, Vec<String>)> = Vec::new();
    for test in &chart.tests {
        let item = observation(desk, test);
        if let Some(report) = test.report {
            match reports.iter_mut().find(|(concept, first, _)| *concept == report && first.on == test.on) {
                Some((_, _, members)) => members.push(item.source_record_id.clone()),
                None => reports.push((report, *test, vec![item.source_record_id.clone()])),
            }
        }
        items.push((Section::Results, item));
    }
    for (concept, first, members) in reports {
        items.push((Section::Results, report(desk, concept, &first, members)));
    }
    items
}

fn observation(desk: &mut Desk, test: &Test) -> Item {
    let detail = ResultDetail {
        value: value(test.finding),
        reference_range: test.range.into(),
        interpretation: test.interpretation.into(),
        report_status: test.status.into(),
        specimen_time: String::new(),
        comment: test.comment.into(),
        categories: vec![category(if test.loinc.is_some() { "vital-signs" } else { "laboratory" })],
        components: components(test.finding),
        members: Vec::new(),
        absent_reason: String::new(),
    };
    Item {
        codes: codings([test.concept].into_iter().chain(test.loinc)),
        text: test.concept.display.into(),
        status: test.status.into(),
        effective_start: moment(test.on, 8, 30),
        recorded_at: moment(test.on, 16, 0),
        labels: codings(test.is_released.then_some(concept::RELEASED)),
        notes: texts(test.comment),
        detail: Some(Detail::Result(detail)),
        ..desk.signed_record("Observation", test.on)
    }
}

fn report(desk: &mut Desk, concept: Concept, first: &Test, members: Vec<String>) -> Item {
    let detail = ResultDetail {
        value: None,
        report_status: first.status.into(),
        categories: vec![Coding {
            system: "http://terminology.hl7.org/CodeSystem/v2-0074".into(),
            code: "LAB".into(),
            display: "Laboratory".into(),
        }],
        members,
        ..ResultDetail::default()
    };
    Item {
        codes: codings([concept]),
        text: concept.display.into(),
        status: first.status.into(),
        effective_start: day(first.on),
        recorded_at: moment(first.on, 16, 0),
        labels: codings(first.is_released.then_some(concept::RELEASED)),
        detail: Some(Detail::Result(detail)),
        ..desk.signed_record("DiagnosticReport", first.on)
    }
}

fn value(finding: Finding) -> Option<Value> {
    let kind = match finding {
        Finding::Amount(value, unit, code) => Kind::Quantity(quantity(value, unit, code)),
        Finding::Code(concept) => Kind::Coding(concept.coding()),
        Finding::Pressure(..) => return None,
    };
    Some(Value { kind: Some(kind) })
}

fn components(finding: Finding) -> Vec<Component> {
    let Finding::Pressure(systolic, diastolic) = finding else { return Vec::new() };
    let part = |concept: Concept, loinc: Concept, value| Component {
        codes: codings([concept, loinc]),
        text: concept.display.into(),
        value: Some(Value { kind: Some(Kind::Quantity(quantity(value, "mmHg", "mm[Hg]"))) }),
    };
    vec![
        part(concept::SYSTOLIC, concept::SYSTOLIC_LOINC, systolic),
        part(concept::DIASTOLIC, concept::DIASTOLIC_LOINC, diastolic),
    ]
}

fn quantity(value: &str, unit: &str, code: &str) -> Quantity {
    Quantity { value: value.into(), unit: unit.into(), code: code.into(), comparator: String::new() }
}

fn category(code: &str) -> Coding {
    Coding {
        system: "http://terminology.hl7.org/CodeSystem/observation-category".into(),
        code: code.into(),
        display: String::new(),
    }
}
