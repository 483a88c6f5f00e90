//! An SQLite database as a local system, read through a declared mapping.

mod column;
mod connection;
mod mapping;
mod path;
mod person;
mod query;
mod section;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use weald_policy::Permitted;
use weald_proto::{NhsNumber, Section, Timestamp};

use self::connection::{Pool, problem};
use self::mapping::Mapping;
use self::query::{Parameters, each_row};
use self::section::Rows;
use super::cancel::{Cancel, blocking};
use super::notice::Notice;
use super::state;
use crate::store::{Person, Reading, Record, RecordStore, SectionReading, StoreError};

/// An SQLite database: opened read only, one consistent state for each reading, interrupted when the
/// reading is dropped.
///
/// The mapping is TOML: a query for the person, a table or query for each section, and where each
/// column goes. A section that it does not name is not held here. A section whose table or columns
/// are missing, or whose rows do not fit, is unavailable; the others are read.
#[derive(Clone)]
pub struct SqliteDatabase(Arc<Database>);

struct Database {
    pool: Pool,
    mapping: Mapping,
    notices: Vec<Notice>,
}

impl SqliteDatabase {
    /// Opens a database through a mapping, and asks whether everything that the mapping names is there.
    /// Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when either file cannot be read, when the mapping has a mistake (every mistake is
    /// named), or when the query for the person cannot be asked. What is missing for a single section
    /// is no error but a notice.
    pub fn open(database: &Path, mapping: &Path) -> Result<SqliteDatabase, StoreError> {
        let unreadable = |problem: String| StoreError::Unreadable { place: mapping.display().to_string(), problem };
        let text = std::fs::read_to_string(mapping).map_err(|error| unreadable(error.kind().to_string()))?;
        let mapping = Mapping::parse(&text).map_err(|problems| unreadable(listed(&problems)))?;
        let pool = Pool::of(database);
        let lent = pool.lend()?;
        person::check(&lent.connection, &mapping.person)
            .map_err(|problem| pool.unreadable(format!("person.query: {problem}")))?;
        let notices = check(&lent.connection, &mapping);
        pool.give_back(lent);
        for notice in &notices {
            tracing::warn!(place = %notice.place, problem = %notice.problem, "part of a mapping does not fit its database");
        }
        Ok(SqliteDatabase(Arc::new(Database { pool, mapping, notices })))
    }

    /// What the mapping names and the database did not have when it was opened: by section, table and column.
    pub fn notices(&self) -> &[Notice] {
        &self.0.notices
    }

    pub(crate) async fn read_sections(
        &self,
        number: NhsNumber,
        sections: BTreeSet<Section>,
    ) -> Result<Record, StoreError> {
        let database = Arc::clone(&self.0);
        blocking(self.0.pool.place(), move |cancel| database.read(&number, &sections, cancel)).await
    }
}

impl RecordStore for SqliteDatabase {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        let sections = permitted.permit().grants().keys().copied().collect();
        Box::pin(self.read_sections(permitted.patient().nhs_number.clone(), sections))
    }

    fn notices(&self) -> usize {
        SqliteDatabase::notices(self).len()
    }
}

impl std::fmt::Debug for SqliteDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqliteDatabase({})", self.0.pool.place())
    }
}

impl Database {
    fn read(&self, number: &NhsNumber, wanted: &BTreeSet<Section>, cancel: &Cancel) -> Result<Record, StoreError> {
        let lent = self.pool.lend()?;
        cancel.arm(lent.connection.get_interrupt_handle());
        let record = self.read_at_once(&lent.connection, number, wanted, cancel);
        cancel.disarm();
        self.pool.give_back(lent);
        record
    }

