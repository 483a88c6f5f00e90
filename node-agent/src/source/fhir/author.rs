//! Who wrote or said something, and whom to ask: references to people, roles and organisations, resolved.

use weald_proto::wire;

use super::element::{join, name_words, telecoms, words};
use super::json::Json;
use super::resource::Resource;

/// The namespace of ODS codes.
const ODS: &str = "https://fhir.nhs.uk/Id/ods-organization-code";

/// Who a reference means. `None` only if it says nothing at all.
pub(crate) fn author(from: &Resource<'_>, reference: &Json) -> Option<wire::Author> {
    if reference.is_null() {
        return None;
    }
    let target = from.resolve(reference);
    let mut author = match target.text_at("resourceType").as_str() {
        "PractitionerRole" => role(from, target),
        "Organization" => organisation(target),
        "RelatedPerson" => named(target, words(target.at("relationship"))),
        "Device" => wire::Author {
            name: join([target.first_text(&["deviceName.name"]), words(target.at("type"))], ", "),
            ..named(target, String::new())
        },
        _ => named(target, String::new()),
    };
    if from.target(reference).text_at("resourceType") == "Patient" {
        author.role = "patient".to_owned();
    }
    if author.id.is_empty() {
        author.id = reference.first_text(&["identifier.value", "reference"]);
    }
    if author.name.is_empty() {
        author.name = reference.text_at("display");
    }
    (author != wire::Author::default()).then_some(author)
}

/// The name of whom or what a reference means: an organisation, a person, a place.
pub(crate) fn name_of(from: &Resource<'_>, reference: &Json) -> String {
    let display = reference.text_at("display");
    if !display.is_empty() {
        return display;
    }
    let author = author(from, reference).unwrap_or_default();
    join([author.name, author.organisation, author.id], "\n").lines().next().unwrap_or_default().to_owned()
}

/// Whom to ask: the organisation, if there is one, with its numbers; else the person.
pub(crate) fn contact(
    from: &Resource<'_>,
    organisation: &Json,
    person: &Json,
    recorder: Option<&wire::Author>,
) -> Option<wire::Contact> {
    if !organisation.is_null() {
        let author = author(from, organisation)?;
        let target = from.resolve(organisation);
        let is_person = target.text_at("resourceType").starts_with("Practitioner");
        return Some(wire::Contact {
            name: if is_person { author.name.clone() } else { String::new() },
            role: author.role,
            organisation: if is_person { author.organisation } else { join([author.name, author.organisation], ", ") },
            telecoms: telecoms_of(from, organisation),
        });
    }
    recorder.map(|recorder| wire::Contact {
        name: recorder.name.clone(),
        role: recorder.role.clone(),
        organisation: recorder.organisation.clone(),
        telecoms: telecoms_of(from, person),
    })
}

/// Numbers and addresses of whom a reference means.
pub(crate) fn telecoms_of(from: &Resource<'_>, reference: &Json) -> Vec<wire::Telecom> {
    let target = from.resolve(reference);
    let own = telecoms(target.at("telecom"));
    if own.is_empty() && target.text_at("resourceType") == "PractitionerRole" {
        return telecoms(from.resolve(target.at("practitioner")).at("telecom"));
    }
    own
}

fn role(from: &Resource<'_>, role: &Json) -> wire::Author {
    let practitioner = author(from, role.at("practitioner")).unwrap_or_default();
    let organisation = author(from, role.at("organization")).unwrap_or_default();
    wire::Author {
        id: if practitioner.id.is_empty() { own_id(role) } else { practitioner.id },
        name: practitioner.name,
        role: words(role.at("code")),
        organisation: if organisation.organisation.is_empty() { organisation.name } else { organisation.organisation },
    }
}

fn organisation(organisation: &Json) -> wire::Author {
    let name = organisation.text_at("name");
    let ods = organisation.at("identifier").list().iter().find(|identifier| identifier.text_at("system") == ODS);
    let code = ods.map(|identifier| identifier.text_at("value")).unwrap_or_default();
    wire::Author {
        id: own_id(organisation),
        organisation: if code.is_empty() { name.clone() } else { code },
        name,
        role: String::new(),
    }
}

fn named(target: &Json, role: String) -> wire::Author {
    let name = name_words(target.at("name"));
    wire::Author { id: own_id(target), name, role, organisation: String::new() }
}

/// The business identifier of a resource, else its `Type/id`.
fn own_id(target: &Json) -> String {
    let id = target.text_at("id");
    let own = if id.is_empty() { String::new() } else { format!("{}/{id}", target.text_at("resourceType")) };
    let business = target.text_at("identifier.value");
    if business.is_empty() { own } else { business }
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Bundle;
    use super::*;

    const STAFF: &str = r#"
        {"resource":{"resourceType":"Organization","id":"o","name":"Example Practice","telecom":[{"value":"01632 960000"}],
            "identifier":[{"system":"https://fhir.nhs.uk/Id/ods-organization-code","value":"X01"}]}},
        {"resource":{"resourceType":"Practitioner","id":"d","identifier":[{"value":"G123"}],"name":[{"family":"Doe","given":["Jo"]}]}},
        {"resource":{"resourceType":"PractitionerRole","id":"r","practitioner":{"reference":"Practitioner/d"},
            "organization":{"reference":"Organization/o"},"code":[{"text":"GP"}]}}"#;

    fn flag(reference: &str) -> Option<wire::Author> {
        let flag = format!(r#"{{"resource":{{"resourceType":"Flag","author":{reference}}}}}"#);
        let text = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{flag},{STAFF}]}}"#);
        let bundle = Bundle::parse(text.as_bytes()).unwrap();
        let resource = Resource::all(&bundle).next().unwrap();
        author(&resource, resource.at("author"))
    }

    #[test]
    fn a_role_is_told_with_its_person_and_its_organisation() {
        let author = flag(r#"{"reference":"PractitionerRole/r"}"#).unwrap();
        assert_eq!([author.id, author.name, author.role, author.organisation], ["G123", "Jo Doe", "GP", "X01"]);
    }

    #[test]
    fn a_stranger_is_told_by_identifier_and_display() {
        let author = flag(r#"{"reference":"Practitioner/9","display":"Dr X"}"#).unwrap();
        assert_eq!([author.id, author.name], ["Practitioner/9", "Dr X"]);
        assert!(flag("{}").is_none());
    }
}
