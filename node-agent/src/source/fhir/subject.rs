//! Whose a resource is.

use super::json::Json;
use super::resource::Resource;

/// Whose a resource is, by what it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// These Patients of the bundle (more than one only if several have the same type and id).
    Patients(Vec<usize>),
    /// A person who is known by business identifiers only (FHIR R4, Reference.identifier), or a
    /// Patient described within the resource, by its identifiers if it has any.
    Identified(Vec<Identifier>),
    /// Something that is not a patient: a group, a device, a place.
    NotAPerson,
    /// It names a subject that the bundle does not hold.
    Stranger,
    /// It names none.
    Unnamed,
}

/// A business identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// URI of the namespace; empty if it has none.
    pub(crate) system: String,
    /// The value; never empty.
    pub(crate) value: String,
}

/// Where resources name their subject, first come first served.
const FIELDS: &[&str] = &["subject", "patient", "beneficiary", "individual", "for"];

/// Whose this resource is.
pub(crate) fn of(resource: &Resource<'_>) -> Subject {
    if resource.entry().kind() == "Patient" {
        return Subject::Patients(vec![resource.index()]);
    }
    let named = FIELDS.iter().map(|field| resource.at(field)).find(|reference| !reference.is_null());
    match named.or_else(|| patient_among(resource)) {
        Some(reference) => resolve(resource, reference),
        None => Subject::Unnamed,
    }
}

/// The patient among the participants of an appointment, or of the answer to one.
fn patient_among<'a>(resource: &Resource<'a>) -> Option<&'a Json> {
    let actors = resource.at("participant").list().iter().map(|participant| participant.at("actor"));
    actors.chain([resource.at("actor")]).find(|actor| target_type(actor) == "Patient" || is_patient(resource, actor))
}

fn is_patient(resource: &Resource<'_>, reference: &Json) -> bool {
    resource.target(reference).text_at("resourceType") == "Patient"
}

fn resolve(resource: &Resource<'_>, reference: &Json) -> Subject {
    let found = resource.find(reference);
    if !found.is_empty() {
        return if is_patient(resource, reference) { Subject::Patients(found) } else { Subject::NotAPerson };
    }
    let identifiers = identifiers(reference.at("identifier").list());
    if !identifiers.is_empty() {
        return Subject::Identified(identifiers);
    }
    if reference.text_at("reference").starts_with('#') {
        return contained(resource, reference);
    }
    match target_type(reference).as_str() {
        "" | "Patient" => Subject::Stranger,
        _ => Subject::NotAPerson,
    }
}

/// A patient who is described inside the resource: known by identifiers, or not at all.
fn contained(resource: &Resource<'_>, reference: &Json) -> Subject {
    let patient = resource.target(reference);
    match patient.text_at("resourceType").as_str() {
        "Patient" => Subject::Identified(identifiers(current(patient))),
        "" => Subject::Stranger,
        _ => Subject::NotAPerson,
    }
}

fn current(patient: &Json) -> impl Iterator<Item = &Json> {
    patient.at("identifier").list().iter().filter(|one| one.text_at("use") != "old")
}

fn identifiers<'j>(identifiers: impl IntoIterator<Item = &'j Json>) -> Vec<Identifier> {
    let all =
        identifiers.into_iter().map(|one| Identifier { system: one.text_at("system"), value: one.text_at("value") });
    all.filter(|one| !one.value.is_empty()).collect()
}

/// The type of a reference's target, as far as the reference itself tells; empty if it does not.
fn target_type(reference: &Json) -> String {
    let said = reference.text_at("type");
    if !said.is_empty() {
        return said;
    }
    let literal = reference.text_at("reference");
    if literal.starts_with("urn:") {
        return String::new();
    }
    let before_query = literal.split('?').next().unwrap_or_default();
    let mut segments = before_query.rsplit('/');
    let last = segments.next().unwrap_or_default();
    if literal.contains('?') { last.to_owned() } else { segments.next().unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Bundle;
    use super::*;

    const PATIENT: &str = r#"{"fullUrl":"urn:uuid:p","resource":{"resourceType":"Patient","id":"p"}}"#;

    fn subject(resource: &str) -> Subject {
        let text =
            format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{PATIENT},{{"resource":{resource}}}]}}"#);
        let bundle = Bundle::parse(text.as_bytes()).unwrap();
        of(&Resource::all(&bundle).nth(1).unwrap())
    }

    #[test]
    fn a_subject_is_found_in_the_bundle_wherever_the_type_names_it() {
        for resource in [
            r#"{"resourceType":"Condition","subject":{"reference":"urn:uuid:p"}}"#,
            r#"{"resourceType":"Immunization","patient":{"reference":"Patient/p"}}"#,
            r#"{"resourceType":"Coverage","beneficiary":{"reference":"Patient/p"}}"#,
            r#"{"resourceType":"Appointment","participant":[{"actor":{"reference":"Practitioner/1"}},{"actor":{"reference":"urn:uuid:p"}}]}"#,
        ] {
            assert_eq!(subject(resource), Subject::Patients(vec![0]), "{resource}");
        }
    }

    #[test]
    fn a_stranger_a_thing_and_nobody_are_told_apart() {
        let condition = |rest: &str| subject(&format!(r#"{{"resourceType":"Condition"{rest}}}"#));
        assert_eq!(condition(""), Subject::Unnamed);
        assert_eq!(condition(r#","subject":{"reference":"Patient/q"}"#), Subject::Stranger);
        assert_eq!(condition(r#","subject":{"reference":"urn:uuid:q"}"#), Subject::Stranger);
        assert_eq!(condition(r#","subject":{"reference":"Patient?identifier=a|b"}"#), Subject::Stranger);
        assert_eq!(condition(r#","subject":{"reference":"Group/1"}"#), Subject::NotAPerson);
    }

    #[test]
    fn a_person_may_be_named_by_identifier_alone() {
        let expected = Subject::Identified(vec![Identifier { system: "s".into(), value: "v".into() }]);
        let by_identifier = r#"{"resourceType":"Flag","subject":{"identifier":{"system":"s","value":"v"}}}"#;
        assert_eq!(subject(by_identifier), expected);
        let contained = r##"{"resourceType":"Flag","subject":{"reference":"#x"},
            "contained":[{"resourceType":"Patient","id":"x","identifier":[{"system":"s","value":"v"}]}]}"##;
        assert_eq!(subject(contained), expected);
    }
}
