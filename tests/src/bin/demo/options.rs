//! The demo's options.

use std::path::PathBuf;

use clap::Parser;
use weald_proto::{NhsNumber, OdsCode};

/// A shared care record on one machine.
///
/// Without options: makes eight organisations with synthetic people, some with folders of FHIR bundles, some
/// with SQLite databases; starts their nodes and a broker; and tells in the terminal what a GP, a paramedic,
/// a home care worker, a receptionist and the person themselves see, what is refused, what happens when one
/// organisation is down and another slow, and what the audit logs hold of it all.
#[derive(Debug, Parser)]
#[command(name = "demo", version, max_term_width = 100)]
pub(crate) struct Options {
    /// Print one view as a JSON document instead of the story (its form: docs/view-json.md)
    #[arg(long, requires = "patient")]
    pub(crate) json: bool,

    /// NHS number of the person to be viewed, ten digits (with --json)
    #[arg(long, value_name = "NUMBER", value_parser = number, requires = "json")]
    pub(crate) patient: Option<NhsNumber>,

    /// Who looks (with --json; a GP if not given): a job-role code (R8000) or a kind: doctor, nurse, ahp, paramedic,
    /// adult_social_worker, child_social_worker, care_home_manager, care_worker, receptionist, citizen, privacy_officer
    #[arg(long, value_name = "ROLE", requires = "json")]
    pub(crate) role: Option<String>,

    /// Keep running until interrupted, and write what a viewer app needs into --state
    #[arg(long, requires = "state", conflicts_with = "json")]
    pub(crate) stay: bool,

    /// Folder for addresses, CA, client certificate and key, assertion key, register and people (with --stay);
    /// holds private keys of this demo only
    #[arg(long, value_name = "DIR", requires = "stay")]
    pub(crate) state: Option<PathBuf>,

    /// Add an organisation that holds every section and reads a folder of FHIR R4 bundles; repeatable.
    /// The code must not be one of the demo's own
    #[arg(long, value_name = "ODS=DIR", value_parser = bundles)]
    pub(crate) bundles: Vec<Bundles>,

    /// CSV file that gives people in those bundles their NHS numbers: system,value,nhs_number,birth_date
    #[arg(long, value_name = "CSV", requires = "bundles")]
    pub(crate) identities: Option<PathBuf>,
}

/// One organisation to be added.
#[derive(Debug, Clone)]
pub(crate) struct Bundles {
    /// Its ODS code.
    pub(crate) organisation: OdsCode,
    /// Its folder.
    pub(crate) folder: PathBuf,
}

fn number(text: &str) -> Result<NhsNumber, String> {
    NhsNumber::parse(text).map_err(|fault| fault.expected.to_owned())
}

fn bundles(text: &str) -> Result<Bundles, String> {
    let (code, folder) = text.split_once('=').ok_or("ODS=DIR, such as X01=./bundles")?;
    let organisation = OdsCode::parse(code).map_err(|fault| fault.expected.to_owned())?;
    let folder = PathBuf::from(folder);
    if folder.is_dir() {
        Ok(Bundles { organisation, folder })
    } else {
        Err(format!("{} is no folder", folder.display()))
    }
}
