//! FHIR data types. Whatever is empty is left out, as FHIR asks (R4, JSON: no empty values).

use serde_json::{Map, Value, json};
use weald_proto::wire::{Address, Coding, HumanName, Identifier, Quantity, Telecom};

/// The fields of a resource or a data type.
pub(super) type Fields = Map<String, Value>;

/// Adds a field unless its value is empty.
pub(super) fn put(fields: &mut Fields, name: &str, value: impl Into<Value>) {
    let value = value.into();
    let is_empty = match &value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        Value::Object(parts) => parts.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    };
    if !is_empty {
        fields.insert(name.to_owned(), value);
    }
}

/// An object of the fields that are not empty.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let mut object = Fields::new();
    for (name, value) in fields {
        put(&mut object, name, value);
    }
    Value::Object(object)
}

/// A coding.
pub(super) fn coding(coding: &Coding) -> Value {
    object([
        ("system", coding.system.as_str().into()),
        ("code", coding.code.as_str().into()),
        ("display", coding.display.as_str().into()),
    ])
}

/// Several codings.
pub(super) fn codings(all: &[Coding]) -> Value {
    all.iter().map(coding).collect()
}

/// A concept of codings and words.
pub(super) fn concept(codes: &[Coding], text: &str) -> Value {
    object([("coding", codings(codes)), ("text", text.into())])
}

/// A concept of words only; nothing for no words.
pub(super) fn words(text: &str) -> Value {
    object([("text", text.into())])
}

/// A concept of one coding, or of words if it has no code.
pub(super) fn one_concept(coding: Option<&Coding>) -> Value {
    match coding {
        Some(uncoded) if uncoded.code.is_empty() => words(&uncoded.display),
        Some(coding) => concept(std::slice::from_ref(coding), ""),
        None => Value::Null,
    }
}

/// A concept of a single code of a system.
pub(super) fn code_of(system: &str, code: &str) -> Value {
    if code.is_empty() { Value::Null } else { json!({ "coding": [{ "system": system, "code": code }] }) }
}

/// A list of one, or nothing.
pub(super) fn list(value: Value) -> Value {
    match &value {
        Value::Null => Value::Null,
        Value::Object(fields) if fields.is_empty() => Value::Null,
        _ => Value::Array(vec![value]),
    }
}

/// A quantity.
pub(super) fn quantity(quantity: Option<&Quantity>) -> Value {
    let Some(quantity) = quantity else { return Value::Null };
    let system = if quantity.code.is_empty() { "" } else { "http://unitsofmeasure.org" };
    object([
        ("value", serde_json::from_str(&quantity.value).unwrap_or_default()),
        ("comparator", quantity.comparator.as_str().into()),
        ("unit", quantity.unit.as_str().into()),
        ("system", system.into()),
        ("code", quantity.code.as_str().into()),
    ])
}

/// A period.
pub(super) fn period(start: &str, end: &str) -> Value {
    object([("start", start.into()), ("end", end.into())])
}

/// Telephone numbers and addresses of the electronic kind.
pub(super) fn telecoms(all: &[Telecom]) -> Value {
    let one = |telecom: &Telecom| {
        object([
            ("system", telecom.system.as_str().into()),
            ("value", telecom.value.as_str().into()),
            ("use", telecom.r#use.as_str().into()),
        ])
    };
    all.iter().map(one).collect()
}

/// A name.
pub(super) fn name(name: &HumanName) -> Value {
    object([
        ("use", name.r#use.as_str().into()),
        ("text", name.text.as_str().into()),
        ("family", name.family.as_str().into()),
        ("given", name.given.clone().into()),
        ("prefix", name.prefix.clone().into()),
    ])
}

/// An address.
pub(super) fn address(address: &Address) -> Value {
    object([
        ("use", address.r#use.as_str().into()),
        ("text", address.text.as_str().into()),
        ("line", address.lines.clone().into()),
        ("city", address.town.as_str().into()),
        ("district", address.county.as_str().into()),
        ("postalCode", address.postcode.as_str().into()),
        ("country", address.country.as_str().into()),
    ])
}

/// Business identifiers.
pub(super) fn identifiers(all: &[Identifier]) -> Value {
    let one = |identifier: &Identifier| {
        object([("system", identifier.system.as_str().into()), ("value", identifier.value.as_str().into())])
    };
    all.iter().map(one).collect()
}

/// Annotations.
pub(super) fn notes(texts: &[String]) -> Value {
    texts.iter().map(|text| json!({ "text": text })).collect()
}

/// An extension of UK Core by its name, with a value of a type (`valueDate`); nothing for an empty value.
pub(super) fn uk_core(name: &str, value_of_type: &str, value: Value) -> Value {
    let is_empty = matches!(&value, Value::Null) || value.as_str() == Some("");
    if is_empty {
        return Value::Null;
    }
    json!({ "url": format!("https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-{name}"), value_of_type: value })
}

/// The extensions that there are.
pub(super) fn extensions<const N: usize>(all: [Value; N]) -> Value {
    all.into_iter().filter(|extension| !extension.is_null()).collect()
}
