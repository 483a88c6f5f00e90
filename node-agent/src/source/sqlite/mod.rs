//! An SQLite database as a local system, read through a declared mapping.

mod column;
mod connection;
mod mapping;
mod path;
mod person;
mod query;
mod section;
mod trouble;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use weald_policy::Permitted;
use weald_proto::{NhsNumber, Section, Timestamp};

use self::connection::{Lent, Pool, problem};
use self::mapping::Mapping;
use self::query::{Parameters, each_row};
use self::section::Rows;
use self::trouble::Troubles;
use self::watch::DatabaseWatch;
use super::cancel::{Cancel, blocking};
use super::notice::Notice;
use super::state;
use crate::store::{Person, Reading, Record, RecordStore, SectionReading, StoreError, Watch};

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
    troubles: Troubles,
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
        let database = Database { pool, mapping, troubles: Troubles::default() };
        database.check(&lent.connection);
        database.pool.give_back(lent);
        Ok(SqliteDatabase(Arc::new(database)))
    }

    /// What could not be used when it was last tried, when the database was opened or since: sections,
    /// counts, the database as a whole. Each names a place and what is wrong, and no value.
    pub fn notices(&self) -> Vec<Notice> {
        self.0.troubles.notices()
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

    fn is_readable(&self) -> Option<bool> {
        let Database { pool, mapping, .. } = &*self.0;
        let read = pool.lend().ok().filter(|lent| person::check(&lent.connection, &mapping.person).is_ok());
        Some(read.map(|lent| pool.give_back(lent)).is_some())
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(DatabaseWatch::of(Arc::clone(&self.0))))
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
        let read = || {
            let lent = self.pool.lend()?;
            cancel.arm(lent.connection.get_interrupt_handle());
            let record = self.read_at_once(&lent, number, wanted, cancel);
            cancel.disarm();
            // After an error nobody knows what SQLite still believes of the file.
            if record.is_ok() {
                self.pool.give_back(lent);
            }
            record
        };
        let record = read();
        if !cancel.is_cancelled() {
            let went = record.as_ref().map(drop).map_err(|StoreError::Unreadable { problem, .. }| problem.as_str());
            self.note("the database", went);
        }
        record
    }

    /// What the mapping names and the database does not have.
    fn check(&self, connection: &Connection) {
        for (section, of) in &self.mapping.sections {
            let checked = section::check(connection, of);
            self.note(&format!("sections.{section}"), checked.as_ref().map(drop).map_err(String::as_str));
            self.note_passed_over(*section, checked.as_deref().unwrap_or_default());
        }
        let of_counts = self.mapping.unmapped.iter();
        let of_counts = of_counts.map(|(kind, sql)| (format!("unmapped.{kind}"), sql, PARAMETERS));
        let of_as_of = self.mapping.as_of.iter().map(|sql| ("as_of".to_owned(), sql, [].as_slice()));
        for (place, sql, parameters) in of_counts.chain(of_as_of) {
            let prepared = query::prepare(connection, sql, parameters, &[]).map(drop);
            self.note(&place, prepared.as_ref().map_err(String::as_str).copied());
        }
    }

    fn note(&self, place: &str, went: Result<(), &str>) {
        self.troubles.note(&self.pool.place(), place, went);
    }

    /// Columns of a mapped table that no field takes: nothing of them is shown, so somebody should know.
    fn note_passed_over(&self, section: Section, columns: &[String]) {
        let problem = format!(
            "nothing is shown of {}: map it, or write a query that leaves it out",
            columns.iter().map(|column| format!("column {column}")).collect::<Vec<_>>().join(", ")
        );
        let went = if columns.is_empty() { Ok(()) } else { Err(problem.as_str()) };
        self.note(&format!("sections.{section}.columns"), went);
    }

    /// Reads everything in one transaction: one state of the database.
    fn read_at_once(
        &self,
        lent: &Lent,
        number: &NhsNumber,
        wanted: &BTreeSet<Section>,
        cancel: &Cancel,
    ) -> Result<Record, StoreError> {
        let unreadable = |error: rusqlite::Error| self.pool.unreadable(problem(&error));
        let state = lent.connection.unchecked_transaction().map_err(unreadable)?;
        lent.follow_schema().map_err(unreadable)?;
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
        let went = read.and_then(|()| rows.misfit.map_or(Ok(()), Err));
        self.note(&format!("sections.{section}"), went.as_ref().map_err(String::as_str).copied());
        self.note_passed_over(section, &rows.passed_over);
        match went {
            Ok(()) => state::reading(section, rows.items, None),
            Err(_) => state::failed(rows.items),
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
            self.note(&format!("unmapped.{kind}"), counted.as_ref().map(drop).map_err(String::as_str));
            counts.extend(counted.ok().filter(|count| *count > 0).map(|count| (kind.clone(), count)));
        }
        counts
    }

    fn as_of(&self, connection: &Connection) -> Option<Timestamp> {
        let sql = self.mapping.as_of.as_ref()?;
        let asked = connection.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(|error| problem(&error));
        let moment = asked.and_then(|text| {
            let moment: Result<jiff::Timestamp, _> = text.parse();
            moment.map_err(|_| "must give one moment as RFC 3339 writes it".to_owned())
        });
        self.note("as_of", moment.as_ref().map(drop).map_err(String::as_str));
        moment.ok().map(|moment| Timestamp::from_millis(moment.as_millisecond()))
    }
}

fn count(connection: &Connection, sql: &str, parameters: &Parameters<'_>) -> Result<u32, String> {
    let mut statement = query::prepare(connection, sql, PARAMETERS, &[])?;
    let mut counted = 0;
    each_row(&mut statement, parameters, |row| {
        counted = row.get(0).map_err(|_| "the query must give one number".to_owned())?;
        Ok(())
    })?;
    Ok(counted)
}

/// What a query for one person may be asked with.
const PARAMETERS: &[&str] = &[":person", ":nhs_number"];

fn listed(problems: &[Notice]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
