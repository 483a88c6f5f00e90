//! The files of a folder: which there are, and what is in one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::source::fhir::bundle::{Bundle, NotReadable};
use crate::source::stamp::Stamp;
use crate::store::StoreError;

/// The largest file that is read: thirty times the record of somebody who was ill all their life. At worst
/// it takes twenty times as much memory while it is parsed, and every reading of somebody in it parses it.
pub(crate) const FILE_BYTES: u64 = 32 * 1024 * 1024;

/// How names of FHIR exports end that are not read.
const OTHER_EXPORTS: &[&str] = &[".xml", ".ndjson", ".jsonl", ".gz", ".tgz", ".zip"];

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
        problem: format!("the folder cannot be listed: {}: put it back, or mount it", error.kind()),
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

/// A bundle as it lay in the folder at one moment.
pub(crate) struct Loaded {
    pub(crate) bundle: Bundle,
    pub(crate) stamp: Stamp,
}

impl Loaded {
    /// The bundle, if the file is still the one whose stamp this is.
    ///
    /// # Errors
    ///
    /// [`NotReadable`] when it is another: who is in it was found out from what is no longer there.
    pub(crate) fn if_still(self, stamp: Option<Stamp>) -> Result<Bundle, NotReadable> {
        if Some(self.stamp) == stamp { Ok(self.bundle) } else { Err(NotReadable(CHANGES.to_owned())) }
    }
}

/// Reads and parses a file.
///
/// # Errors
///
/// [`NotReadable`] when it is not a regular file, cannot be opened, is too large, changes while it is
/// read, or is not a bundle of FHIR R4.
pub(crate) fn load(path: &Path) -> Result<Loaded, NotReadable> {
    let not_opened = |error: std::io::Error| NotReadable(format!("cannot be opened: {}", error.kind()));
    let metadata = std::fs::metadata(path).map_err(not_opened)?;
    if !metadata.is_file() {
        // To open a pipe waits for a writer, perhaps for ever.
        return Err(NotReadable("is not a regular file: put the bundle itself there".to_owned()));
    }
    if metadata.len() > FILE_BYTES {
        return Err(too_large());
    }
    let not_read = |error: std::io::Error| NotReadable(format!("cannot be read to its end: {}", error.kind()));
    let mut file = File::open(path).map_err(not_opened)?;
    let stamp = file.metadata().and_then(|metadata| Stamp::of_metadata(&metadata)).map_err(not_opened)?;
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.by_ref().take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(not_read)?;
    let held = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if held > FILE_BYTES {
        return Err(too_large());
    }
    let after = file.metadata().and_then(|metadata| Stamp::of_metadata(&metadata)).map_err(not_read)?;
    if after != stamp || held != stamp.bytes() {
        return Err(NotReadable(CHANGES.to_owned()));
    }
    Ok(Loaded { bundle: Bundle::parse(&bytes)?, stamp })
}

/// What is said of a file that is written while it is read.
const CHANGES: &str =
    "changes while it is read: write it under a name that starts with a dot, and rename it when it is complete";

fn too_large() -> NotReadable {
    NotReadable(format!("is larger than {} MB: split it, one file for each person", FILE_BYTES / 1024 / 1024))
}
