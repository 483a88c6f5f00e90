//! Decisions made in advance, safeguarding, warnings, care plans.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{AdvanceDirective, Alert, CarePlan, Coding, Item, Safeguarding};

use crate::population::calendar::{day, moment};
use crate::population::chart::{Chart, Concern, Decision, Plan, Warning};
use crate::population::concept;
use crate::population::desk::{Desk, codings, texts};

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    let mut items = Vec::new();
    for decision in &chart.decisions {
        items.push((Section::AdvanceDirectives, directive(desk, *decision)));
    }
    for concern in &chart.concerns {
        let section = if concern.is_about_child { Section::SafeguardingChild } else { Section::SafeguardingAdult };
        items.push((section, safeguarding(desk, concern)));
    }
    for warning in &chart.warnings {
        items.push((Section::Alerts, alert(desk, warning)));
    }
    for plan in &chart.plans {
        items.push((Section::CarePlans, care_plan(desk, plan)));
    }
    items
}

fn directive(desk: &mut Desk, decision: Decision) -> Item {
    match decision {
        Decision::Cpr { concept, status, on, review_in } => Item {
            codes: codings([concept]),
            text: concept.display.into(),
            status: status.into(),
            effective_start: moment(on, 12, 0),
            detail: Some(Detail::AdvanceDirective(AdvanceDirective {
                kind: "cpr".into(),
                review_date: day(on - review_in),
                ..AdvanceDirective::default()
            })),
            ..desk.signed_record("Flag", on)
        },
        Decision::Form { title, on } => form(desk, title, on),
        Decision::PowerOfAttorney { on } => power_of_attorney(desk, on),
    }
}

fn form(desk: &mut Desk, title: &str, on: i64) -> Item {
    let base = desk.signed_record("DocumentReference", on);
    let url = format!("{}/{}", desk.organisation.source_system, base.source_record_id);
    Item {
        codes: codings([concept::RESPECT_FORM]),
        text: title.into(),
        status: "current".into(),
        recorded_at: moment(on, 12, 30),
        detail: Some(Detail::AdvanceDirective(AdvanceDirective {
            kind: "form".into(),
            form: url,
            ..AdvanceDirective::default()
        })),
        ..base
    }
}

fn power_of_attorney(desk: &mut Desk, on: i64) -> Item {
    Item {
        text: "Lasting power of attorney for health and welfare".into(),
        status: "active".into(),
        recorded_at: day(on),
        detail: Some(Detail::AdvanceDirective(AdvanceDirective {
            kind: "lpa".into(),
            provision: "permit".into(),
            ..AdvanceDirective::default()
        })),
        ..desk.signed_record("Consent", on)
    }
}

fn safeguarding(desk: &mut Desk, concern: &Concern) -> Item {
    let base = desk.signed_record(if concern.is_plan { "CarePlan" } else { "Flag" }, concern.on);
    let category =
        if concern.is_plan { concept::CHILD_PROTECTION_PLAN.coding() } else { flag_category("safeguarding") };
    Item {
        codes: codings([concern.concept]),
        text: concern.concept.display.into(),
        status: "active".into(),
        effective_start: day(concern.on),
        labels: codings([concept::RESTRICTED, concept::NOPAT]),
        detail: Some(Detail::Safeguarding(Safeguarding { categories: vec![category], lead: base.recorder.clone() })),
        ..base
    }
}

fn alert(desk: &mut Desk, warning: &Warning) -> Item {
    Item {
        text: warning.text.into(),
        status: "active".into(),
        effective_start: day(warning.on),
        labels: codings(warning.is_hidden_from_person.then_some(concept::NOPAT)),
        detail: Some(Detail::Alert(Alert { categories: vec![flag_category("safety")] })),
        ..desk.signed_record("Flag", warning.on)
    }
}

fn care_plan(desk: &mut Desk, plan: &Plan) -> Item {
    Item {
        codes: codings([plan.category]),
        text: plan.title.into(),
        status: "active".into(),
        effective_start: day(plan.on),
        notes: texts(plan.note),
        detail: Some(Detail::CarePlan(CarePlan {
            title: plan.title.into(),
            categories: codings([plan.category]),
            activities: plan.activities.iter().map(|activity| (*activity).to_owned()).collect(),
            intent: "plan".into(),
            addresses: texts(plan.about),
            care_team: plan.team.into(),
        })),
        ..desk.signed_record("CarePlan", plan.on)
    }
}

fn flag_category(code: &str) -> Coding {
    Coding {
        system: "http://terminology.hl7.org/CodeSystem/flag-category".into(),
        code: code.into(),
        display: String::new(),
    }
}