    /// Reads everything in one transaction: one state of the database.
    fn read_at_once(
        &self,
        connection: &Connection,
        number: &NhsNumber,
        wanted: &BTreeSet<Section>,
        cancel: &Cancel,
    ) -> Result<Record, StoreError> {
        let state = connection.unchecked_transaction().map_err(|error| self.pool.unreadable(problem(&error)))?;
        let known = person::find(&state, &self.mapping, number)
            .map_err(|problem| self.pool.unreadable(format!("person.query: {problem}")))?;
        let as_of = self.as_of(&state).unwrap_or_else(|| self.pool.modified());
        let Some(known) = known else { return Ok(Record { as_of, person: None }) };
        let mut dropped = 0;
        let mut sections = BTreeMap::new();
        for section in wanted {
            if cancel.is_cancelled() {
                return Err(self.pool.unreadable("not in time".to_owned()));
            }
            sections.insert(*section, self.read_section(&state, *section, number, &known.ids, &mut dropped));
        }
        let unmapped = self.count_unmapped(&state, number, &known.ids);
        Ok(Record { as_of, person: Some(Person { identity: known.identity, sections, unmapped, dropped }) })
    }

    fn read_section(
        &self,
        connection: &Connection,
        section: Section,
        number: &NhsNumber,
        ids: &[Value],
        dropped: &mut u32,
    ) -> SectionReading {
        let Some(of) = self.mapping.sections.get(&section) else { return state::not_held() };
        let mut rows = Rows::default();
        let read = ids.iter().try_for_each(|id| {
            let parameters = Parameters { nhs_number: number, person: Some(id) };
            section::read(connection, &self.mapping, (section, of), &parameters, &mut rows)
        });
        *dropped = dropped.saturating_add(rows.dropped);
        match read.and_then(|()| rows.misfit.map_or(Ok(()), Err)) {
            Ok(()) => state::reading(section, rows.items, None),
            Err(problem) => {
                tracing::warn!(database = %self.pool.place(), %section, %problem, "a section cannot be read");
                state::failed(rows.items)
            }
        }
    }

    /// A count that cannot be taken is logged and left out: it is no part of any section.
    fn count_unmapped(&self, connection: &Connection, number: &NhsNumber, ids: &[Value]) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for (kind, sql) in &self.mapping.unmapped {
            let counted = ids.iter().try_fold(0_u32, |sum, id| {
                let parameters = Parameters { nhs_number: number, person: Some(id) };
                count(connection, sql, &parameters).map(|count| sum.saturating_add(count))
            });
            match counted {
                Ok(0) => {}
                Ok(count) => counts.extend([(kind.clone(), count)]),
                Err(problem) => {
                    tracing::warn!(database = %self.pool.place(), kind, %problem, "a count cannot be taken")
                }
            }
        }
        counts
    }

    fn as_of(&self, connection: &Connection) -> Option<Timestamp> {
        let sql = self.mapping.as_of.as_ref()?;
        let text: String = connection.query_row(sql, [], |row| row.get(0)).ok()?;
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Timestamp::from_millis(moment.as_millisecond()))
    }
}

fn count(connection: &Connection, sql: &str, parameters: &Parameters<'_>) -> Result<u32, String> {
    let mut statement = query::prepare(connection, sql, &[":person", ":nhs_number"], &[])?;
    let mut counted = 0;
    each_row(&mut statement, parameters, |row| {
        counted = row.get(0).map_err(|_| "the query must give one number".to_owned())?;
        Ok(())
    })?;
    Ok(counted)
}

/// What the mapping names and the database does not have.
fn check(connection: &Connection, mapping: &Mapping) -> Vec<Notice> {
    let sections = mapping.sections.iter().filter_map(|(section, of)| {
        let problem = section::check(connection, of).err()?;
        Some(Notice::new(format!("sections.{section}"), problem))
    });
    let counts = mapping.unmapped.iter().filter_map(|(kind, sql)| {
        let problem = query::prepare(connection, sql, &[":person", ":nhs_number"], &[]).err()?;
        Some(Notice::new(format!("unmapped.{kind}"), problem))
    });
    let as_of = mapping
        .as_of
        .iter()
        .filter_map(|sql| Some(Notice::new("as_of", query::prepare(connection, sql, &[], &[]).err()?)));
    sections.chain(counts).chain(as_of).collect()
}

fn listed(problems: &[Notice]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
