//! AllergyIntolerance, Condition, Procedure, Immunization.

use serde_json::{Value, json};
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Item, Reaction};

use super::element::{
    Fields, code_of, codings, concept, extensions, list, object, one_concept, put, quantity, uk_core, words,
};
use super::entries::Entries;

const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";

pub(super) fn allergy(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = judged(entries, item, "allergyintolerance", "patient");
    put(&mut fields, "onsetDateTime", item.effective_start.as_str());
    if let Some(Detail::Allergy(allergy)) = &item.detail {
        put(&mut fields, "verificationStatus", status_of("allergyintolerance-verification", &allergy.certainty));
        put(&mut fields, "criticality", allergy.severity.as_str());
        put(&mut fields, "type", allergy.kind.as_str());
        put(&mut fields, "category", allergy.categories.clone());
        put(&mut fields, "lastOccurrence", allergy.last_occurrence.as_str());
        let substance = one_concept(allergy.substance.as_ref());
        let reactions: Vec<Value> = allergy.reactions.iter().map(|one| reaction(one, &substance)).collect();
        put(&mut fields, "reaction", reactions);
        put(&mut fields, "extension", extensions([ended(&allergy.end_reason, &item.effective_end)]));
    }
    Value::Object(fields)
}

/// The end of an allergy, in the two parts that UK Core gives it.
fn ended(reason: &str, date: &str) -> Value {
    let part = |url: &str, of_type: &str, value: &str| {
        if value.is_empty() { Value::Null } else { json!({ "url": url, of_type: value }) }
    };
    let parts = extensions([part("endDate", "valueDateTime", date), part("reasonEnded", "valueString", reason)]);
    if parts.as_array().is_none_or(Vec::is_empty) {
        return Value::Null;
    }
    json!({
        "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AllergyIntoleranceEnd",
        "extension": parts,
    })
}

fn reaction(reaction: &Reaction, substance: &Value) -> Value {
    let manifestations: Vec<Value> = reaction.manifestations.iter().map(|one| one_concept(Some(one))).collect();
    object([
        ("substance", substance.clone()),
        ("manifestation", manifestations.into()),
        ("description", reaction.text.as_str().into()),
        ("severity", reaction.severity.as_str().into()),
    ])
}

pub(super) fn condition(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = judged(entries, item, "condition", "subject");
    put(&mut fields, "onsetDateTime", item.effective_start.as_str());
    put(&mut fields, "abatementDateTime", item.effective_end.as_str());
    if let Some(Detail::Condition(condition)) = &item.detail {
        put(&mut fields, "verificationStatus", status_of("condition-ver-status", &condition.certainty));
        put(&mut fields, "severity", words(&condition.severity));
        put(&mut fields, "category", list(object([("coding", codings(&condition.categories))])));
        put(&mut fields, "bodySite", list(words(&condition.body_site)));
        let significance = uk_core("ProblemSignificance", "valueCode", condition.significance.as_str().into());
        put(&mut fields, "extension", extensions([significance]));
    }
    Value::Object(fields)
}

/// What a clinician judged: a clinical status, and who recorded it when.
fn judged(entries: &mut Entries, item: &Item, kind: &str, person: &str) -> Fields {
    let mut fields = entries.resource(item, person);
    put(&mut fields, "clinicalStatus", status_of(&format!("{kind}-clinical"), &item.status));
    put(&mut fields, "code", concept(&item.codes, &item.text));
    put(&mut fields, "recordedDate", item.recorded_at.as_str());
    put(&mut fields, "recorder", entries.recorder(item));
    put(&mut fields, "asserter", entries.author(item.asserter.as_ref(), &[]));
    fields
}

fn status_of(system: &str, code: &str) -> Value {
    code_of(&format!("{TERMINOLOGY}/{system}"), code)
}

pub(super) fn procedure(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "code", concept(&item.codes, &item.text));
    put(&mut fields, "performedDateTime", item.effective_start.as_str());
    put(&mut fields, "recorder", entries.recorder(item));
    if let Some(Detail::Procedure(procedure)) = &item.detail {
        put(&mut fields, "category", one_concept(procedure.category.as_ref()));
        put(&mut fields, "bodySite", list(words(&procedure.body_site)));
        put(&mut fields, "outcome", words(&procedure.outcome));
        put(&mut fields, "reasonCode", list(words(&procedure.reason)));
    }
    Value::Object(fields)
}

pub(super) fn immunisation(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "patient");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "vaccineCode", concept(&item.codes, &item.text));
    put(&mut fields, "occurrenceDateTime", item.effective_start.as_str());
    put(&mut fields, "recorded", item.recorded_at.as_str());
    put(&mut fields, "performer", list(object([("actor", entries.recorder(item))])));
    if let Some(Detail::Immunisation(given)) = &item.detail {
        put(&mut fields, "lotNumber", given.lot_number.as_str());
        put(&mut fields, "site", words(&given.site));
        put(&mut fields, "route", one_concept(given.route.as_ref()));
        put(&mut fields, "manufacturer", object([("display", given.manufacturer.as_str().into())]));
        put(&mut fields, "statusReason", words(&given.not_given_reason));
        put(&mut fields, "doseQuantity", quantity(given.dose.as_ref()));
        let targets: Vec<Value> = given.target_diseases.iter().map(|one| one_concept(Some(one))).collect();
        let protocol =
            object([("targetDisease", targets.into()), ("doseNumberString", given.dose_number.as_str().into())]);
        put(&mut fields, "protocolApplied", list(protocol));
    }
    Value::Object(fields)
}
