//! Patient and RelatedPerson.

use serde_json::{Value, json};
use weald_proto::NhsNumber;
use weald_proto::wire::item::Detail;
use weald_proto::wire::{Demographics, Identifier, Item};

use super::element::{address, coding, codings, extensions, list, name, object, put, telecoms, uk_core, words};
use super::entries::Entries;
use crate::population::HeldIdentity;

pub(super) fn patient(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Demographics(known)) = &item.detail else { return Value::Null };
    let mut fields = entries.resource(item, "");
    put(&mut fields, "identifier", numbers(&item.identifiers, &known.nhs_number_status));
    put(&mut fields, "name", known.names.iter().map(name).collect::<Value>());
    put(&mut fields, "birthDate", known.birth_date.as_str());
    put(&mut fields, "gender", known.gender.as_str());
    put(&mut fields, "address", known.addresses.iter().map(address).collect::<Value>());
    put(&mut fields, "telecom", telecoms(&known.telecoms));
    put(&mut fields, "maritalStatus", words(&known.marital_status));
    put(&mut fields, "communication", languages(known));
    put(&mut fields, "generalPractitioner", list(entries.contact(known.gp_practice.as_ref())));
    put(&mut fields, "managingOrganization", entries.manager(item));
    let ethnic = known.ethnic_category.as_ref().map(|category| json!({ "coding": [coding(category)] }));
    put(
        &mut fields,
        "extension",
        extensions([uk_core("EthnicCategory", "valueCodeableConcept", ethnic.unwrap_or_default())]),
    );
    match known.deceased.as_str() {
        "true" => put(&mut fields, "deceasedBoolean", true),
        date => put(&mut fields, "deceasedDateTime", date),
    }
    Value::Object(fields)
}

/// A person of whom no more is known than who they are.
pub(super) fn stranger(identity: &HeldIdentity, local_id: &Identifier) -> Value {
    let number = Identifier { system: NhsNumber::SYSTEM.into(), value: identity.nhs_number.clone() };
    json!({
        "resourceType": "Patient",
        "id": local_id.value,
        "identifier": numbers(&[number, local_id.clone()], ""),
        "name": [name(&identity.name)],
        "birthDate": identity.birth_date,
    })
}

/// The identifiers; the NHS number says how well it was verified.
fn numbers(identifiers: &[Identifier], status: &str) -> Value {
    let verified = |identifier: &Identifier| {
        if identifier.system != NhsNumber::SYSTEM || status.is_empty() {
            return Value::Null;
        }
        let system = "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatusEngland";
        let status = json!({ "coding": [{ "system": system, "code": status }] });
        extensions([uk_core("NHSNumberVerificationStatus", "valueCodeableConcept", status)])
    };
    let one = |identifier: &Identifier| {
        object([
            ("extension", verified(identifier)),
            ("system", identifier.system.as_str().into()),
            ("value", identifier.value.as_str().into()),
        ])
    };
    identifiers.iter().map(one).collect()
}

/// The first language is the preferred one.
fn languages(known: &Demographics) -> Value {
    let one = |(place, language): (usize, &String)| json!({ "language": { "coding": [{ "system": "urn:ietf:bcp:47", "code": language }] }, "preferred": place == 0 });
    known.languages.iter().enumerate().map(one).collect()
}

pub(super) fn related_person(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::RelatedPerson(related)) = &item.detail else { return Value::Null };
    let mut fields = entries.resource(item, "patient");
    put(&mut fields, "name", related.name.iter().map(name).collect::<Value>());
    put(&mut fields, "relationship", list(object([("coding", codings(&related.relationships))])));
    put(&mut fields, "telecom", telecoms(&related.telecoms));
    put(&mut fields, "address", related.address.iter().map(address).collect::<Value>());
    put(&mut fields, "gender", related.gender.as_str());
    put(&mut fields, "birthDate", related.birth_date.as_str());
    let rank = if related.rank == 0 { Value::Null } else { related.rank.into() };
    put(&mut fields, "extension", extensions([uk_core("ContactRank", "valuePositiveInt", rank)]));
    Value::Object(fields)
}
