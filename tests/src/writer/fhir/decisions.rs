//! Flag, Consent, CarePlan.

use serde_json::{Value, json};
use weald_proto::wire::Item;
use weald_proto::wire::item::Detail;

use super::element::{codings, concept, list, object, period, put};
use super::entries::Entries;

/// A flag. Under a CPR decision the end of the period is the date of review.
pub(super) fn flag(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "subject");
    let (categories, end) = match &item.detail {
        Some(Detail::AdvanceDirective(directive)) => (Value::Null, directive.review_date.as_str()),
        Some(Detail::Safeguarding(concern)) => (codings(&concern.categories), item.effective_end.as_str()),
        Some(Detail::Alert(alert)) => (codings(&alert.categories), item.effective_end.as_str()),
        _ => (Value::Null, item.effective_end.as_str()),
    };
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "category", list(object([("coding", categories)])));
    put(&mut fields, "code", concept(&item.codes, &item.text));
    put(&mut fields, "period", period(&item.effective_start, end));
    put(&mut fields, "author", entries.recorder(item));
    Value::Object(fields)
}

pub(super) fn consent(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "patient");
    put(&mut fields, "status", item.status.as_str());
    put(
        &mut fields,
        "scope",
        json!({
            "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "adr" }],
        }),
    );
    put(&mut fields, "category", list(concept(&item.codes, &item.text)));
    put(&mut fields, "dateTime", item.recorded_at.as_str());
    put(&mut fields, "performer", list(entries.recorder(item)));
    if let Some(Detail::AdvanceDirective(directive)) = &item.detail {
        put(&mut fields, "provision", object([("type", directive.provision.as_str().into())]));
    }
    Value::Object(fields)
}

/// A plan of care, of safeguarding, or of mental health: its category says which.
pub(super) fn plan(entries: &mut Entries, item: &Item) -> Value {
    let mut fields = entries.resource(item, "subject");
    put(&mut fields, "status", item.status.as_str());
    put(&mut fields, "intent", "plan");
    put(&mut fields, "category", list(concept(&item.codes, "")));
    put(&mut fields, "period", period(&item.effective_start, &item.effective_end));
    put(&mut fields, "author", entries.recorder(item));
    if let Some(Detail::CarePlan(plan)) = &item.detail {
        let activities = plan.activities.iter().map(|activity| json!({ "detail": { "description": activity } }));
        let about = plan.addresses.iter().map(|display| json!({ "display": display }));
        put(&mut fields, "title", plan.title.as_str());
        put(&mut fields, "intent", plan.intent.as_str());
        put(&mut fields, "activity", activities.collect::<Value>());
        put(&mut fields, "addresses", about.collect::<Value>());
        put(&mut fields, "careTeam", list(object([("display", plan.care_team.as_str().into())])));
    }
    Value::Object(fields)
}
