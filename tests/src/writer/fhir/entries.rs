//! The entries of one bundle: who refers to whom, and the staff, organisations, places and products beside the record.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use weald_proto::wire::{Author, Coding, Contact, Item, Telecom};
use weald_proto::{OdsCode, Section};

use super::BundleKind;
use super::element::{Fields, codings, concept, identifiers, list, notes, object, put, telecoms, words};
use crate::population::ORGANISATIONS;

/// The address at which a search found things.
const SERVER: &str = "https://fhir.weald.example/R4";

/// The entries so far.
pub(super) struct Entries {
    kind: BundleKind,
    patient: String,
    written: Vec<Value>,
    beside: BTreeMap<String, Value>,
    sections: Vec<Value>,
}

impl Entries {
    /// Entries about the Patient of a record id.
    pub(super) fn new(kind: BundleKind, patient: &str) -> Self {
        Entries { kind, patient: patient.into(), written: Vec::new(), beside: BTreeMap::new(), sections: Vec::new() }
    }

    /// Adds a resource; gives the reference to it.
    pub(super) fn add(&mut self, resource: Value) -> String {
        let id = record_id(&resource);
        self.written.push(self.entry(&id, resource));
        self.reference(&id)
    }

    /// The reference to a record: `Type/id`, or the urn of its entry.
    pub(super) fn reference(&self, record_id: &str) -> String {
        match self.kind {
            BundleKind::Searchset => record_id.to_owned(),
            _ => urn(record_id),
        }
    }

    /// The reference to the person.
    pub(super) fn patient(&self) -> Value {
        json!({ "reference": self.reference(&self.patient) })
    }

    /// What every resource of an item has. `person` is the field that names the person.
    pub(super) fn resource(&self, item: &Item, person: &str) -> Fields {
        let (kind, id) = item.source_record_id.split_once('/').unwrap_or(("Basic", &item.source_record_id));
        let mut fields = Fields::new();
        put(&mut fields, "resourceType", kind);
        put(&mut fields, "id", id);
        put(
            &mut fields,
            "meta",
            object([
                ("versionId", item.source_version.as_str().into()),
                ("lastUpdated", item.source_updated.as_str().into()),
                ("source", item.source_system.as_str().into()),
                ("security", codings(&item.labels)),
            ]),
        );
        put(&mut fields, "identifier", identifiers(&item.identifiers));
        put(&mut fields, "note", notes(&item.notes));
        if !person.is_empty() {
            put(&mut fields, person, self.patient());
        }
        fields
    }

    /// The reference to somebody: a PractitionerRole with a Practitioner and an Organization, or a mere name.
    pub(super) fn author(&mut self, author: Option<&Author>, reached_at: &[Telecom]) -> Value {
        let Some(author) = author else { return Value::Null };
        if author.id.is_empty() {
            return object([("display", author.name.as_str().into())]);
        }
        let practitioner = self.beside(json!({
            "resourceType": "Practitioner",
            "id": author.id,
            "identifier": [{ "system": "https://fhir.nhs.uk/Id/sds-user-id", "value": author.id }],
            "name": [{ "text": author.name }],
        }));
        let organisation = self.organisation(&author.organisation, reached_at);
        let id = format!("{}-{}", author.id, author.organisation);
        let mut role = Fields::new();
        put(&mut role, "resourceType", "PractitionerRole");
        put(&mut role, "id", id);
        put(&mut role, "practitioner", practitioner);
        put(&mut role, "organization", organisation);
        put(&mut role, "code", list(words(&author.role)));
        put(&mut role, "telecom", telecoms(reached_at));
        self.beside(Value::Object(role))
    }

    /// The recorder of an item, who is reached where its contact says.
    pub(super) fn recorder(&mut self, item: &Item) -> Value {
        self.author(item.recorder.as_ref(), reached_at(item))
    }

    /// The organisation that an item's contact names as "name, code".
    pub(super) fn manager(&mut self, item: &Item) -> Value {
        self.contact(item.contact.as_ref())
    }

    /// The organisation of a contact.
    pub(super) fn contact(&mut self, contact: Option<&Contact>) -> Value {
        let Some(contact) = contact else { return Value::Null };
        let code = contact.organisation.rsplit_once(", ").map_or(contact.organisation.as_str(), |(_, code)| code);
        self.organisation(code, &contact.telecoms)
    }

