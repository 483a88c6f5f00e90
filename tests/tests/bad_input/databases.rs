//! Databases that are locked, lose tables and columns, or are none.

use rusqlite::Connection;
use weald_proto::Section;

use crate::record::{BORN, FAMILY, NUMBER, WORDS};
use crate::world::{HELD, World};

const MAPPING: &str = "
    [person]
    query = 'SELECT * FROM patient WHERE nhs_number = :nhs_number'
    id = 'id'
    columns = { born = 'birth_date', surname = 'names.family' }
    [sections.conditions]
    table = 'problem'
    person = 'patient'
    columns = { id = 'source_record_id', term = 'text', wrong = 'entered_in_error' }
    [sections.allergies]
    table = 'allergy'
    person = 'patient'
    columns = { snomed = 'codes.code', term = 'text' }
    [sections.procedures]
    table = 'operation'
    person = 'patient'
    columns = { term = 'text' }";

/// What the hospital tells of the person.
const CONDITION: [&str; 1] = ["Condition/7"];

async fn world() -> World {
    let schema = format!(
        "CREATE TABLE patient (id INTEGER, nhs_number TEXT, born TEXT, surname TEXT);
         INSERT INTO patient VALUES (7, '{NUMBER}', '{BORN}', '{FAMILY}');
         CREATE TABLE problem (id TEXT, patient INTEGER, term TEXT, wrong TEXT);
         INSERT INTO problem VALUES ('Condition/7', 7, '{}', '0');
         CREATE TABLE allergy (patient INTEGER, snomed TEXT, term TEXT);
         CREATE TABLE operation (patient INTEGER, term TEXT);",
        WORDS.replace('\'', "''")
    );
    let world = World::of_database(&schema, MAPPING).await;
    world.is_well(&CONDITION).await;
    world
}

fn change(world: &World, sql: &str) {
    Connection::open(world.folder().join("ehr.sqlite")).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_a_writer_locks_and_lets_go() {
    let world = world().await;
    let writer = Connection::open(world.folder().join("ehr.sqlite")).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&["is locked by a program that writes: every view tries again"]).await;
    writer.execute_batch("COMMIT").unwrap();
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_dropped_and_made_again() {
    let world = world().await;
    change(&world, "ALTER TABLE allergy RENAME TO old_allergy");
    world.is_in_doubt(&[Section::Allergies], &CONDITION).await;
    world.names(&["sections.allergies", "no such table: allergy: put it back, or correct the mapping"]).await;
    change(&world, "CREATE TABLE allergy (patient INTEGER, snomed TEXT, term TEXT); DROP TABLE old_allergy");
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_the_people_that_is_dropped_and_put_back() {
    let world = world().await;
    change(&world, "ALTER TABLE patient RENAME TO people");
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&["person.query: no such table: patient: put it back, or correct the mapping"]).await;
    change(&world, "ALTER TABLE people RENAME TO patient");
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_is_renamed_and_renamed_back() {
    let world = world().await;
    change(&world, "ALTER TABLE problem RENAME COLUMN term TO words");
    world.is_in_doubt(&[Section::Conditions], &[]).await;
    world.names(&["sections.conditions", "there is no column term: put it back, or correct the mapping"]).await;
    change(&world, "ALTER TABLE problem RENAME COLUMN words TO term");
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_no_mapping_names() {
    let world = world().await;
    change(&world, "ALTER TABLE problem ADD COLUMN remark TEXT");
    world.is_well(&CONDITION).await;
    world.names(&["sections.conditions.columns", "nothing is shown of column remark: map it"]).await;
    change(&world, "ALTER TABLE problem DROP COLUMN remark");
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_whose_value_does_not_fit_its_field() {
    let world = world().await;
    change(&world, &format!("INSERT INTO problem VALUES ('Condition/8', 7, 'Gout', '{BORN}')"));
    world.is_in_doubt(&[Section::Conditions], &CONDITION).await;
    world.names(&["sections.conditions", "row 2: column wrong: must be 1, 0, true or false"]).await;
    change(&world, "UPDATE problem SET wrong = '0'");
    world.heals(&["Condition/7", "Condition/8"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_overwritten_by_a_text_and_restored() {
    let world = world().await;
    let whole = std::fs::read(world.folder().join("ehr.sqlite")).unwrap();
    world.write("ehr.sqlite", format!("Exported for {FAMILY}. ").repeat(500));
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&["is not an SQLite database: put the database back"]).await;
    world.write("ehr.sqlite", &whole);
    world.heals(&CONDITION).await;

    world.write("ehr.sqlite", &whole[..whole.len() / 2]);
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&["is damaged: restore it from a copy"]).await;
    world.write("ehr.sqlite", &whole);
    world.heals(&CONDITION).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_disappears_and_is_put_back() {
    let world = world().await;
    let (file, away) = (world.folder().join("ehr.sqlite"), world.folder().join("away"));
    std::fs::rename(&file, &away).unwrap();
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&["the file cannot be found: entity not found: put it back"]).await;
    assert!(!file.exists(), "nobody makes an empty database in its place");
    std::fs::rename(&away, &file).unwrap();
    world.heals(&CONDITION).await;
    world.end().await;
}
