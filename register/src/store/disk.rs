//! The steps of which a save consists, each of which a crash may be the last of.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use super::{FLOOR, LOCK, PART, STATE, StoreError};

/// The longest file that is read: a state with all its roots stays far below.
const LONGEST: u64 = 16 * 1024 * 1024;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Writes a file under a name that nothing reads, and has it on the disk.
    WritePart { name: String, bytes: Arc<[u8]> },
    /// Gives it its name.
    Rename { name: String },
    /// Has the names on the disk.
    SyncFolder,
}

impl Step {
    /// Puts a file in the place of any of that name.
    pub(super) fn put(name: &str, bytes: Arc<[u8]>) -> [Step; 2] {
        [Step::WritePart { name: name.to_owned(), bytes }, Step::Rename { name: name.to_owned() }]
    }
}

pub(super) fn perform(folder: &Path, step: &Step) -> Result<(), StoreError> {
    match step {
        Step::WritePart { name, bytes } => {
            let path = folder.join(format!("{name}{PART}"));
            let written = File::create(&path).and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            });
            written.map_err(|source| StoreError::file(&path, source))
        }
        Step::Rename { name } => {
            let path = folder.join(name);
            fs::rename(folder.join(format!("{name}{PART}")), &path).map_err(|source| StoreError::file(&path, source))
        }
        Step::SyncFolder => {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|source| StoreError::file(folder, source))
        }
    }
}

/// Removes what a crash left half written, and nothing that is not ours.
pub(super) fn remove_parts(folder: &Path) -> Result<(), StoreError> {
    let fault = |source| StoreError::file(folder, source);
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let name = entry.file_name();
        let begun = name.to_str().and_then(|name| name.strip_suffix(PART));
        if begun.is_some_and(|name| [STATE, FLOOR].contains(&name) || is_stored_target(name)) {
            fs::remove_file(entry.path()).map_err(|source| StoreError::file(&entry.path(), source))?;
        }
    }
    Ok(())
}

/// Removes the targets of earlier registers. What cannot be removed is in nobody's way and is tried again next time.
pub(super) fn remove_others(folder: &Path, targets: &BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let kept = |name: &str| [STATE, FLOOR, LOCK].contains(&name) || targets.contains(name);
        let is_target = name.to_str().is_some_and(|name| !kept(name) && is_stored_target(name));
        if is_target {
            let _gone = fs::remove_file(entry.path());
        }
    }
}

fn is_stored_target(name: &str) -> bool {
    name.split_once('.').is_some_and(|(hash, target)| {
        crate::hex::Hex::<32>::parse(hash).is_some() && crate::target::TargetName::parse(target).is_ok()
    })
}

/// Why a file could not be read.
pub(super) enum ReadFault {
    TooLong,
    Io(io::Error),
}

/// A file, if it is there.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, ReadFault> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ReadFault::Io(error)),
    };
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(ReadFault::Io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= LONGEST) {
        Ok(Some(bytes))
    } else {
        Err(ReadFault::TooLong)
    }
}
