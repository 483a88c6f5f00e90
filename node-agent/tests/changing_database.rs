//! A database while it is written: whatever may have changed since somebody looked last is seen.

#![cfg(test)]

use std::fs;

use rusqlite::Connection;
use weald_node::source::SqliteDatabase;
use weald_node::{Change, RecordStore as _, Watch};
use weald_proto::Timestamp;

/// SQLite counts commits: no clock matters.
const LATER: Timestamp = Timestamp::from_secs(4_000_000_000);

const MAPPING: &str = r#"
[sections]

[person]
query = "SELECT id, nhs_number, born, family FROM people WHERE nhs_number = :nhs_number"
id = "id"

[person.columns]
nhs_number = "nhs_number"
born = "birth_date"
"#;

/// A database, in that journal mode, and the connection of whoever writes it.
fn database(mode: &str) -> (tempfile::TempDir, Connection, Box<dyn Watch>) {
    let folder = tempfile::tempdir().unwrap();
    let (path, mapping) = (folder.path().join("records.sqlite"), folder.path().join("mapping.toml"));
    let writer = Connection::open(&path).unwrap();
    let setup = format!("PRAGMA journal_mode = {mode}; CREATE TABLE people (id, nhs_number, born, family)");
    writer.execute_batch(&setup).unwrap();
    fs::write(&mapping, MAPPING).unwrap();
    let mut watch = SqliteDatabase::open(&path, &mapping).unwrap().watch().unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything);
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
    (folder, writer, watch)
}

#[test]
fn a_database_tells_of_every_commit_and_of_nothing_that_was_not_committed() {
    for mode in ["wal", "delete"] {
        let (_folder, writer, mut watch) = database(mode);
        writer.execute_batch("BEGIN; INSERT INTO people VALUES (1, '9990000018', '1950-04-01', 'A')").unwrap();
        let open = watch.look(LATER).unwrap();
        assert!(mode == "wal" && open == Change::Nothing || mode == "delete", "{mode}: {open:?}");
        writer.execute_batch("COMMIT").unwrap();
        assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "{mode}");
        assert_eq!(watch.look(LATER).unwrap(), Change::Nothing, "{mode}");
        writer.execute_batch("UPDATE people SET family = 'B'").unwrap();
        assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "{mode}");
    }
}

#[test]
fn a_database_that_somebody_locks_or_replaces_may_have_changed() {
    let (folder, writer, mut watch) = database("delete");
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "nobody can look");
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "what happened meanwhile nobody knows");
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
    drop(writer);
    let path = folder.path().join("records.sqlite");
    fs::copy(&path, folder.path().join("copy")).unwrap();
    fs::rename(folder.path().join("copy"), &path).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything);
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
    fs::remove_file(&path).unwrap();
    assert!(watch.look(LATER).is_err());
}
