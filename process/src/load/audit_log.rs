//! The audit log of a process.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weald_audit::{ChainError, Log, OpenError, Problem as Damage};
use weald_proto::{Clock, Replay, limit};

use super::file::Problem;
use crate::configuration::{Faults, Placed};

/// Looks at a log without changing anything: that its folder is there, and that a log which is there can be
/// written and is sound. Notes the fault if not. A record that a crash left unfinished is none.
pub fn check_log(faults: &Faults, path: &Placed<PathBuf>) {
    if let Err(problem) = look(&path.value) {
        faults.note(&path.place, problem.what, problem.remedy);
    }
}

fn look(path: &Path) -> Result<(), Problem> {
    match OpenOptions::new().append(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return look_at_folder(path),
        Err(error) => return Err(Problem::of(path, &error)),
    }
    match weald_audit::verify(path) {
        Ok(_) => Ok(()),
        Err(ChainError::Bad(bad)) if bad.problem == Damage::Torn => Ok(()),
        Err(ChainError::Bad(bad)) => Err(damaged(path, &bad)),
        Err(ChainError::Unreadable(error)) => Err(Problem::of(path, &error)),
    }
}

fn look_at_folder(path: &Path) -> Result<(), Problem> {
    match std::fs::metadata(folder_of(path)) {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Problem::of(path, &ErrorKind::NotADirectory.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(no_folder(path)),
        Err(error) => Err(Problem::of(folder_of(path), &error)),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn no_folder(path: &Path) -> Problem {
    Problem::new(
        format!("the folder `{}` of the audit log does not exist", folder_of(path).display()),
        "make it, for the user that the process runs as, or correct the path",
    )
}

fn damaged(path: &Path, bad: &weald_audit::Bad) -> Problem {
    Problem::new(
        format!("the audit log `{}` is damaged: {bad}", path.display()),
        "keep the file as evidence, and restore it or begin another",
    )
}

/// Opens a log, and takes up what it knows of what was served in the last minutes. None, with the fault noted, if
/// it cannot be opened.
pub fn open_log(faults: &Faults, path: &Placed<PathBuf>, clock: &Arc<dyn Clock>) -> Option<(Log, Replay)> {
    open(&path.value, clock).map_err(|problem| faults.note(&path.place, problem.what, problem.remedy)).ok()
}

fn open(path: &Path, clock: &Arc<dyn Clock>) -> Result<(Log, Replay), Problem> {
    let log = Log::open(path, Arc::clone(clock)).map_err(|error| match error {
        OpenError::InUse => Problem::new(
            format!("another process writes the audit log `{}`", path.display()),
            "stop that process, or give each program and organisation a log of its own",
        ),
        OpenError::Storage(error) if error.kind() == ErrorKind::NotFound => no_folder(path),
        OpenError::Storage(error) => Problem::of(path, &error),
        OpenError::Damaged(bad) => damaged(path, &bad),
    })?;
    let since = clock.now().minus(limit::ASSERTION_LIFE * 2);
    let served = weald_audit::served(path, since).map_err(|error| match error {
        ChainError::Unreadable(error) => Problem::of(path, &error),
        ChainError::Bad(bad) => damaged(path, &bad),
    })?;
    Ok((log, Replay::recover(served)))
}
