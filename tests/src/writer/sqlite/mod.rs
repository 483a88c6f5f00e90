//! SQLite databases: a table a section, named and worded as a local system would, and the mapping by
//! which a node reads them.
//!
//! A database goes through text, so every item comes back as it was. The tables are declared once, in
//! the file `layout.rs`: what creates a table also fills it and maps it.

mod cell;
mod layout;
mod mapping;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rusqlite::{Connection, Transaction, params, params_from_iter};
use weald_proto::Section;
use weald_proto::wire::Item;

use crate::population::{Holding, ORGANISATIONS, Organisation, Person, sections_held};
use crate::silence;
use cell::Cells;
use layout::{CODED_APART, Column, columns};

/// A database and its mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// The database file.
    pub database: PathBuf,
    /// The mapping, TOML.
    pub mapping: PathBuf,
}

/// Writes an organisation's holdings of some people into a new database `records.sqlite` in a folder,
/// with its mapping `mapping.toml`. People whom the organisation does not know are passed over. The
/// database has a table for every section that the organisation's kind holds, and for no other.
///
/// # Errors
///
/// When the organisation is not one of the population's, the database exists already, or a file cannot
/// be written.
pub fn write_database<'a>(
    folder: &Path,
    organisation: &str,
    people: impl IntoIterator<Item = &'a Person>,
) -> anyhow::Result<Database> {
    let organisation = known(organisation)?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let database = folder.join("records.sqlite");
    anyhow::ensure!(!database.exists(), "{} exists already: choose an empty folder", database.display());
    let writing = || format!("cannot write {}", database.display());
    let mut connection = Connection::open(&database).with_context(writing)?;
    let transaction = connection.transaction().with_context(writing)?;
    create(&transaction, organisation).with_context(writing)?;
    let cells = Cells::new()?;
    for holding in people.into_iter().filter_map(|person| person.holding(organisation.ods)) {
        silence::know(|secrets| secrets.add_holding(holding))?;
        insert(&transaction, &cells, holding).with_context(writing)?;
    }
    transaction.commit().with_context(writing)?;
    let mapping = folder.join("mapping.toml");
    std::fs::write(&mapping, mapping::text(organisation))
        .with_context(|| format!("cannot write {}", mapping.display()))?;
    Ok(Database { database, mapping })
}

fn known(ods: &str) -> anyhow::Result<&'static Organisation> {
    let found = ORGANISATIONS.into_iter().find(|organisation| organisation.ods == ods);
    found.with_context(|| format!("{ods} is no organisation of the population"))
}

fn create(transaction: &Transaction<'_>, organisation: &Organisation) -> anyhow::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE person (person_no INTEGER PRIMARY KEY, local_id TEXT NOT NULL UNIQUE, nhs_number TEXT NOT NULL,
             born TEXT NOT NULL, title TEXT, forenames TEXT, surname TEXT NOT NULL, full_name TEXT, name_use TEXT);
         CREATE INDEX person_by_number ON person (nhs_number);
         CREATE TABLE coding (section TEXT NOT NULL, entry INTEGER NOT NULL, place INTEGER NOT NULL, scheme TEXT,
             code TEXT, words TEXT, PRIMARY KEY (section, entry, place));",
    )?;
    for section in sections_held(organisation.kind) {
        let columns: String = columns(*section).map(|column| format!(", [{}] TEXT", column.name)).collect();
        transaction.execute_batch(&format!(
            "CREATE TABLE [{section}] (entry INTEGER PRIMARY KEY, person_no INTEGER NOT NULL REFERENCES person{columns});
             CREATE INDEX [{section}_of_person] ON [{section}] (person_no);"
        ))?;
    }
    Ok(())
}

fn insert(transaction: &Transaction<'_>, cells: &Cells, holding: &Holding) -> anyhow::Result<()> {
    let (identity, name) = (&holding.identity, &holding.identity.name);
    transaction.execute(
        "INSERT INTO person (local_id, nhs_number, born, title, forenames, surname, full_name, name_use)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            holding.local_id.value,
            identity.nhs_number,
            identity.birth_date,
            name.prefix.first(),
            serde_json::to_string(&name.given)?,
            name.family,
            name.text,
            name.r#use
        ],
    )?;
    let person = transaction.last_insert_rowid();
    for (section, items) in &holding.sections {
        for item in items {
            insert_item(transaction, cells, person, *section, item)?;
        }
    }
    Ok(())
}

