//! Name and birth date of a person, as the population or the person's own bundle gives them.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde_json::Value;
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
    bail!("nobody here has that NHS number: see --identities for people in --bundles, or --stay for the demo's own people")
}

/// A local identifier of a person.
struct Local {
    system: String,
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
        let Ok(bundle) = serde_json::from_slice::<Value>(&std::fs::read(&path)?) else { continue };
        let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
        let patients = entries.iter().map(|entry| &entry["resource"]).filter(|one| one["resourceType"] == "Patient");
        for resource in patients {
            let carries = resource["identifier"].as_array().is_some_and(|identifiers| {
                identifiers.iter().any(|one| one["system"] == identifier.system && one["value"] == identifier.value)
            });
            if carries {
                return Ok(Some(patient_of(resource, number)?));
            }
        }
    }
    Ok(None)
}

fn patient_of(resource: &Value, number: &NhsNumber) -> anyhow::Result<Patient> {
    let family = resource["name"].as_array().and_then(|names| names.iter().find_map(|name| name["family"].as_str()));
    Ok(Patient {
        nhs_number: number.clone(),
        birth_date: BirthDate::parse(resource["birthDate"].as_str().unwrap_or_default())
            .context("the person's bundle has no full birth date")?,
        family_name: FamilyName::parse(family.unwrap_or_default()).context("the person's bundle has no family name")?,
    })
}
