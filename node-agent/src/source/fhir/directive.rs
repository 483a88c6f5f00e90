//! Decisions made in advance: Consent, DocumentReference by type, Flag by code.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::codes;
use super::document::known_by_title;
use super::element::{all_words, code, codings, join, words};
use super::item::item;
use super::json::Json;
use super::resource::Resource;

/// Scopes of a Consent that are not about treatment (FHIR R4, consent scope codes).
const OTHER_SCOPES: &[&str] = &["patient-privacy", "research"];

/// A Consent; none if it is about privacy or research.
pub(crate) fn consent(resource: &Resource<'_>) -> Option<(Section, wire::Item)> {
    let json = resource.json();
    if codings(json.at("scope")).iter().any(|scope| OTHER_SCOPES.contains(&scope.code.as_str())) {
        return None;
    }
    let decided = codings(json.at("provision").at("code"));
    let directive = wire::AdvanceDirective {
        kind: kind(json, &decided),
        review_date: json.text_at("provision.period.end"),
        form: json.first_text(&["sourceAttachment.url", "sourceReference.reference", "sourceReference.display"]),
        provision: json.text_at("provision.type"),
    };
    let mut item = item(resource, json.at("category"), Detail::AdvanceDirective(directive));
    item.codes.extend(decided);
    item.text = join([all_words(json.at("category")), all_words(json.at("provision").at("code"))], ": ");
    if item.text.is_empty() {
        item.text = "Consent".to_owned();
    }
    Some((Section::AdvanceDirectives, item))
}

/// A form that records a decision made in advance.
pub(crate) fn form(resource: &Resource<'_>, kind: &str) -> wire::Item {
    let json = resource.json();
    let directive = wire::AdvanceDirective {
        kind: kind.to_owned(),
        form: json.text_at("content.attachment.url"),
        ..Default::default()
    };
    known_by_title(item(resource, json.at("type"), Detail::AdvanceDirective(directive)), json)
}

/// A Flag that says what was decided. The end of its period is the date of review, and does not end
/// the decision (domain rules, CPR status).
pub(crate) fn flagged(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let is_cpr = codes::is_cpr(&codings(json.at("code")));
    let directive = wire::AdvanceDirective {
        kind: if is_cpr { "cpr".to_owned() } else { words(json.at("category")) },
        review_date: json.text_at("period.end"),
        ..Default::default()
    };
    let mut item = item(resource, json.at("code"), Detail::AdvanceDirective(directive));
    item.effective_end = String::new();
    item
}

/// cpr, adrt, lpa, or the source's word.
fn kind(consent: &Json, decided: &[wire::Coding]) -> String {
    let category = all_words(consent.at("category"));
    let words = category.to_lowercase();
    let codes = codings(consent.at("category"));
    let has = |wanted: &str| codes.iter().any(|coding| coding.code.eq_ignore_ascii_case(wanted));
    if codes::is_cpr(decided) || codes::is_cpr(&codes) || has("dnr") {
        "cpr".to_owned()
    } else if has("64298-3") || words.contains("power of attorney") {
        "lpa".to_owned()
    } else if has("hcd") || words.contains("refuse treatment") {
        "adrt".to_owned()
    } else if category.is_empty() {
        code(consent.at("scope"))
    } else {
        category
    }
}
