//! Allergies: AllergyIntolerance.

use weald_proto::wire::{self, item::Detail};

use super::element::{all_words, code, coding, extension, extension_itself, first_codings};
use super::item::item;
use super::json::Json;
use super::resource::Resource;

/// Codes that a record transfer left in place of the true one (domain rules, degraded entries).
const DEGRADED: &[&str] = &["196461000000101", "196471000000108"];

/// An AllergyIntolerance.
pub(crate) fn allergy(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let end = extension_itself(json, "AllergyIntoleranceEnd");
    let detail = wire::Allergy {
        substance: json.at("reaction").list().iter().find_map(|reaction| coding(reaction.at("substance"))),
        reactions: json.at("reaction").list().iter().map(reaction).collect(),
        severity: json.text_at("criticality"),
        certainty: code(json.at("verificationStatus")),
        categories: json.at("category").list().iter().map(Json::text).collect(),
        kind: json.text_at("type"),
        is_negation: false,
        is_degraded: is_degraded(json.at("code")),
        ended: matches!(code(json.at("clinicalStatus")).as_str(), "inactive" | "resolved"),
        end_reason: extension(end, "reasonEnded").text(),
        last_occurrence: json.text_at("lastOccurrence"),
    };
    let mut item = item(resource, json.at("code"), Detail::Allergy(detail));
    if item.effective_end.is_empty() {
        item.effective_end = extension(end, "endDate").text();
    }
    item
}

fn is_degraded(concept: &Json) -> bool {
    concept.at("coding").list().iter().any(|coding| DEGRADED.contains(&coding.text_at("code").as_str()))
}

fn reaction(reaction: &Json) -> wire::Reaction {
    let text = reaction.text_at("description");
    wire::Reaction {
        manifestations: first_codings(reaction.at("manifestation")),
        text: if text.is_empty() { all_words(reaction.at("manifestation")) } else { text },
        severity: reaction.text_at("severity"),
    }
}
