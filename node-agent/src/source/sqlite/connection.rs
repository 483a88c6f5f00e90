//! Connections to the database: read only, used again, and never to a file that was replaced.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OpenFlags};
use weald_proto::Timestamp;

use crate::store::StoreError;

/// How long to wait for somebody who is writing.
const BUSY: Duration = Duration::from_millis(250);
/// Connections kept for the next reading.
const IDLE: usize = 4;
/// Prepared statements kept by each: one a section, and a few more.
const STATEMENTS: usize = 64;

/// A database file and the connections to it.
pub(crate) struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Lent>>,
}

/// A connection, and the file that it was opened on.
pub(crate) struct Lent {
    pub(crate) connection: Connection,
    file: FileIdentity,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct FileIdentity(u64, u64);

impl Pool {
    /// A pool of connections to a file.
    pub(crate) fn of(path: &Path) -> Pool {
        Pool { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// A connection to the file as it is now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file is missing or is no database.
    pub(crate) fn lend(&self) -> Result<Lent, StoreError> {
        let file = self.identify()?;
        let idle = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|lent| lent.file == file);
            idle.pop()
        };
        match idle {
            Some(lent) => Ok(lent),
            None => Ok(Lent { connection: self.connect()?, file }),
        }
    }

    /// Takes a connection back, unless a transaction could not be ended on it.
    pub(crate) fn give_back(&self, lent: Lent) {
        if !lent.connection.is_autocommit() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(lent);
        }
    }

    /// When the file, or the log of what was written since, was last written.
    pub(crate) fn modified(&self) -> Timestamp {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        let written = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let newest = [written(&self.path), written(Path::new(&log))].into_iter().flatten().max();
        let since = newest.and_then(|moment| moment.duration_since(SystemTime::UNIX_EPOCH).ok()).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// The error of a database that cannot be read at all.
    pub(crate) fn unreadable(&self, problem: String) -> StoreError {
        StoreError::Unreadable { place: self.place(), problem }
    }

    /// The file's name.
    pub(crate) fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connect = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(STATEMENTS);
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        connect().map_err(|error| self.unreadable(problem(&error)))
    }

    fn identify(&self) -> Result<FileIdentity, StoreError> {
        use std::os::unix::fs::MetadataExt as _;
        let metadata = std::fs::metadata(&self.path).map_err(|error| self.unreadable(error.kind().to_string()))?;
        Ok(FileIdentity(metadata.dev(), metadata.ino()))
    }
}

/// Why a query cannot be prepared, in SQLite's own words: they name tables and columns, and no row was read yet.
pub(crate) fn missing(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } | rusqlite::Error::SqliteFailure(_, Some(msg)) => msg.clone(),
        other => problem(other),
    }
}

/// What went wrong while rows were read, without SQLite's own words: they could quote a row.
pub(crate) fn problem(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => failure.to_string(),
        _ => "a column cannot be read".to_owned(),
    }
}
