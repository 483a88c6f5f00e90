//! Contacts with services and where the person is: Encounter, Appointment.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

use super::author::{author, name_of};
use super::element::{all_words, coding, extension, extension_itself, join, plain_coding, words};
use super::item::item;
use super::json::{Json, NOTHING};
use super::medication::reason;
use super::resource::Resource;

/// An Encounter: an item of encounters; if it is in progress also where the person is; if it has a
/// legal status also an item of mental health.
pub(crate) fn encounter(resource: &Resource<'_>) -> Vec<(Section, wire::Item)> {
    let mut items = vec![(Section::Encounters, contact(resource))];
    if resource.text_at("status") == "in-progress" {
        items.push((Section::Location, location(resource)));
    }
    items.extend(legal_status(resource).map(|item| (Section::MentalHealth, item)));
    items
}

/// An Appointment.
pub(crate) fn appointment(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let class = wire::Coding { code: "APPT".to_owned(), display: "appointment".to_owned(), ..Default::default() };
    let detail = wire::Encounter {
        class: Some(class),
        provider: participant(resource, "Organization"),
        reason: reason(resource),
        location: participant(resource, "Location"),
        service_type: all_words(json.at("serviceType")),
        ..Default::default()
    };
    let concept = json.first_of(&["appointmentType", "serviceType"]);
    let mut item = item(resource, concept, Detail::Encounter(detail));
    if item.recorder.is_none() {
        item.recorder = participant_of(resource, "Practitioner").and_then(|actor| author(resource, actor));
    }
    item
}

fn contact(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let stay = json.at("hospitalization");
    let discharge = words(extension(stay, "DischargeMethod"));
    let detail = wire::Encounter {
        class: class(json),
        provider: provider(resource),
        reason: reason(resource),
        location: join(json.at("location").list().iter().map(|one| place(resource, one)), "; "),
        admission_method: join([words(extension(stay, "AdmissionMethod")), words(stay.at("admitSource"))], "; "),
        discharge_method: join([discharge, words(stay.at("dischargeDisposition"))], "; "),
        service_type: words(json.at("serviceType")),
    };
    known_by_class(item(resource, json.at("type"), Detail::Encounter(detail)), json)
}

fn location(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let places = json.at("location").list();
    let active = places.iter().find(|one| one.text_at("status") == "active").or_else(|| places.last());
    let active = active.unwrap_or(&NOTHING);
    let detail =
        wire::CurrentLocation { place: place(resource, active), class: class(json), provider: provider(resource) };
    let mut item = known_by_class(item(resource, json.at("type"), Detail::CurrentLocation(detail)), json);
    let arrived = active.text_at("period.start");
    if !arrived.is_empty() {
        item.effective_start = arrived;
    }
    item
}

fn legal_status(resource: &Resource<'_>) -> Option<wire::Item> {
    let json = resource.json();
    let status = extension_itself(json, "LegalStatus");
    let classification = extension(status, "legalStatusClassification");
    let concept = if classification.is_null() { status.choice("value").1 } else { classification };
    let detail = wire::MentalHealth {
        legal_status: Some(coding(concept)?),
        kind: "legal-status".to_owned(),
        coordinator: author(resource, json.at("participant.individual")),
        team: provider(resource),
    };
    Some(item(resource, concept, Detail::MentalHealth(detail)))
}

/// An encounter without a type is known by its class.
fn known_by_class(mut item: wire::Item, json: &Json) -> wire::Item {
    let class = json.first_text(&["class.display", "class.code"]);
    if item.text == "Encounter" && !class.is_empty() {
        item.text = class;
    }
    item
}

fn class(json: &Json) -> Option<wire::Coding> {
    let class = json.at("class");
    (!class.is_null()).then(|| plain_coding(class))
}

fn provider(resource: &Resource<'_>) -> String {
    let reference = resource.at("serviceProvider");
    if reference.is_null() { String::new() } else { name_of(resource, reference) }
}

fn place(resource: &Resource<'_>, location: &Json) -> String {
    let reference = location.at("location");
    if reference.is_null() { String::new() } else { name_of(resource, reference) }
}

fn participant(resource: &Resource<'_>, kind: &str) -> String {
    participant_of(resource, kind).map(|actor| name_of(resource, actor)).unwrap_or_default()
}

/// The first participant of a type ("Practitioner" stands for roles too).
fn participant_of<'a>(resource: &Resource<'a>, kind: &str) -> Option<&'a Json> {
    let is_wanted = |actor: &&Json| {
        resource.resolve(actor).text_at("resourceType").starts_with(kind)
            || actor.text_at("reference").starts_with(kind)
            || actor.text_at("type").starts_with(kind)
    };
    resource.at("participant").list().iter().map(|one| one.at("actor")).find(is_wanted)
}
