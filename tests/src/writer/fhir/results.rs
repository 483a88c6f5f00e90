//! Observation and DiagnosticReport.

use serde_json::{Value, json};
use weald_proto::wire::item::Detail;
use weald_proto::wire::value::Kind;
use weald_proto::wire::{Component, Item, Result as ResultDetail, Value as Measured};

use super::element::{Fields, codings, concept, list, object, one_concept, put, quantity, words};
use super::entries::Entries;

pub(super) fn observation(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Result(result)) = &item.detail else { return Value::Null };
    let mut fields = common(entries, item, result);
    measured(&mut fields, result.value.as_ref());
    let range = object([("text", result.reference_range.as_str().into())]);
    put(&mut fields, "referenceRange", list(range));
    put(&mut fields, "interpretation", list(interpretation(&result.interpretation)));
    put(&mut fields, "dataAbsentReason", words(&result.absent_reason));
    put(&mut fields, "hasMember", members(entries, result));
    let components: Vec<Value> = result.components.iter().map(component).collect();
    put(&mut fields, "component", components);
    Value::Object(fields)
}

pub(super) fn report(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Result(result)) = &item.detail else { return Value::Null };
    let mut fields = common(entries, item, result);
    if let Some(Kind::Text(conclusion)) = result.value.as_ref().and_then(|value| value.kind.as_ref()) {
        put(&mut fields, "conclusion", conclusion.as_str());
    }
    put(&mut fields, "result", members(entries, result));
    Value::Object(fields)
}

/// An observation's comment is its note, which the item has among its notes already.
fn common(entries: &mut Entries, item: &Item, result: &ResultDetail) -> Fields {
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "category", list(object([("coding", codings(&result.categories))])));
    put(&mut fields, "code", concept(&item.codes, &item.text));
    put(&mut fields, "effectiveDateTime", item.effective_start.as_str());
    put(&mut fields, "issued", item.recorded_at.as_str());
    put(&mut fields, "performer", list(entries.recorder(item)));
    fields
}

fn members(entries: &Entries, result: &ResultDetail) -> Value {
    result.members.iter().map(|member| json!({ "reference": entries.reference(member) })).collect()
}

fn interpretation(code: &str) -> Value {
    if code.is_empty() {
        return Value::Null;
    }
    json!({
        "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": code }],
        "text": code,
    })
}

fn component(component: &Component) -> Value {
    let mut fields = Fields::new();
    put(&mut fields, "code", concept(&component.codes, &component.text));
    measured(&mut fields, component.value.as_ref());
    Value::Object(fields)
}

/// `value[x]`.
fn measured(fields: &mut Fields, value: Option<&Measured>) {
    match value.and_then(|value| value.kind.as_ref()) {
        Some(Kind::Quantity(amount)) => put(fields, "valueQuantity", quantity(Some(amount))),
        Some(Kind::Coding(coding)) => put(fields, "valueCodeableConcept", one_concept(Some(coding))),
        Some(Kind::Text(text)) => put(fields, "valueString", text.as_str()),
        None => {}
    }
}
