//! Reading a file that a configuration names.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::configuration::{Faults, Placed};

/// More than any file of text has that is read whole.
const MOST_TEXT: u64 = 16 << 20;

/// Reads a file of text. None, with the fault noted, if it cannot be read.
pub fn text(faults: &Faults, path: &Placed<PathBuf>) -> Option<String> {
    let text = read(&path.value, MOST_TEXT).and_then(|bytes| {
        let no_text =
            |_| Problem::new(format!("`{}` is not text in UTF-8", path.value.display()), "name a file of text");
        String::from_utf8(bytes).map_err(no_text)
    });
    text.map_err(|problem| faults.note(&path.place, problem.what, problem.remedy)).ok()
}

/// True if a file can be opened. Notes the fault if not.
pub fn check_file(faults: &Faults, path: &Placed<PathBuf>) -> bool {
    let opened = open(&path.value).map_err(|problem| faults.note(&path.place, problem.what, problem.remedy));
    opened.is_ok()
}

/// True if a folder can be listed. Notes the fault if not.
pub fn check_folder(faults: &Faults, path: &Placed<PathBuf>) -> bool {
    let folder = path.value.display();
    let problem = match std::fs::metadata(&path.value) {
        Ok(metadata) if !metadata.is_dir() => {
            Problem::new(format!("`{folder}` is a file, not a folder"), "name a folder")
        }
        Ok(_) => match std::fs::read_dir(&path.value) {
            Ok(_) => return true,
            Err(error) => Problem::of(&path.value, &error),
        },
        Err(error) => Problem::of(&path.value, &error),
    };
    faults.note(&path.place, problem.what, problem.remedy);
    false
}

/// Why a file or folder cannot be used, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) what: String,
    pub(crate) remedy: String,
}

impl Problem {
    pub(super) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem { what: what.into(), remedy: remedy.into() }
    }

    /// What the operating system says of a path.
    pub(super) fn of(path: &Path, error: &io::Error) -> Self {
        let path = path.display();
        match error.kind() {
            ErrorKind::NotFound => {
                Problem::new(format!("`{path}` does not exist"), "correct the path, or put it there")
            }
            ErrorKind::PermissionDenied => Problem::new(
                format!("`{path}` may not be opened by this process"),
                "give the user that the process runs as access to it",
            ),
            ErrorKind::NotADirectory => {
                Problem::new(format!("a part of `{path}` is a file, not a folder"), "correct the path")
            }
            ErrorKind::IsADirectory => Problem::new(format!("`{path}` is a folder, not a file"), "name a file"),
            kind => {
                Problem::new(format!("`{path}` cannot be opened: {kind}"), "correct the path, or repair what it names")
            }
        }
    }
}

/// Reads a file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> Result<Vec<u8>, Problem> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    bounded(path, &file, most, &mut bytes)?;
    Ok(bytes)
}

/// Reads a file of at most `most` bytes that nobody but its owner may read.
pub(super) fn read_secret(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let file = open(path)?;
    let mode = file.metadata().map_err(|error| Problem::of(path, &error))?.permissions().mode();
    private(path, mode)?;
    // Room for all of it from the start: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(most).unwrap_or_default().saturating_add(1)));
    bounded(path, &file, most, &mut bytes)?;
    Ok(bytes)
}

fn private(path: &Path, mode: u32) -> Result<(), Problem> {
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    Err(Problem::new(
        format!("`{path}` can be read by others (mode {:04o})", mode & 0o7777),
        format!("run chmod 600 {path}; if others may have read it, make a new one"),
    ))
}

fn open(path: &Path) -> Result<File, Problem> {
    let file = File::open(path).map_err(|error| Problem::of(path, &error))?;
    let metadata = file.metadata().map_err(|error| Problem::of(path, &error))?;
    if metadata.is_dir() {
        return Err(Problem::of(path, &ErrorKind::IsADirectory.into()));
    }
    Ok(file)
}

fn bounded(path: &Path, file: &File, most: u64, bytes: &mut Vec<u8>) -> Result<(), Problem> {
    let read = file.take(most.saturating_add(1)).read_to_end(bytes).map_err(|error| Problem::of(path, &error))?;
    if u64::try_from(read).is_ok_and(|read| read <= most) {
        return Ok(());
    }
    Err(Problem::new(format!("`{}` is larger than {most} bytes", path.display()), "name the right file"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_the_operating_system_says_becomes_a_remedy() {
        let path = Path::new("/etc/weald/node.key");
        let denied = Problem::of(path, &ErrorKind::PermissionDenied.into());
        assert_eq!(denied.what, "`/etc/weald/node.key` may not be opened by this process");
        assert!(denied.remedy.contains("the user that the process runs as"));
        let missing = Problem::of(path, &ErrorKind::NotFound.into());
        assert_eq!(missing.what, "`/etc/weald/node.key` does not exist");
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_the_command_that_closes_it() {
        let path = Path::new("/etc/weald/node.key");
        for open in [0o100_640, 0o100_604, 0o100_660, 0o100_601] {
            let problem = private(path, open).unwrap_err();
            assert!(problem.remedy.starts_with("run chmod 600 /etc/weald/node.key"), "{problem:?}");
        }
        for closed in [0o100_600, 0o100_400] {
            assert_eq!(private(path, closed), Ok(()));
        }
    }

    #[test]
    fn a_folder_and_a_file_that_is_too_large_are_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), 10).unwrap_err().what.ends_with("is a folder, not a file"));
        let path = folder.path().join("large");
        fs::write(&path, [0; 11]).unwrap();
        assert!(read(&path, 10).unwrap_err().what.ends_with("is larger than 10 bytes"));
        assert_eq!(read(&path, 11).unwrap().len(), 11);
    }
}
