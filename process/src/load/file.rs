//! Reading a file that a configuration names.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::MetadataExt as _;
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

/// Reads a file of at most `most` bytes that belongs to the user of this process, and that nobody else may read.
pub(super) fn read_secret(path: &Path, most: u64) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|error| Problem::of(path, &error))?;
    owned(path, metadata.uid(), own_user()?)?;
    private(path, metadata.mode())?;
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

/// Whoever owns a secret can change it, and who may read it.
fn owned(path: &Path, owner: u32, user: u32) -> Result<(), Problem> {
    if owner == user {
        return Ok(());
    }
    let path = path.display();
    Err(Problem::new(
        format!("`{path}` belongs to another user (uid {owner}) than the one that the process runs as (uid {user})"),
        format!("run chown {user} {path}; if the other user should not have read it, make a new one"),
    ))
}

/// The user that the process runs as: the effective one, by the second number of the line `Uid:` (proc(5)).
/// The owner of `/proc/self` is another if the program's file has capabilities.
fn own_user() -> Result<u32, Problem> {
    const STATUS: &str = "/proc/self/status";
    let status = std::fs::read_to_string(STATUS).unwrap_or_default();
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:")?.split_whitespace().nth(1)?.parse().ok());
    user.ok_or_else(|| Problem::new(format!("`{STATUS}` does not say which user this is"), "mount /proc"))
}

fn open(path: &Path) -> Result<File, Problem> {
    // Before it is opened: to open a pipe waits for a writer, perhaps for ever.
    std::fs::metadata(path).map_err(|error| Problem::of(path, &error)).and_then(|found| regular(path, &found))?;
    let file = File::open(path).map_err(|error| Problem::of(path, &error))?;
    let opened = file.metadata().map_err(|error| Problem::of(path, &error))?;
    regular(path, &opened)?;
    Ok(file)
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), Problem> {
    if metadata.is_dir() {
        return Err(Problem::of(path, &ErrorKind::IsADirectory.into()));
    }
    if metadata.is_file() {
        return Ok(());
    }
    Err(Problem::new(
        format!("`{}` is a pipe, a socket or a device, not a regular file", path.display()),
        "put the file itself there",
    ))
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
    use std::os::unix::fs::PermissionsExt as _;

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
    fn a_secret_of_another_user_is_refused_with_the_command_that_mends_it() {
        let path = Path::new("/etc/weald/node.key");
        let problem = owned(path, 1001, 998).unwrap_err();
        assert!(problem.what.contains("belongs to another user (uid 1001)"), "{problem:?}");
        assert!(problem.remedy.starts_with("run chown 998 /etc/weald/node.key"), "{problem:?}");
        assert_eq!(owned(path, 998, 998), Ok(()));
    }

    #[test]
    fn a_secret_is_read_if_it_belongs_to_the_user_of_the_process_and_to_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        fs::write(&path, "secret").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(*read_secret(&path, 10).unwrap(), b"secret");
        // Only root may give a file away.
        if own_user() == Ok(0) {
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            let problem = read_secret(&path, 10).unwrap_err();
            assert!(problem.remedy.starts_with("run chown 0 "), "{problem:?}");
        }
    }

    #[test]
    fn a_pipe_is_refused_before_anybody_waits_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        for problem in [read(&path, 10).unwrap_err(), read_secret(&path, 10).unwrap_err()] {
            assert!(problem.what.ends_with("is a pipe, a socket or a device, not a regular file"), "{problem:?}");
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
