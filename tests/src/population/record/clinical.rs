//! Allergies, conditions, procedures, vaccinations.

use weald_proto::Section;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Allergy, Coding, Condition, Immunisation, Item, Procedure, Quantity, Reaction};

use crate::population::calendar::day;
use crate::population::chart::{Chart, Illness, Operation, Sensitivity, Vaccination};
use crate::population::concept;
use crate::population::desk::{Desk, codings, texts};

pub(super) fn items(desk: &mut Desk, chart: &Chart) -> Vec<(Section, Item)> {
    let mut items = Vec::new();
    for sensitivity in &chart.sensitivities {
        items.push((Section::Allergies, allergy(desk, sensitivity)));
    }
    for illness in &chart.illnesses {
        items.push((Section::Conditions, condition(desk, illness)));
    }
    for operation in &chart.operations {
        items.push((Section::Procedures, procedure(desk, operation)));
    }
    for vaccination in &chart.vaccinations {
        items.push((Section::Immunisations, immunisation(desk, vaccination)));
    }
    items
}

fn allergy(desk: &mut Desk, sensitivity: &Sensitivity) -> Item {
    let detail = Allergy {
        substance: sensitivity.substance.map(|substance| substance.coding()),
        reactions: reactions(sensitivity),
        severity: sensitivity.criticality.into(),
        certainty: sensitivity.certainty.into(),
        categories: texts(sensitivity.category),
        kind: if sensitivity.is_negation() { String::new() } else { "allergy".into() },
        is_negation: sensitivity.is_negation(),
        is_degraded: sensitivity.concept == concept::DEGRADED_DRUG_ALLERGY,
        ended: sensitivity.status != "active",
        end_reason: sensitivity.end_reason.into(),
        last_occurrence: String::new(),
    };
    Item {
        codes: codings([sensitivity.concept]),
        text: sensitivity.text.into(),
        status: sensitivity.status.into(),
        effective_start: if sensitivity.is_negation() { String::new() } else { day(sensitivity.since) },
        recorded_at: day(sensitivity.since),
        notes: texts(sensitivity.note),
        detail: Some(Detail::Allergy(detail)),
        ..desk.signed_record("AllergyIntolerance", sensitivity.since)
    }
}

fn reactions(sensitivity: &Sensitivity) -> Vec<Reaction> {
    if sensitivity.reaction.is_empty() {
        return Vec::new();
    }
    let is_coded = sensitivity.reaction == concept::URTICARIAL_RASH.display;
    let uncoded = Coding { display: sensitivity.reaction.into(), ..Coding::default() };
    let manifestations = vec![if is_coded { concept::URTICARIAL_RASH.coding() } else { uncoded }];
    vec![Reaction { manifestations, text: sensitivity.reaction.into(), severity: sensitivity.reaction_severity.into() }]
}

impl Sensitivity {
    /// True for "no known allergies".
    fn is_negation(&self) -> bool {
        self.concept == concept::NO_KNOWN_ALLERGY
    }
}

fn condition(desk: &mut Desk, illness: &Illness) -> Item {
    let is_negation = illness.concept == concept::NO_PROBLEMS;
    let detail = Condition {
        certainty: illness.certainty.into(),
        severity: illness.severity.into(),
        categories: vec![Coding {
            system: "http://terminology.hl7.org/CodeSystem/condition-category".into(),
            code: "problem-list-item".into(),
            display: "Problem List Item".into(),
        }],
        significance: illness.significance.into(),
        body_site: String::new(),
        is_negation,
    };
    let labels = illness.is_restricted.then_some(concept::RESTRICTED);
    Item {
        codes: codings([illness.concept].into_iter().chain(illness.also)),
        text: illness.concept.display.into(),
        status: clinical_status(illness).into(),
        entered_in_error: illness.is_in_error(),
        effective_start: if is_negation { String::new() } else { day(illness.since) },
        effective_end: illness.ended.map(day).unwrap_or_default(),
        recorded_at: day(illness.since),
        labels: codings(labels),
        notes: texts(illness.note),
        detail: Some(Detail::Condition(detail)),
        ..desk.signed_record("Condition", illness.since)
    }
}

/// FHIR gives a condition that was entered in error no clinical status.
fn clinical_status(illness: &Illness) -> &'static str {
    match illness.ended {
        _ if illness.is_in_error() => "",
        Some(_) => "resolved",
        None => "active",
    }
}

impl Illness {
    fn is_in_error(&self) -> bool {
        self.certainty == "entered-in-error"
    }
}

fn procedure(desk: &mut Desk, operation: &Operation) -> Item {
    let detail = Procedure {
        body_site: operation.body_site.into(),
        outcome: operation.outcome.into(),
        reason: operation.reason.into(),
        category: None,
    };
    Item {
        codes: codings([operation.concept]),
        text: operation.concept.display.into(),
        status: "completed".into(),
        effective_start: day(operation.on),
        detail: Some(Detail::Procedure(detail)),
        ..desk.signed_record("Procedure", operation.on)
    }
}

fn immunisation(desk: &mut Desk, vaccination: &Vaccination) -> Item {
    let is_given = vaccination.refusal.is_empty();
    let detail = Immunisation {
        dose_number: vaccination.dose_number.into(),
        lot_number: vaccination.lot.into(),
        site: if is_given { "Left upper arm".into() } else { String::new() },
        route: is_given.then(|| concept::INTRAMUSCULAR.coding()),
        manufacturer: vaccination.maker.into(),
        not_given_reason: vaccination.refusal.into(),
        target_diseases: Vec::new(),
        dose: is_given.then(|| Quantity {
            value: "0.3".into(),
            unit: "ml".into(),
            code: "mL".into(),
            comparator: String::new(),
        }),
    };
    Item {
        codes: codings(vaccination.vaccine),
        text: vaccination.text.into(),
        status: if is_given { "completed".into() } else { "not-done".into() },
        effective_start: day(vaccination.on),
        recorded_at: day(vaccination.on),
        detail: Some(Detail::Immunisation(detail)),
        ..desk.signed_record("Immunization", vaccination.on)
    }
}
