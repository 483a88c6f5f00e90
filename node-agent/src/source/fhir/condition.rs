//! Problems, diagnoses and procedures: Condition, Procedure.

use weald_proto::wire::{self, item::Detail};

use super::element::{all_words, code, coding, codings, extension, words};
use super::item::item;
use super::medication::reason;
use super::resource::Resource;

/// A Condition.
pub(crate) fn condition(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let detail = wire::Condition {
        certainty: code(json.at("verificationStatus")),
        severity: words(json.at("severity")),
        categories: codings(json.at("category")),
        significance: code(extension(json, "ProblemSignificance")),
        body_site: all_words(json.at("bodySite")),
        is_negation: false,
    };
    item(resource, json.at("code"), Detail::Condition(detail))
}

/// A Procedure.
pub(crate) fn procedure(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let detail = wire::Procedure {
        body_site: all_words(json.at("bodySite")),
        outcome: words(json.at("outcome")),
        reason: reason(resource),
        category: coding(json.at("category")),
    };
    item(resource, json.at("code"), Detail::Procedure(detail))
}
