//! The files of a folder, and the index of who is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use weald_proto::{NhsNumber, Section, Timestamp};

use super::identities::Identities;
use super::owner::{Owner, Owners, Whose};
use crate::source::fhir::bundle::{Bundle, NotReadable};
use crate::source::fhir::resource::Resource;
use crate::source::fhir::table;
use crate::store::StoreError;

/// The largest file that is read.
const FILE_BYTES: u64 = 256 * 1024 * 1024;

/// How names of FHIR exports end that are not read.
const OTHER_EXPORTS: &[&str] = &[".xml", ".ndjson", ".jsonl", ".gz", ".tgz", ".zip"];

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

impl Stamp {
    /// The stamp of a file; of a link to nowhere, the link's own.
    pub(crate) fn of(path: &Path) -> std::io::Result<Stamp> {
        let metadata = std::fs::metadata(path).or_else(|_| std::fs::symlink_metadata(path))?;
        Ok(Stamp { modified: metadata.modified()?, bytes: metadata.len() })
    }

    /// When the file was last written.
    pub(crate) fn modified(&self) -> Timestamp {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The JSON files directly in a folder, and the names of what is not read there.
pub(crate) struct Listing {
    /// Files whose name ends in `.json`.
    pub(crate) files: BTreeMap<PathBuf, Stamp>,
    /// Files with any other name, but for the identities and names that start with a dot: none is read.
    pub(crate) others: BTreeSet<PathBuf>,
    /// Folders within: nothing in them is read.
    pub(crate) folders: Vec<PathBuf>,
}

/// Lists a folder, in which the file of the identities may lie.
///
/// # Errors
///
/// [`StoreError`] when the folder cannot be listed.
pub(crate) fn list(folder: &Path, identities: Option<&Path>) -> Result<Listing, StoreError> {
    let unreadable = |error: std::io::Error| StoreError::Unreadable {
        place: folder.display().to_string(),
        problem: format!("the folder cannot be listed: {}", error.kind()),
    };
    let identities = identities.and_then(|path| path.canonicalize().ok());
    let is_identities = |path: &Path| identities.is_some() && path.canonicalize().ok() == identities;
    let mut listing = Listing { files: BTreeMap::new(), others: BTreeSet::new(), folders: Vec::new() };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            listing.folders.push(path);
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            let stamp = match Stamp::of(&path) {
                // It went while the folder was listed.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                stamp => stamp.map_err(unreadable)?,
            };
            listing.files.insert(path, stamp);
        } else if !name(&path).starts_with('.') && !is_identities(&path) {
            listing.others.insert(path);
        }
    }
    Ok(listing)
}

/// True for a name that an export of FHIR in another form has: XML, lines of JSON, a packed file, or a
/// JSON file with an ending behind it (`a.json.bak`). It may hold anybody, as a broken bundle may.
pub(crate) fn is_other_export(path: &Path) -> bool {
    let name = name(path).to_lowercase();
    OTHER_EXPORTS.iter().any(|ending| name.ends_with(ending)) || name.contains(".json.")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads and parses a file.
///
/// # Errors
///
/// [`NotReadable`] when it is not a regular file, cannot be opened, is too large, or is not a bundle of FHIR R4.
pub(crate) fn load(path: &Path) -> Result<Bundle, NotReadable> {
    let not_opened = |error: std::io::Error| NotReadable(format!("cannot be opened: {}", error.kind()));
    let metadata = std::fs::metadata(path).map_err(not_opened)?;
    if !metadata.is_file() {
        // To open a pipe waits for a writer, perhaps for ever.
        return Err(NotReadable("is not a regular file: put the bundle itself there".to_owned()));
    }
    if metadata.len() > FILE_BYTES {
        return Err(NotReadable("is larger than 256 MB: split it".to_owned()));
    }
    Bundle::parse(&std::fs::read(path).map_err(not_opened)?)
}

/// What is known of a file without reading it again.
pub(crate) struct Contents {
    /// People in it.
    pub(crate) people: BTreeSet<NhsNumber>,
    /// People who may be in it: identifiers contradict each other.
    pub(crate) contested: BTreeSet<NhsNumber>,
    /// Sections that hold something of which nobody can tell whose it is.
    pub(crate) doubtful: BTreeSet<Section>,
    /// Patients whose NHS number nobody gives.
    pub(crate) unknown_patients: usize,
    /// Records of which nobody can tell whose they are.
    pub(crate) orphans: usize,
    /// True if the search that made it says that it failed in part.
    pub(crate) is_partial: bool,
    /// The page of a search that it is, and the page after it; empty if there is none.
    pub(crate) own_page: String,
    pub(crate) next_page: String,
}

impl Contents {
    /// Looks through a bundle.
    pub(crate) fn of(bundle: &Bundle, identities: &Identities) -> Contents {
        let owners = Owners::of(bundle, identities);
        let mut contents = Contents {
            people: BTreeSet::new(),
            contested: BTreeSet::new(),
            doubtful: BTreeSet::new(),
            unknown_patients: 0,
            orphans: 0,
            is_partial: bundle.is_partial,
            own_page: bundle.own_page.clone(),
            next_page: bundle.next_page.clone(),
        };
        for whose in owners.patients() {
            match whose {
                Whose::Known(number) => contents.people.extend([number.clone()]),
                Whose::Contested(numbers) => contents.contested.extend(numbers.iter().cloned()),
                Whose::Unknown => contents.unknown_patients += 1,
            }
        }
        for resource in Resource::all(bundle) {
            contents.look_at(&resource, &owners);
        }
        contents
    }

    fn look_at(&mut self, resource: &Resource<'_>, owners: &Owners<'_>) {
        let kind = resource.entry().kind();
        match owners.owner(resource) {
            Owner::Person(number) => self.people.extend([number]),
            Owner::Nobody if table::takes(&kind) && !table::supports(&kind) => {
                self.doubtful.extend(table::items(resource).into_iter().map(|(section, _)| section));
                self.orphans += 1;
            }
            Owner::OnlyPerson(_) | Owner::Other | Owner::Nobody => {}
        }
    }
}
