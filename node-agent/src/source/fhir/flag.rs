//! Warnings: Flag, sorted by code and category.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::age::is_child_at;
use super::author::author;
use super::element::codings;
use super::item::item;
use super::resource::Resource;
use super::{codes, directive};

/// A Flag: an advance directive, a safeguarding concern, a risk, or else an alert. The code decides
/// before the category; a safeguarding heading alone is the child's or the adult's by age.
pub(crate) fn flag(resource: &Resource<'_>) -> (Section, wire::Item) {
    let code = codings(resource.at("code"));
    let categories = codings(resource.at("category"));
    let all = [code.clone(), categories.clone()].concat();
    if codes::is_cpr(&code) || categories.iter().any(|category| category.code == "advance-directive") {
        return (Section::AdvanceDirectives, directive::flagged(resource));
    }
    if codes::is_child_safeguarding(&all) {
        return (Section::SafeguardingChild, safeguarding(resource));
    }
    if codes::is_adult_safeguarding(&all) {
        return (Section::SafeguardingAdult, safeguarding(resource));
    }
    if codes::is_safeguarding_heading(&categories) {
        let is_child = is_child_at(resource, &resource.text_at("period.start"));
        let section = if is_child { Section::SafeguardingChild } else { Section::SafeguardingAdult };
        return (section, safeguarding(resource));
    }
    if codes::is_risk_heading(&categories) {
        return (Section::MentalHealth, risk(resource));
    }
    let detail = wire::Alert { categories };
    (Section::Alerts, item(resource, resource.at("code"), Detail::Alert(detail)))
}

fn safeguarding(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let detail =
        wire::Safeguarding { categories: codings(json.at("category")), lead: author(resource, json.at("author")) };
    item(resource, json.at("code"), Detail::Safeguarding(detail))
}

fn risk(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let coordinator = author(resource, json.at("author"));
    let detail = wire::MentalHealth { kind: "risk".to_owned(), coordinator, ..Default::default() };
    item(resource, json.at("code"), Detail::MentalHealth(detail))
}
