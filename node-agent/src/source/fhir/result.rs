//! Results: Observation, DiagnosticReport, with the Specimen that they refer to.

use weald_proto::wire::{self, item::Detail};

use super::element::{all_words, codings, join, range_words, text_value, value, words};
use super::item::item;
use super::json::Json;
use super::resource::Resource;

/// An Observation, of any category.
pub(crate) fn observation(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let detail = wire::Result {
        value: value(json, "value"),
        components: json.at("component").list().iter().map(component).collect(),
        absent_reason: words(json.at("dataAbsentReason")),
        ..common(resource)
    };
    item(resource, json.at("code"), Detail::Result(detail))
}

/// A DiagnosticReport: its conclusion is its value.
pub(crate) fn report(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let conclusion = join([json.text_at("conclusion"), all_words(json.at("conclusionCode"))], "; ");
    let detail = wire::Result { value: text_value(conclusion), ..common(resource) };
    item(resource, json.at("code"), Detail::Result(detail))
}

fn common(resource: &Resource<'_>) -> wire::Result {
    let json = resource.json();
    let members = [json.at("result"), json.at("hasMember")];
    wire::Result {
        reference_range: join(json.at("referenceRange").list().iter().map(reference_range), "; "),
        interpretation: all_words(json.at("interpretation")),
        report_status: json.text_at("status"),
        specimen_time: specimen_time(resource),
        comment: join(json.at("note").list().iter().map(|note| note.text_at("text")), "\n"),
        categories: codings(json.at("category")),
        members: members.iter().flat_map(|list| list.list()).map(|one| resource.record_id_of(one)).collect(),
        ..Default::default()
    }
}

/// A part without a value is told by why it has none.
fn component(component: &Json) -> wire::Component {
    wire::Component {
        codes: codings(component.at("code")),
        text: words(component.at("code")),
        value: value(component, "value").or_else(|| text_value(words(component.at("dataAbsentReason")))),
    }
}

fn reference_range(range: &Json) -> String {
    let text = range.text_at("text");
    if text.is_empty() { range_words(range) } else { text }
}

fn specimen_time(resource: &Resource<'_>) -> String {
    let specimens = resource.at("specimen").list().iter().map(|reference| resource.resolve(reference));
    let mut times =
        specimens.map(|one| one.first_text(&["collection.collectedDateTime", "collection.collectedPeriod.start"]));
    times.find(|time| !time.is_empty()).unwrap_or_default()
}
