//! Whose a resource is, as an NHS number.

use std::collections::BTreeSet;

use weald_proto::NhsNumber;

use super::identities::{Identities, parse_number};
use crate::source::fhir::bundle::Bundle;
use crate::source::fhir::element::{code, extension};
use crate::source::fhir::json::Json;
use crate::source::fhir::resource::Resource;
use crate::source::fhir::subject::{self, Identifier, Subject};

/// Whom a Patient resource is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The person with this NHS number.
    Known(NhsNumber),
    /// A person whose NHS number nobody gives.
    Unknown,
    /// Its identifiers contradict each other: nobody's, and possibly any of these people's.
    Contested(BTreeSet<NhsNumber>),
}

/// Whose a resource is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The person with this NHS number.
    Person(NhsNumber),
    /// That person, because the bundle tells of nobody else: the resource's own subject resolves to nobody.
    OnlyPerson(NhsNumber),
    /// Somebody else: a person whose number nobody knows, or something that is no person.
    Other,
    /// Nobody can tell.
    Nobody,
}

/// The Patients of a bundle by NHS number.
pub(crate) struct Owners<'a> {
    identities: &'a Identities,
    bundle: &'a Bundle,
    /// For each entry; none for what is not a Patient.
    patients: Vec<Option<Whose>>,
    /// The owner of what belongs to nobody.
    fallback: Owner,
}

impl<'a> Owners<'a> {
    /// Looks every Patient of the bundle up.
    pub(crate) fn of(bundle: &'a Bundle, identities: &'a Identities) -> Self {
        let whose = |resource: Resource<'_>| match resource.entry() {
            entry if entry.kind() != "Patient" => None,
            // Who it is about cannot be told, and must not be guessed from the rest.
            entry if entry.misfit.is_some() => Some(Whose::Unknown),
            entry => Some(whose(&entry.json, identities)),
        };
        let patients: Vec<_> = Resource::all(bundle).map(whose).collect();
        let fallback = match same(patients.iter().flatten()) {
            Owner::Person(number) => Owner::OnlyPerson(number),
            Owner::Other if patients.iter().flatten().count() == 1 => Owner::Other,
            _ => Owner::Nobody,
        };
        Owners { identities, bundle, patients, fallback }
    }

    /// Everybody whom a Patient of the bundle is about.
    pub(crate) fn patients(&self) -> impl Iterator<Item = &Whose> {
        self.patients.iter().flatten()
    }

    /// Whose this resource is.
    pub(crate) fn owner(&self, resource: &Resource<'_>) -> Owner {
        match subject::of(resource) {
            Subject::Patients(entries) => same(entries.iter().filter_map(|index| self.patients.get(*index)?.as_ref())),
            Subject::Identified(identifiers) => self.identified(&identifiers),
            Subject::NotAPerson => Owner::Other,
            Subject::Stranger | Subject::Unnamed => self.fallback.clone(),
        }
    }

    /// Whom these identifiers mean: by NHS number, by the local index, or as the Patient of the bundle
    /// who has one of them too. Identifiers that nobody has, or that are several people's, are nobody's.
    fn identified(&self, identifiers: &[Identifier]) -> Owner {
        let meant: Vec<Whose> = identifiers.iter().flat_map(|one| self.bearers(one)).collect();
        same(meant.iter())
    }

    fn bearers(&self, Identifier { system, value }: &Identifier) -> Vec<Whose> {
        if system == NhsNumber::SYSTEM {
            return parse_number(value).ok().map(Whose::Known).into_iter().collect();
        }
        if let Some(row) = self.identities.find(system, value) {
            return vec![Whose::Known(row.nhs_number.clone())];
        }
        let has = |patient: &Json| {
            let mut own = current_identifiers(patient);
            own.any(|one| !system.is_empty() && one.text_at("system") == *system && one.text_at("value") == *value)
        };
        let all = Resource::all(self.bundle).zip(&self.patients);
        all.filter(|(resource, _)| has(resource.json())).filter_map(|(_, whose)| whose.clone()).collect()
    }
}

/// The one person whom all of these Patients are about; nobody can tell if they are about different people.
fn same<'w>(mut patients: impl Iterator<Item = &'w Whose>) -> Owner {
    let Some(first) = patients.next() else { return Owner::Nobody };
    match (first, patients.all(|other| other == first)) {
        (Whose::Known(number), true) => Owner::Person(number.clone()),
        (Whose::Unknown | Whose::Contested(_), true) => Owner::Other,
        (_, false) => Owner::Nobody,
    }
}