    /// The organisation of an ODS code.
    fn organisation(&mut self, code: &str, reached_at: &[Telecom]) -> Value {
        let known = ORGANISATIONS.iter().find(|organisation| organisation.ods == code);
        self.beside(object([
            ("resourceType", "Organization".into()),
            ("id", code.into()),
            ("identifier", json!([{ "system": OdsCode::SYSTEM, "value": code }])),
            ("name", known.map_or(code, |organisation| organisation.name).into()),
            ("telecom", telecoms(reached_at)),
        ]))
    }

    /// A place by its name.
    pub(super) fn place(&mut self, name: &str) -> Value {
        if name.is_empty() {
            return Value::Null;
        }
        self.beside(json!({ "resourceType": "Location", "id": digest_id(name), "name": name }))
    }

    /// A product with its form.
    pub(super) fn product(&mut self, codes: &[Coding], text: &str, form: &str) -> Value {
        let mut fields = Fields::new();
        let key: String = codes.iter().map(|coding| format!("{}|{};", coding.system, coding.code)).collect();
        put(&mut fields, "resourceType", "Medication");
        put(&mut fields, "id", digest_id(&format!("{key}{text}|{form}")));
        put(&mut fields, "code", concept(codes, text));
        put(&mut fields, "form", words(form));
        self.beside(Value::Object(fields))
    }

    /// Keeps a supporting resource once, in the telling that says how to reach it; gives the reference object.
    fn beside(&mut self, resource: Value) -> Value {
        let id = record_id(&resource);
        let reference = json!({ "reference": self.reference(&id) });
        let kept = self.beside.entry(id).or_insert_with(|| resource.clone());
        if kept.get("telecom").is_none() {
            *kept = resource;
        }
        reference
    }

    /// Says which entries a section of the document lists.
    pub(super) fn list(&mut self, section: Section, references: Vec<String>) {
        if references.is_empty() {
            return;
        }
        let entries: Vec<Value> = references.iter().map(|reference| json!({ "reference": reference })).collect();
        self.sections.push(json!({ "title": section.as_str(), "entry": entries }));
    }

    /// Every entry, in the order of its kind of bundle.
    pub(super) fn finish(mut self) -> Value {
        let beside = std::mem::take(&mut self.beside);
        let supporting: Vec<Value> = beside.iter().map(|(id, resource)| self.entry(id, resource.clone())).collect();
        let mut all = Vec::new();
        if self.kind == BundleKind::Document {
            all.push(self.composition());
        }
        all.append(&mut self.written);
        all.extend(supporting);
        Value::Array(all)
    }

    fn composition(&self) -> Value {
        let composition = json!({
            "resourceType": "Composition",
            "id": "summary",
            "status": "final",
            "type": { "coding": [{ "system": "http://loinc.org", "code": "60591-5", "display": "Patient summary Document" }] },
            "subject": self.patient(),
            "date": "2026-11-20T09:00:00+00:00",
            "author": [{ "display": "Local record system" }],
            "title": "Record",
            "section": self.sections,
        });
        self.entry("Composition/summary", composition)
    }

    fn entry(&self, record_id: &str, resource: Value) -> Value {
        match self.kind {
            BundleKind::Searchset => json!({
                "fullUrl": format!("{SERVER}/{record_id}"),
                "resource": resource,
                "search": { "mode": if self.is_support(record_id) { "include" } else { "match" } },
            }),
            BundleKind::Transaction => json!({
                "fullUrl": urn(record_id),
                "resource": resource,
                "request": { "method": "PUT", "url": record_id },
            }),
            BundleKind::Collection | BundleKind::Document => {
                json!({ "fullUrl": urn(record_id), "resource": resource })
            }
        }
    }

    fn is_support(&self, record_id: &str) -> bool {
        let kind = record_id.split('/').next().unwrap_or_default();
        matches!(kind, "Practitioner" | "PractitionerRole" | "Organization" | "Location" | "Medication")
    }
}

/// Where the contact of an item is reached.
fn reached_at(item: &Item) -> &[Telecom] {
    item.contact.as_ref().map_or(&[], |contact| &contact.telecoms)
}

fn record_id(resource: &Value) -> String {
    let text = |field: &str| resource.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    format!("{}/{}", text("resourceType"), text("id"))
}

/// A name for an entry, made from its record id.
fn urn(record_id: &str) -> String {
    let hex = digest_id(record_id);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-5{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

/// Thirty-two hexadecimal digits that stand for a text.
fn digest_id(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
