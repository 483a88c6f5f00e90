//! Open cases and packages of care: EpisodeOfCare, sorted by type.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::age::is_child_at;
use super::author::{author, name_of};
use super::element::{all_words, codings, words};
use super::item::item;
use super::medication::said_of;
use super::resource::Resource;

/// Types of the international value set that are social care of adults (FHIR R4, episode of care type).
const ADULT_SOCIAL_CARE: &[&str] = &["hacc", "cacp"];

/// An EpisodeOfCare: social care of a child or an adult, mental health, or else an encounter.
pub(crate) fn episode(resource: &Resource<'_>) -> (Section, wire::Item) {
    match sort(resource) {
        Section::MentalHealth => (Section::MentalHealth, mental_health(resource)),
        Section::Encounters => (Section::Encounters, encounter(resource)),
        section => (section, social_care(resource)),
    }
}

/// The section, by the codes of the types and by their words.
fn sort(resource: &Resource<'_>) -> Section {
    let types = resource.at("type");
    let said = all_words(types).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if codings(types).iter().any(|coding| ADULT_SOCIAL_CARE.contains(&coding.code.as_str())) {
        Section::SocialCareAdult
    } else if says(&["mental health", "psychiatr", "camhs"]) {
        Section::MentalHealth
    } else if !says(&["social care", "social work", "social services"]) {
        Section::Encounters
    } else if says(&["child", "young", "famil", "looked after"]) {
        Section::SocialCareChild
    } else if says(&["adult"]) || !is_child_at(resource, &resource.text_at("period.start")) {
        Section::SocialCareAdult
    } else {
        Section::SocialCareChild
    }
}

fn social_care(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let further = json.at("type").list().iter().skip(1).map(words);
    let roles = json.at("diagnosis").list().iter().map(|diagnosis| words(diagnosis.at("role")));
    let detail = wire::SocialCare {
        manager: author(resource, json.at("careManager")),
        services: further.chain(roles).filter(|service| !service.is_empty()).collect(),
        organisation: managing(resource),
    };
    item(resource, json.at("type"), Detail::SocialCare(detail))
}

fn mental_health(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let team = json.at("team").first();
    let detail = wire::MentalHealth {
        legal_status: None,
        kind: "episode".to_owned(),
        coordinator: author(resource, json.at("careManager")),
        team: if team.is_null() { managing(resource) } else { name_of(resource, team) },
    };
    item(resource, json.at("type"), Detail::MentalHealth(detail))
}

fn encounter(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let diagnoses = json.at("diagnosis").list().iter().map(|one| said_of(resource, one.at("condition")));
    let detail = wire::Encounter {
        class: Some(wire::Coding {
            code: "EPISODE".to_owned(),
            display: "episode of care".to_owned(),
            ..Default::default()
        }),
        provider: managing(resource),
        reason: super::element::join(diagnoses, "; "),
        service_type: all_words(json.at("type")),
        ..Default::default()
    };
    item(resource, json.at("type"), Detail::Encounter(detail))
}

fn managing(resource: &Resource<'_>) -> String {
    let reference = resource.at("managingOrganization");
    if reference.is_null() { String::new() } else { name_of(resource, reference) }
}