/// Whom a Patient is about: by its own NHS number, or by a local identifier. A number that is not
/// verified finds its Patient too: it may not be the sole key (domain rules), and never is, because
/// nothing is released unless number, birth date and family name agree. Numbers of the past do not
/// count; two that differ contradict each other, and so does another birth date.
pub(crate) fn whose(patient: &Json, identities: &Identities) -> Whose {
    let mut numbers = BTreeSet::new();
    let mut is_contradicted = false;
    for identifier in current_identifiers(patient) {
        let (system, value) = (identifier.text_at("system"), identifier.text_at("value"));
        if system == NhsNumber::SYSTEM {
            numbers.extend(parse_number(&value).ok());
        } else if let Some(row) = identities.find(&system, &value) {
            let held = patient.text_at("birthDate");
            is_contradicted |= !held.is_empty() && !row.birth_date.is_empty() && held != row.birth_date;
            numbers.insert(row.nhs_number.clone());
        }
    }
    match (numbers.len(), is_contradicted) {
        (0, _) => Whose::Unknown,
        (1, false) => numbers.pop_first().map_or(Whose::Unknown, Whose::Known),
        _ => Whose::Contested(numbers),
    }
}

/// True if the person is known by an NHS number that is verified or has no status, or by the local
/// index: then the number alone says who a Patient is.
pub(crate) fn is_certain(patient: &Json, identities: &Identities) -> bool {
    current_identifiers(patient).any(|identifier| {
        let (system, value) = (identifier.text_at("system"), identifier.text_at("value"));
        let status = || code(extension(identifier, "NHSNumberVerificationStatus"));
        let is_number = system == NhsNumber::SYSTEM && parse_number(&value).is_ok();
        is_number && matches!(status().as_str(), "" | "01") || identities.find(&system, &value).is_some()
    })
}

fn current_identifiers(patient: &Json) -> impl Iterator<Item = &Json> {
    patient.at("identifier").list().iter().filter(|one| one.text_at("use") != "old")
}

