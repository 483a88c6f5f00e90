//! Connections to the database: read only, used again, and never to a file that was replaced.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use weald_proto::Timestamp;

use crate::source::stamp::Stamp;
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
    /// The version of the schema that its prepared statements are for.
    schema: Cell<i64>,
}

impl Lent {
    /// Forgets what was prepared for a schema that is no longer the database's: a statement goes on
    /// telling the columns that it was prepared with. To be called at the start of a transaction.
    ///
    /// # Errors
    ///
    /// What SQLite says when it looks.
    pub(crate) fn follow_schema(&self) -> rusqlite::Result<()> {
        let now = self.connection.query_row("PRAGMA schema_version", [], |row| row.get(0))?;
        if self.schema.replace(now) != now {
            self.connection.flush_prepared_statement_cache();
            // SQLite reads a changed schema only when a statement runs, not when one is prepared.
            self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct FileIdentity(u64, u64);

/// Those of the file, and of the log of what was written since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamps(Stamp, Option<Stamp>);

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
            None => Ok(Lent { connection: self.connect()?, file, schema: Cell::default() }),
        }
    }

    /// A connection to the file as it is now, of which somebody else must not be waited for.
    ///
    /// # Errors
    ///
    /// As [`Pool::lend`].
    pub(crate) fn look_through(&self) -> Result<Lent, StoreError> {
        let lent = Lent { connection: self.connect()?, file: self.identify()?, schema: Cell::default() };
        lent.connection.busy_timeout(Duration::ZERO).map_err(|error| self.unreadable(problem(&error)))?;
        Ok(lent)
    }

    /// True if a connection is to the file that is there now.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file is missing.
    pub(crate) fn is_of(&self, lent: &Lent) -> Result<bool, StoreError> {
        Ok(lent.file == self.identify()?)
    }

    /// What changes when somebody writes, beside what SQLite itself counts: a file put in the place of
    /// another, or written by a program that is not SQLite.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the file is not there.
    pub(crate) fn stamps(&self) -> Result<Stamps, StoreError> {
        let own = Stamp::of(&self.path)
            .map_err(|error| self.unreadable(format!("the file cannot be found: {}: put it back", error.kind())))?;
        Ok(Stamps(own, Stamp::of(&self.log()).ok()))
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
        let written = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let newest = [written(&self.path), written(&self.log())].into_iter().flatten().max();
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

    /// The log of what was written since.
    fn log(&self) -> PathBuf {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        log.into()
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
        let metadata = std::fs::metadata(&self.path)
            .map_err(|error| self.unreadable(format!("the file cannot be found: {}: put it back", error.kind())))?;
        Ok(FileIdentity(metadata.dev(), metadata.ino()))
    }
}

/// True if somebody who writes is in the way.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Why a query cannot be prepared, in SQLite's own words: they name tables and columns, and no row was read yet.
pub(crate) fn missing(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqlInputError { msg, .. } => format!("{msg}: put it back, or correct the mapping"),
        rusqlite::Error::SqliteFailure(failure, Some(msg)) if failure.code == ErrorCode::Unknown => {
            format!("{msg}: put it back, or correct the mapping")
        }
        other => problem(other),
    }
}

/// What went wrong while rows were read, without SQLite's own words: they could quote a row.
pub(crate) fn problem(error: &rusqlite::Error) -> String {
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return "a column cannot be read".to_owned() };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            "is locked by a program that writes: every view tries again; let it commit sooner, or use WAL mode"
                .to_owned()
        }
        ErrorCode::NotADatabase => {
            "is not an SQLite database: put the database back, or name the right file".to_owned()
        }
        ErrorCode::DatabaseCorrupt => "is damaged: restore it from a copy".to_owned(),
        ErrorCode::OperationInterrupted => "not in time".to_owned(),
        _ => failure.to_string(),
    }
}
