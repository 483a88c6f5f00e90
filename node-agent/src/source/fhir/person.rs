//! Demographics and related people: Patient, Patient.contact, RelatedPerson.

use weald_proto::wire::{self, item::Detail};
use weald_proto::{NhsNumber, Section};

use super::author::{author, telecoms_of};
use super::element::{
    address, code, coding, codings, extension, human_name, join, name_words, period, telecoms, words,
};
use super::item::item;
use super::json::{Json, NOTHING};
use super::resource::Resource;

/// A Patient: an item of demographics, and one of related people for each contact.
pub(crate) fn patient(patient: &Resource<'_>) -> Vec<(Section, wire::Item)> {
    let contacts = patient.at("contact").list().iter().enumerate();
    let contacts = contacts.map(|(index, one)| (Section::RelatedPeople, contact_of(patient, index, one)));
    [(Section::Demographics, demographics(patient))].into_iter().chain(contacts).collect()
}

/// A RelatedPerson.
pub(crate) fn related_person(person: &Resource<'_>) -> wire::Item {
    let json = person.json();
    let detail = related(json, json.at("name"), json.at("address"));
    named(item(person, json.at("relationship"), Detail::RelatedPerson(detail)), json)
}

fn demographics(patient: &Resource<'_>) -> wire::Item {
    let json = patient.json();
    let deceased = json.choice("deceased").1.text();
    let detail = wire::Demographics {
        names: json.at("name").list().iter().filter_map(human_name).collect(),
        birth_date: json.text_at("birthDate"),
        gender: json.text_at("gender"),
        addresses: json.at("address").list().iter().filter_map(address).collect(),
        telecoms: telecoms(json.at("telecom")),
        deceased: if deceased == "false" { String::new() } else { deceased },
        ethnic_category: coding(extension(json, "EthnicCategory")),
        languages: languages(json),
        gp_practice: gp_practice(patient),
        marital_status: words(json.at("maritalStatus")),
        nhs_number_status: nhs_number_status(json),
    };
    named(item(patient, &NOTHING, Detail::Demographics(detail)), json)
}

/// A contact has no id of its own: it is told by its place in the Patient.
fn contact_of(patient: &Resource<'_>, index: usize, contact: &Json) -> wire::Item {
    let detail = related(contact, contact.at("name"), contact.at("address"));
    let mut item = named(item(patient, contact.at("relationship"), Detail::RelatedPerson(detail)), contact);
    let dates = period(contact.at("period"));
    item.source_record_id = format!("{}#contact-{}", item.source_record_id, index + 1);
    (item.effective_start, item.effective_end) = (dates.start, dates.end);
    (item.status, item.identifiers, item.notes) = (String::new(), Vec::new(), Vec::new());
    item
}

fn related(json: &Json, name: &Json, place: &Json) -> wire::RelatedPerson {
    wire::RelatedPerson {
        name: human_name(name.first()),
        relationships: codings(json.at("relationship")),
        telecoms: telecoms(json.at("telecom")),
        address: address(place.first()),
        rank: extension(json, "ContactRank").text().parse().unwrap_or(0),
        gender: json.text_at("gender"),
        birth_date: json.text_at("birthDate"),
    }
}

/// People are known by their name.
fn named(mut item: wire::Item, json: &Json) -> wire::Item {
    let name = name_words(best_name(json));
    if !name.is_empty() {
        item.text = name;
    }
    item
}

/// The official name, else the usual one, else the first.
fn best_name(json: &Json) -> &Json {
    let names = json.at("name").list();
    let of_use = |wanted: &str| names.iter().find(|name| name.text_at("use") == wanted);
    of_use("official").or_else(|| of_use("usual")).or_else(|| names.first()).unwrap_or(&NOTHING)
}

fn languages(patient: &Json) -> Vec<String> {
    let spoken = patient.at("communication").list();
    let (best, others): (Vec<_>, Vec<_>) = spoken.iter().partition(|one| one.at("preferred").is_true());
    let all = best.into_iter().chain(others).map(|one| words(one.at("language")));
    all.filter(|language| !language.is_empty()).collect()
}

fn gp_practice(patient: &Resource<'_>) -> Option<wire::Contact> {
    let reference = patient.at("generalPractitioner").first();
    let author = author(patient, reference)?;
    let is_organisation = patient.resolve(reference).text_at("resourceType") == "Organization"
        || reference.text_at("reference").contains("Organization/");
    Some(wire::Contact {
        name: if is_organisation { String::new() } else { author.name.clone() },
        role: author.role,
        organisation: if is_organisation {
            join([author.name, author.organisation], ", ")
        } else {
            author.organisation
        },
        telecoms: telecoms_of(patient, reference),
    })
}

fn nhs_number_status(patient: &Json) -> String {
    let numbers = patient.at("identifier").list().iter().filter(|one| one.text_at("system") == NhsNumber::SYSTEM);
    numbers.map(|number| code(extension(number, "NHSNumberVerificationStatus"))).next().unwrap_or_default()
}
