//! Plans: CarePlan, sorted by category.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::author::{author, name_of};
use super::codes;
use super::element::{codings, join, words};
use super::item::item;
use super::json::Json;
use super::medication::said_of;
use super::resource::Resource;

/// A CarePlan: a safeguarding concern or a mental health plan by its category, else a care plan.
pub(crate) fn plan(resource: &Resource<'_>) -> (Section, wire::Item) {
    let categories = codings(resource.at("category"));
    if codes::is_child_safeguarding(&categories) {
        return (Section::SafeguardingChild, safeguarding(resource, categories));
    }
    if codes::is_adult_safeguarding(&categories) {
        return (Section::SafeguardingAdult, safeguarding(resource, categories));
    }
    if is_mental_health(resource.json(), &categories) {
        return (Section::MentalHealth, mental_health(resource, &categories));
    }
    (Section::CarePlans, care_plan(resource, categories))
}

fn care_plan(resource: &Resource<'_>, categories: Vec<wire::Coding>) -> wire::Item {
    let json = resource.json();
    let said = |field: &str, of: fn(&Resource<'_>, &Json) -> String| {
        let all = json.at(field).list().iter().map(|one| of(resource, one));
        all.filter(|words| !words.is_empty()).collect::<Vec<_>>()
    };
    let detail = wire::CarePlan {
        title: json.text_at("title"),
        categories,
        activities: json.at("activity").list().iter().map(|one| activity(resource, one)).collect(),
        intent: json.text_at("intent"),
        addresses: said("addresses", said_of),
        care_team: join(said("careTeam", name_of), "; "),
    };
    known_by_title(item(resource, json.at("category"), Detail::CarePlan(detail)), json)
}

fn safeguarding(resource: &Resource<'_>, categories: Vec<wire::Coding>) -> wire::Item {
    let json = resource.json();
    let detail = wire::Safeguarding { categories, lead: author(resource, json.at("author")) };
    known_by_title(item(resource, json.at("category"), Detail::Safeguarding(detail)), json)
}

fn mental_health(resource: &Resource<'_>, categories: &[wire::Coding]) -> wire::Item {
    let json = resource.json();
    let is_crisis = codes::is_crisis_plan(categories) || json.text_at("title").to_lowercase().contains("crisis");
    let team = json.at("careTeam").first();
    let detail = wire::MentalHealth {
        legal_status: None,
        kind: if is_crisis { "crisis-plan" } else { "plan" }.to_owned(),
        coordinator: author(resource, json.at("author")),
        team: if team.is_null() { String::new() } else { name_of(resource, team) },
    };
    known_by_title(item(resource, json.at("category"), Detail::MentalHealth(detail)), json)
}

/// A crisis plan of mental health by its code, or a category that says mental health.
fn is_mental_health(json: &Json, categories: &[wire::Coding]) -> bool {
    let says_so = |concept: &Json| words(concept).to_lowercase().contains("mental health");
    codes::is_crisis_plan(categories) || json.at("category").list().iter().any(says_so)
}

/// A plan is known by its title, if it has one.
fn known_by_title(mut item: wire::Item, json: &Json) -> wire::Item {
    let title = json.text_at("title");
    if !title.is_empty() {
        item.text = title;
    }
    item
}

/// What an activity is: its code or description, else what it refers to.
fn activity(resource: &Resource<'_>, activity: &Json) -> String {
    let detail = activity.at("detail");
    let said = join([words(detail.at("code")), detail.text_at("description")], ": ");
    let reference = activity.at("reference");
    match (said.is_empty(), reference.is_null()) {
        (false, _) => said,
        (true, false) => said_of(resource, reference),
        (true, true) => activity.at("progress").words_within().join(" "),
    }
}