fn insert_item(
    transaction: &Transaction<'_>,
    cells: &Cells,
    person: i64,
    section: Section,
    item: &Item,
) -> anyhow::Result<()> {
    let columns: Vec<&Column> = columns(section).collect();
    let names: String = columns.iter().map(|column| format!(", [{}]", column.name)).collect();
    let places: String = (0..columns.len()).map(|place| format!(", ?{}", place + 2)).collect();
    let row = cells.row(item, &columns)?;
    let values = [Some(person.to_string())].into_iter().chain(row);
    let mut statement =
        transaction.prepare_cached(&format!("INSERT INTO [{section}] (person_no{names}) VALUES (?1{places})"))?;
    statement.execute(params_from_iter(values))?;
    if CODED_APART.contains(&section) {
        insert_codings(transaction, section, transaction.last_insert_rowid(), item)?;
    }
    Ok(())
}

fn insert_codings(transaction: &Transaction<'_>, section: Section, entry: i64, item: &Item) -> anyhow::Result<()> {
    let mut statement = transaction.prepare_cached("INSERT INTO coding VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for (place, coding) in (0_i64..).zip(&item.codes) {
        statement.execute(params![section.as_str(), entry, place, coding.system, coding.code, coding.display])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::population::people;

    fn written(ods: &str) -> (tempfile::TempDir, Vec<Person>, Database) {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<Person> = people(1, 40).collect();
        let database = write_database(folder.path(), ods, &people).unwrap();
        (folder, people, database)
    }

    fn count(database: &Database, sql: &str) -> usize {
        let connection = Connection::open(&database.database).unwrap();
        let count: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    }

    #[test]
    fn there_is_a_row_for_each_person_and_each_item() {
        let (_folder, people, database) = written("RVV");
        let holdings: Vec<&Holding> = people.iter().filter_map(|person| person.holding("RVV")).collect();
        assert_eq!(count(&database, "SELECT count(*) FROM person"), holdings.len());
        for section in sections_held(weald_proto::OrganisationKind::Acute) {
            let items: usize = holdings.iter().filter_map(|holding| holding.sections.get(section)).map(Vec::len).sum();
            assert_eq!(count(&database, &format!("SELECT count(*) FROM [{section}]")), items, "{section}");
        }
    }

    #[test]
    fn there_is_a_table_for_each_section_that_is_held_and_for_no_other() {
        let (_folder, _, database) = written("RYD");
        let connection = Connection::open(&database.database).unwrap();
        let mut statement = connection.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
        let tables: BTreeSet<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let held = sections_held(weald_proto::OrganisationKind::Ambulance).iter().map(ToString::to_string);
        assert_eq!(tables, held.chain(["person".to_owned(), "coding".to_owned()]).collect());
    }

    #[test]
    fn local_words_stand_for_those_of_the_contract() {
        let (_folder, _, database) = written("G99001");
        assert_eq!(count(&database, "SELECT count(*) FROM medications WHERE supply NOT IN ('A', 'R')"), 0);
        assert!(count(&database, "SELECT count(*) FROM medications WHERE supply = 'R'") > 0);
    }

    #[test]
    fn no_column_is_declared_twice_in_a_table() {
        for section in Section::ALL {
            let names: Vec<&str> = columns(*section).map(|column| column.name).collect();
            assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{section}");
        }
    }

    #[test]
    fn a_database_is_never_written_over_and_a_stranger_has_none() {
        let (folder, people, _) = written("RVV");
        let problem = write_database(folder.path(), "RVV", &people).unwrap_err();
        assert!(problem.to_string().contains("exists already"));
        assert!(
            write_database(folder.path(), "X1", &people).unwrap_err().to_string().contains("X1 is no organisation")
        );
    }
}
