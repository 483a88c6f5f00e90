//! Small bundles about one person, and about another.

use weald_proto::{BirthDate, FamilyName, NhsNumber, Patient};

/// The person's NHS number.
pub(crate) const NUMBER: &str = "9990000018";
/// The person's birth date.
pub(crate) const BORN: &str = "1950-04-01";
/// The person's family name.
pub(crate) const FAMILY: &str = "Quillfeather";
/// Another person's NHS number.
pub(crate) const OTHER_NUMBER: &str = "9990000026";
/// What a record says that no log may.
pub(crate) const WORDS: &str = "Housemaid's knee";

/// The person as a requester knows them.
pub(crate) fn person() -> Patient {
    Patient {
        nhs_number: NhsNumber::parse(NUMBER).unwrap(),
        birth_date: BirthDate::parse(BORN).unwrap(),
        family_name: FamilyName::parse(FAMILY).unwrap(),
    }
}

/// A Patient with this number.
pub(crate) fn patient(id: &str, number: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","birthDate":"{BORN}","name":[{{"family":"{FAMILY}"}}],
            "identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}}]}}"#
    )
}

/// A Condition of a Patient.
pub(crate) fn condition(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"Condition","id":"{id}","code":{{"text":"{WORDS}"}},"subject":{{"reference":"Patient/{patient}"}}}}"#
    )
}

/// An allergy of a Patient.
pub(crate) fn allergy(id: &str, patient: &str) -> String {
    format!(
        r#"{{"resourceType":"AllergyIntolerance","id":"{id}","code":{{"text":"{WORDS}"}},"patient":{{"reference":"Patient/{patient}"}}}}"#
    )
}

/// The answer of a search that found these resources.
pub(crate) fn bundle(resources: &[String]) -> String {
    let entries: Vec<String> = resources.iter().map(|resource| format!("{{\"resource\":{resource}}}")).collect();
    format!("{{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\n\"entry\":[{}]}}", entries.join(",\n"))
}

/// A bundle of the person, with that one condition.
pub(crate) fn of_person(condition_id: &str) -> String {
    bundle(&[patient("1", NUMBER), condition(condition_id, "1")])
}

/// The first half of a text.
pub(crate) fn half(text: &str) -> &str {
    text.split_at(text.floor_char_boundary(text.len() / 2)).0
}
