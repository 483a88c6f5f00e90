//! The local system of an organisation, as configured.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use weald_node::source::{BundleFolder, SqliteDatabase};
use weald_node::{RecordStore, StoreError};
use weald_process::load::{check_file, check_folder};
use weald_process::{Faults, Key, Placed, Table};

/// A folder of FHIR bundles.
pub(crate) const BUNDLES: Key = Key::new("bundles", "{ folder = \"bundles\" }");
/// An SQLite database.
pub(crate) const SQLITE: Key = Key::new("sqlite", "{ database = \"records.sqlite\", mapping = \"mapping.toml\" }");

const FOLDER: Key = Key::new("folder", "\"bundles\"");
const IDENTITIES: Key = Key::new("identities", "\"identities.csv\"");
const DATABASE: Key = Key::new("database", "\"records.sqlite\"");
const MAPPING: Key = Key::new("mapping", "\"mapping.toml\"");

/// The keys of the table of a folder of bundles.
pub(crate) const BUNDLES_KEYS: &[Key] = &[FOLDER, IDENTITIES];
/// The keys of the table of a database.
pub(crate) const SQLITE_KEYS: &[Key] = &[DATABASE, MAPPING];

/// Where an organisation's records are.
#[derive(Debug)]
pub(crate) enum SourceSettings {
    /// A folder of FHIR bundles, and perhaps the file that says whose the local identifiers are.
    Bundles { folder: Placed<PathBuf>, identities: Option<Placed<PathBuf>> },
    /// An SQLite database, and how to read it.
    Sqlite { database: Placed<PathBuf>, mapping: Placed<PathBuf> },
}

impl SourceSettings {
    /// Reads whichever table there is in an organisation's.
    pub(crate) fn read(organisation: &Table<'_>) -> Option<Self> {
        let bundles = organisation.table_if_any(BUNDLES, BUNDLES_KEYS);
        let sqlite = organisation.table_if_any(SQLITE, SQLITE_KEYS);
        let faults = organisation.faults();
        match (bundles, sqlite) {
            (Some(table), None) => {
                let (folder, identities) = (table.path(FOLDER), table.path_if_any(IDENTITIES));
                Some(SourceSettings::Bundles { folder: folder?, identities })
            }
            (None, Some(table)) => {
                let (database, mapping) = (table.path(DATABASE), table.path(MAPPING));
                Some(SourceSettings::Sqlite { database: database?, mapping: mapping? })
            }
            (Some(_), Some(second)) => {
                faults.refuse(second.place(), "is a second source", "keep one of the tables `bundles` and `sqlite`")
            }
            // One that is there and no table was noted already.
            (None, None) if organisation.has(BUNDLES) || organisation.has(SQLITE) => None,
            (None, None) => faults.refuse(
                organisation.place(),
                "names no source",
                "write a table `bundles` with a folder of FHIR bundles, or `sqlite` with a database and its mapping",
            ),
        }
    }

    /// What kind of source it is, in a word.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            SourceSettings::Bundles { .. } => BUNDLES.name,
            SourceSettings::Sqlite { .. } => SQLITE.name,
        }
    }

    /// Opens the source, and finds out whether it can be read. None, with the fault noted, if not.
    pub(crate) fn open(&self, faults: &Faults) -> Option<Arc<dyn RecordStore>> {
        match self {
            SourceSettings::Bundles { folder, identities } => {
                let is_there = check_folder(faults, folder);
                let is_known = identities.as_ref().is_none_or(|path| check_file(faults, path));
                if !(is_there && is_known) {
                    return None;
                }
                let path = identities.as_ref().map(|path| path.value.as_path());
                match BundleFolder::open(&folder.value, path) {
                    Ok(store) => Some(Arc::new(store)),
                    Err(error) => {
                        let about = identities.as_ref().filter(|path| is_about(&error, path)).unwrap_or(folder);
                        faults.refuse(&about.place, error.to_string(), "correct the path, or repair what it names")
                    }
                }
            }
            SourceSettings::Sqlite { database, mapping } => {
                let (is_there, is_known) = (check_file(faults, database), check_file(faults, mapping));
                if !(is_there && is_known) {
                    return None;
                }
                match SqliteDatabase::open(&database.value, &mapping.value) {
                    Ok(store) => Some(Arc::new(store)),
                    Err(error) if is_about(&error, mapping) => {
                        faults.refuse(&mapping.place, error.to_string(), "correct the mapping (docs/sqlite-mapping.md)")
                    }
                    Err(error) => faults.refuse(
                        &database.place,
                        error.to_string(),
                        "name the database that the mapping is for, or correct the mapping",
                    ),
                }
            }
        }
    }
}

fn is_about(error: &StoreError, path: &Placed<PathBuf>) -> bool {
    match error {
        StoreError::Unreadable { place, .. } => place.starts_with(&path.value.display().to_string()),
    }
}

/// As the summary says it.
impl fmt::Display for SourceSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceSettings::Bundles { folder, .. } => write!(f, "FHIR bundles in {}", folder.value.display()),
            SourceSettings::Sqlite { database, .. } => write!(f, "SQLite database {}", database.value.display()),
        }
    }
}