/// The birth date that the local index gives for one of a Patient's identifiers.
pub(crate) fn indexed_birth_date(patient: &Json, identities: &Identities) -> String {
    let identifiers = patient.at("identifier").list().iter();
    let rows = identifiers.filter_map(|one| identities.find(&one.text_at("system"), &one.text_at("value")));
    rows.map(|row| row.birth_date.clone()).find(|date| !date.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";

    fn patient(id: &str, number: &str, rest: &str) -> String {
        format!(
            r#"{{"resource":{{"resourceType":"Patient","id":"{id}"{rest},"identifier":[
                {{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"{number}"}},{{"system":"urn:a","value":"{id}"}}]}}}}"#
        )
    }

    fn condition(subject: &str) -> String {
        format!(r#"{{"resource":{{"resourceType":"Condition","subject":{{"reference":"{subject}"}}}}}}"#)
    }

    fn identified(system: &str, value: &str) -> String {
        format!(
            r#"{{"resource":{{"resourceType":"Condition","subject":{{"identifier":{{"system":"{system}","value":"{value}"}}}}}}}}"#
        )
    }

    /// Whose the last entry is.
    fn owner(entries: &[String]) -> Owner {
        let text = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{}]}}"#, entries.join(","));
        let bundle = Bundle::parse(text.as_bytes()).unwrap();
        let identities = Identities::default();
        Owners::of(&bundle, &identities).owner(&Resource::all(&bundle).last().unwrap())
    }

    fn number(text: &str) -> NhsNumber {
        NhsNumber::parse(text).unwrap()
    }

    #[test]
    fn in_a_bundle_of_one_patient_a_reference_to_nobody_is_that_patients() {
        let one = patient("1", "9990000018", "");
        assert_eq!(owner(&[one.clone(), condition("Patient/1")]), Owner::Person(number("9990000018")));
        assert_eq!(owner(&[one, condition("Patient/9")]), Owner::OnlyPerson(number("9990000018")));
    }

    #[test]
    fn in_a_bundle_of_two_people_a_reference_to_nobody_is_nobodys() {
        let two = [patient("1", "9990000018", ""), patient("2", "9990000026", "")];
        assert_eq!(owner(&[&two[..], &[condition("Patient/9")]].concat()), Owner::Nobody);
        assert_eq!(owner(&[&two[..], &[condition("Patient/2")]].concat()), Owner::Person(number("9990000026")));
    }

    #[test]
    fn two_patients_of_one_number_are_one_person() {
        let twice = [patient("1", "9990000018", ""), patient("2", "9990000018", "")];
        assert_eq!(owner(&[&twice[..], &[condition("Patient/9")]].concat()), Owner::OnlyPerson(number("9990000018")));
    }

    #[test]
    fn a_patient_whose_number_is_not_known_owns_what_is_theirs() {
        let strangers = patient("1", "not known", "");
        assert_eq!(owner(&[strangers.clone(), condition("Patient/1")]), Owner::Other);
        assert_eq!(owner(&[strangers, condition("Patient/9")]), Owner::Other);
        assert_eq!(owner(&[condition("Patient/9")]), Owner::Nobody);
    }

    #[test]
    fn a_number_written_in_groups_is_the_same_number() {
        let grouped = patient("1", "999 000 0018", "");
        assert_eq!(owner(&[grouped.clone(), condition("Patient/1")]), Owner::Person(number("9990000018")));
        let named = |value: &str| identified("https://fhir.nhs.uk/Id/nhs-number", value);
        assert_eq!(owner(&[grouped.clone(), named("9990000018")]), Owner::Person(number("9990000018")));
        assert_eq!(owner(&[grouped, named("999 000 0018")]), Owner::Person(number("9990000018")));
    }

    #[test]
    fn a_subject_identifier_that_nobody_has_is_nobodys_even_beside_a_single_patient() {
        let one = patient("1", "9990000018", "");
        assert_eq!(owner(&[one.clone(), identified("urn:a", "1")]), Owner::Person(number("9990000018")), "their own");
        for (system, value) in
            [("urn:a", "2"), ("urn:b", "1"), ("", "1"), ("https://fhir.nhs.uk/Id/nhs-number", "not a number")]
        {
            assert_eq!(owner(&[one.clone(), identified(system, value)]), Owner::Nobody, "{system} {value}");
        }
        let other = identified("https://fhir.nhs.uk/Id/nhs-number", "9990000026");
        assert_eq!(owner(&[one, other]), Owner::Person(number("9990000026")));
    }

    #[test]
    fn a_contained_patient_is_known_by_its_identifiers_or_is_nobody() {
        let contained = |identifiers: &str| {
            format!(
                r##"{{"resource":{{"resourceType":"Condition","subject":{{"reference":"#c"}},
                    "contained":[{{"resourceType":"Patient","id":"c","name":[{{"family":"Other"}}]{identifiers}}}]}}}}"##
            )
        };
        let one = patient("1", "9990000018", "");
        let of = |identifiers: &str| owner(&[one.clone(), contained(identifiers)]);
        assert_eq!(of(""), Owner::Nobody);
        assert_eq!(of(r#","identifier":[{"system":"urn:a","value":"2"}]"#), Owner::Nobody);
        let own = r#","identifier":[{"system":"urn:x","value":"2"},{"system":"urn:a","value":"1"}]"#;
        assert_eq!(of(own), Owner::Person(number("9990000018")));
        let two = r#","identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000026"},{"system":"urn:a","value":"1"}]"#;
        assert_eq!(of(two), Owner::Nobody, "its identifiers are two people's");
    }

    #[test]
    fn a_number_that_is_not_verified_finds_the_person_too() {
        let with_status = |status: &str| {
            let text = format!(
                r#"{{"identifier":[{{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018",
                    "extension":[{{"url":"{STATUS}","valueCodeableConcept":{{"coding":[{{"code":"{status}"}}]}}}}]}}]}}"#
            );
            whose(&crate::source::fhir::json::json(&text), &Identities::default())
        };
        assert_eq!(with_status("01"), Whose::Known(number("9990000018")));
        assert_eq!(with_status("02"), Whose::Known(number("9990000018")));
    }

    #[test]
    fn two_numbers_that_differ_contradict_each_other() {
        let text = r#"{"identifier":[{"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000018"},
            {"system":"https://fhir.nhs.uk/Id/nhs-number","value":"9990000026"}]}"#;
        let contested = whose(&crate::source::fhir::json::json(text), &Identities::default());
        assert!(matches!(contested, Whose::Contested(numbers) if numbers.len() == 2));
    }
}
