//! MedicationStatement and MedicationRequest, each with a Medication of its own.

use serde_json::{Value, json};
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Item, Medication};

use super::element::{extensions, list, object, one_concept, put, quantity, uk_core, words};
use super::entries::Entries;

pub(super) fn medication(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Medication(medication)) = &item.detail else { return Value::Null };
    let is_order = item.source_record_id.starts_with("MedicationRequest/");
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "medicationReference", entries.product(&item.codes, &item.text, &medication.form));
    put(&mut fields, "reasonCode", list(words(&medication.reason)));
    if is_order {
        put(&mut fields, "intent", "order");
        put(&mut fields, "authoredOn", item.recorded_at.as_str());
        put(&mut fields, "requester", entries.recorder(item));
        put(&mut fields, "dosageInstruction", list(dosage(medication)));
        put(&mut fields, "courseOfTherapyType", course_of_therapy(&medication.supply_type));
    } else {
        put(&mut fields, "dateAsserted", item.recorded_at.as_str());
        put(&mut fields, "effectivePeriod", super::element::period(&item.effective_start, &item.effective_end));
        put(&mut fields, "informationSource", entries.author(item.asserter.as_ref(), &[]));
        put(&mut fields, "dosage", list(dosage(medication)));
        put(
            &mut fields,
            "extension",
            extensions([
                uk_core(
                    "MedicationStatementLastIssueDate",
                    "valueDateTime",
                    medication.last_issue_date.as_str().into(),
                ),
                prescription_type(&medication.supply_type),
            ]),
        );
    }
    Value::Object(fields)
}

fn dosage(medication: &Medication) -> Value {
    let amount = quantity(medication.dose.as_ref());
    let as_needed = if medication.as_needed { Value::Bool(true) } else { Value::Null };
    object([
        ("text", medication.dose_text.as_str().into()),
        ("timing", object([("code", words(&medication.frequency))])),
        ("asNeededBoolean", as_needed),
        ("route", one_concept(medication.route.as_ref())),
        ("doseAndRate", list(object([("doseQuantity", amount)]))),
    ])
}

/// FHIR's own words for repeat and acute.
fn course_of_therapy(supply: &str) -> Value {
    let code = match supply {
        "repeat" => "continuous",
        "repeat-dispensing" => "continuous-repeat-dispensing",
        other => other,
    };
    super::element::code_of("http://terminology.hl7.org/CodeSystem/medicationrequest-course-of-therapy", code)
}

fn prescription_type(supply: &str) -> Value {
    if supply.is_empty() {
        return Value::Null;
    }
    json!({
        "url": "https://fhir.nhs.uk/StructureDefinition/Extension-GPConnect-PrescriptionType",
        "valueCodeableConcept": { "coding": [{ "system": "https://fhir.nhs.uk/CodeSystem/prescription-type", "code": supply }] },
    })
}
