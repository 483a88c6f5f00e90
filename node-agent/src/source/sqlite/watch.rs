//! Seeing that somebody has written to a database.

use std::sync::Arc;

use weald_proto::Timestamp;

use super::Database;
use super::connection::{Lent, Stamps, is_busy, problem};
use crate::store::{Change, StoreError, Watch};

/// Asks SQLite, on a connection of its own, whether another connection has written since the last look. It
/// cannot tell about whom.
pub(crate) struct DatabaseWatch {
    database: Arc<Database>,
    before: Option<Seen>,
}

struct Seen {
    lent: Lent,
    stamps: Stamps,
    version: i64,
}

impl DatabaseWatch {
    /// Of that database.
    pub(crate) fn of(database: Arc<Database>) -> Self {
        DatabaseWatch { database, before: None }
    }
}

impl Watch for DatabaseWatch {
    fn look(&mut self, _: Timestamp) -> Result<Change, StoreError> {
        let pool = &self.database.pool;
        // Whatever goes wrong from here on, the next look knows of nothing before it.
        let before = self.before.take();
        let known = before.as_ref().map(|seen| (seen.stamps, seen.version));
        let lent = match before {
            Some(seen) if pool.is_of(&seen.lent)? => seen.lent,
            _ => pool.look_through()?,
        };
        // The number is one connection's own, and another when somebody else has committed. To ask for the first
        // time opens the log beside the file, which may change its stamp.
        let ask = || lent.connection.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0));
        let asked = if known.is_none() { ask().map(drop) } else { Ok(()) };
        let stamps = pool.stamps()?;
        match asked.and_then(|()| ask()) {
            Ok(version) => {
                self.before = Some(Seen { lent, stamps, version });
                Ok(if known == Some((stamps, version)) { Change::Nothing } else { Change::Anything })
            }
            Err(error) if is_busy(&error) => Ok(Change::Anything),
            Err(error) => Err(pool.unreadable(problem(&error))),
        }
    }
}
