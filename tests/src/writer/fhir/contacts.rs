//! Encounter, Appointment, ServiceRequest, DocumentReference.

use serde_json::{Value, json};
use weald_proto::wire::Item;
use weald_proto::wire::item::Detail;

use super::element::{coding, concept, list, object, one_concept, period, put, words};
use super::entries::Entries;

pub(super) fn encounter(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Encounter(contact)) = &item.detail else { return Value::Null };
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "class", contact.class.as_ref().map(coding).unwrap_or_default());
    put(&mut fields, "type", list(concept(&item.codes, &item.text)));
    put(&mut fields, "serviceType", words(&contact.service_type));
    put(&mut fields, "period", period(&item.effective_start, &item.effective_end));
    put(&mut fields, "reasonCode", list(words(&contact.reason)));
    put(&mut fields, "location", list(object([("location", entries.place(&contact.location))])));
    put(&mut fields, "serviceProvider", entries.manager(item));
    put(
        &mut fields,
        "hospitalization",
        object([
            ("admitSource", words(&contact.admission_method)),
            ("dischargeDisposition", words(&contact.discharge_method)),
        ]),
    );
    Value::Object(fields)
}

/// Person, provider and place take part in an appointment.
pub(super) fn appointment(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Encounter(contact)) = &item.detail else { return Value::Null };
    let mut fields = entries.resource(item, "");
    let provider = object([
        ("type", if contact.provider.is_empty() { "" } else { "Organization" }.into()),
        ("display", contact.provider.as_str().into()),
    ]);
    let participants: Vec<Value> = [entries.patient(), provider, entries.place(&contact.location)]
        .into_iter()
        .filter(|actor| actor.as_object().is_some_and(|fields| !fields.is_empty()))
        .map(|actor| json!({ "actor": actor, "status": "accepted" }))
        .collect();
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "appointmentType", concept(&item.codes, &item.text));
    put(&mut fields, "serviceType", list(words(&contact.service_type)));
    put(&mut fields, "reasonCode", list(words(&contact.reason)));
    put(&mut fields, "start", item.effective_start.as_str());
    put(&mut fields, "end", item.effective_end.as_str());
    put(&mut fields, "participant", participants);
    Value::Object(fields)
}

pub(super) fn referral(entries: &mut Entries, item: &Item) -> Value {
    let Some(Detail::Referral(referral)) = &item.detail else { return Value::Null };
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "intent", referral.intent.as_str());
    put(&mut fields, "priority", referral.priority.as_str());
    put(&mut fields, "category", list(one_concept(referral.category.as_ref())));
    put(&mut fields, "code", concept(&item.codes, &item.text));
    put(&mut fields, "authoredOn", item.recorded_at.as_str());
    put(&mut fields, "requester", entries.recorder(item));
    put(&mut fields, "performer", list(entries.author(referral.recipient.as_ref(), &[])));
    put(&mut fields, "reasonCode", list(words(&referral.reason)));
    Value::Object(fields)
}

pub(super) fn document(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "type", concept(&item.codes, &item.text));
    put(&mut fields, "date", item.recorded_at.as_str());
    put(&mut fields, "author", list(entries.recorder(item)));
    match &item.detail {
        Some(Detail::Document(document)) => {
            let categories: Vec<Value> = document.categories.iter().map(|one| one_concept(Some(one))).collect();
            put(&mut fields, "category", categories);
            put(&mut fields, "context", object([("practiceSetting", words(&document.practice_setting))]));
            let size = if document.size_bytes == 0 { Value::Null } else { document.size_bytes.into() };
            let attachment = object([
                ("contentType", document.content_type.as_str().into()),
                ("url", document.url.as_str().into()),
                ("size", size),
                ("hash", document.hash.as_str().into()),
                ("title", document.title.as_str().into()),
                ("creation", document.created_at.as_str().into()),
            ]);
            put(&mut fields, "content", list(object([("attachment", attachment)])));
        }
        Some(Detail::AdvanceDirective(directive)) => {
            let attachment = object([("url", directive.form.as_str().into())]);
            put(&mut fields, "content", list(object([("attachment", attachment)])));
        }
        _ => {}
    }
    Value::Object(fields)
}
