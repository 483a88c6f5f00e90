//! Name and birth date of a person, as the population or the person's own bundle gives them.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use weald_proto::{BirthDate, FamilyName, NhsNumber, Patient};
use weald_tests::population::Person;

use crate::options::Options;

/// The person of that number.
///
/// # Errors
///
/// When neither the population nor a bundle knows the number.
pub(crate) fn find(number: &NhsNumber, people: &[Person], options: &Options) -> anyhow::Result<Patient> {
    let known = people.iter().find(|person| person.identity.nhs_number == number.expose());
    if let Some(person) = known {
        return Ok(person.identity.patient()?);
    }
    for identifier in identifiers(number, options)? {
        for bundles in &options.bundles {
            if let Some(patient) = in_folder(&bundles.folder, &identifier, number)? {
                return Ok(patient);
            }
        }
    }
    bail!(
        "nobody here has that NHS number: see --identities for people in --bundles, or --stay for the demo's own people"
    )
}

/// A local identifier of a person.
#[derive(Deserialize)]
struct Local {
    #[serde(default)]
    system: String,
    #[serde(default)]
    value: String,
}

/// The identifiers that stand for a number: itself, and those that the CSV maps to it.
fn identifiers(number: &NhsNumber, options: &Options) -> anyhow::Result<Vec<Local>> {
    let mut found = vec![Local { system: NhsNumber::SYSTEM.to_owned(), value: number.expose().to_owned() }];
    if let Some(path) = &options.identities {
        let mut rows = csv::Reader::from_path(path).with_context(|| format!("--identities {}", path.display()))?;
        for row in rows.deserialize() {
            let (system, value, nhs_number, _birth_date): (String, String, String, String) =
                row.with_context(|| format!("--identities {}", path.display()))?;
            if nhs_number == number.expose() {
                found.push(Local { system, value });
            }
        }
    }
    Ok(found)
}

fn in_folder(folder: &Path, identifier: &Local, number: &NhsNumber) -> anyhow::Result<Option<Patient>> {
    let files = std::fs::read_dir(folder).with_context(|| format!("folder {}", folder.display()))?;
    for file in files {
        let path = file?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        // A file that does not parse is the node's to report, not ours.
        let Ok(bundle) = serde_json::from_slice::<Bundle>(&std::fs::read(&path)?) else { continue };
        let mut patients = bundle.entry.iter().filter_map(|entry| entry.resource.as_ref());
        let carries = |one: &&Resource| {
            one.kind == "Patient"
                && one.identifier.iter().any(|id| id.system == identifier.system && id.value == identifier.value)
        };
        if let Some(resource) = patients.find(carries) {
            return Ok(Some(patient_of(resource, number)?));
        }
    }
    Ok(None)
}

/// As much of a FHIR bundle as tells who is in it.
#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    resource: Option<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "resourceType")]
    kind: String,
    #[serde(default, deserialize_with = "of_patient")]
    identifier: Vec<Local>,
    #[serde(default, deserialize_with = "of_patient")]
    name: Vec<Name>,
    #[serde(rename = "birthDate")]
    birth_date: Option<String>,
}

#[derive(Deserialize)]
struct Name {
    family: Option<String>,
}

/// Other types have members of these names and of other shapes: they are nobody's identifiers.
fn of_patient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

fn patient_of(resource: &Resource, number: &NhsNumber) -> anyhow::Result<Patient> {
    let family = resource.name.iter().find_map(|name| name.family.as_deref());
    Ok(Patient {
        nhs_number: number.clone(),
        birth_date: BirthDate::parse(resource.birth_date.as_deref().unwrap_or_default())
            .context("the person's bundle has no full birth date")?,
        family_name: FamilyName::parse(family.unwrap_or_default()).context("the person's bundle has no family name")?,
    })
}
