//! An SQLite database as it is in life: tables go, rows do not fit, somebody is writing.

#![cfg(test)]

mod common;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use tempfile::TempDir;
use weald_node::source::SqliteDatabase;
use weald_node::{Person, RecordStore};
use weald_proto::wire::item::Detail;
use weald_proto::{Section, SectionState, UnavailableCause};

const ONE: &str = "9990000018";

const SCHEMA: &str = "
    CREATE TABLE patient (id INTEGER, nhs_number TEXT, born TEXT, surname TEXT);
    INSERT INTO patient VALUES (7, '9990000018', '1950-04-01', 'Ashenhurst'), (8, '9990000026', '1960-01-01', 'Other');
    CREATE TABLE problem (patient INTEGER, nhs TEXT, term TEXT, wrong TEXT);
    INSERT INTO problem VALUES (7, '9990000018', 'Asthma', '0'), (8, '9990000026', 'Gout', '0');
    CREATE TABLE allergy (patient INTEGER, snomed TEXT, term TEXT);
    CREATE TABLE letter (patient INTEGER);
    INSERT INTO letter VALUES (7), (7), (8);";

const MAPPING: &str = "
    [person]
    query = 'SELECT * FROM patient WHERE nhs_number = :nhs_number'
    id = 'id'
    columns = { born = 'birth_date', surname = 'names.family' }
    [sections.conditions]
    table = 'problem'
    person = 'patient'
    nhs_number = 'nhs'
    columns = { term = 'text', wrong = 'entered_in_error' }
    [sections.allergies]
    table = 'allergy'
    person = 'patient'
    columns = { snomed = 'codes.code', term = 'text' }
    constants = { 'codes.system' = 'http://snomed.info/sct' }
    [unmapped]
    letter = 'SELECT count(*) FROM letter WHERE patient = :person'";

struct Local {
    folder: TempDir,
}

impl Local {
    fn new() -> Self {
        let local = Local { folder: tempfile::tempdir().unwrap() };
        local.change(SCHEMA);
        local
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ehr.sqlite")
    }

    fn change(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn open(&self) -> SqliteDatabase {
        self.open_with(MAPPING)
    }

    fn open_with(&self, mapping: &str) -> SqliteDatabase {
        let path = self.folder.path().join("mapping.toml");
        std::fs::write(&path, mapping).unwrap();
        SqliteDatabase::open(&self.path(), &path).unwrap()
    }
}

async fn person(store: &SqliteDatabase) -> Person {
    store.read(&common::permitted(ONE)).await.unwrap().person.unwrap()
}

fn state(person: &Person, section: Section) -> (SectionState, Option<UnavailableCause>) {
    (person.sections[&section].state, person.sections[&section].cause)
}

const COULD_NOT_SAY: (SectionState, Option<UnavailableCause>) =
    (SectionState::Unavailable, Some(UnavailableCause::SourceError));

#[tokio::test]
async fn a_person_is_read_and_nobody_else() {
    let local = Local::new();
    let store = local.open();
    assert_eq!(store.notices(), []);
    let one = person(&store).await;
    assert_eq!(one.identity.birth_date, "1950-04-01");
    assert_eq!(one.identity.names[0].family, "Ashenhurst");
    let [condition] = &one.sections[&Section::Conditions].items[..] else { panic!("one condition") };
    assert_eq!(condition.text, "Asthma");
    assert!(matches!(condition.detail, Some(Detail::Condition(_))));
    assert!(condition.source_record_id.starts_with("conditions/sha256:"), "a stable id where none is mapped");
    assert_eq!(state(&one, Section::Allergies).0, SectionState::NoneRecorded);
    assert_eq!(state(&one, Section::Results).0, SectionState::NotHeld);
    assert_eq!(one.unmapped["letter"], 2);
    let stranger = store.read(&common::permitted("9990000034")).await.unwrap();
    assert!(stranger.person.is_none());
}

#[tokio::test]
async fn a_query_that_names_the_person_in_a_comment_only_is_refused_when_it_is_opened() {
    let local = Local::new();
    let everybody = MAPPING
        .replace("table = 'problem'\n    person = 'patient'", "query = 'SELECT * FROM problem -- patient = :person'");
    let store = local.open_with(&everybody);
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert_eq!(notice.place, "sections.conditions");
    assert!(notice.problem.contains("one person"), "{notice}");
    let one = person(&store).await;
    assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY);
    assert!(one.sections[&Section::Conditions].items.is_empty(), "nobody else's problems");

    let path = local.folder.path().join("mapping.toml");
    std::fs::write(&path, MAPPING.replace("WHERE nhs_number = :nhs_number", "/* :nhs_number */")).unwrap();
    let error = SqliteDatabase::open(&local.path(), &path).err().unwrap().to_string();
    assert!(error.contains("person.query") && error.contains("one person"), "{error}");
}

#[tokio::test]
async fn a_number_that_a_row_repeats_in_groups_is_the_same_number() {
    let local = Local::new();
    local.change("UPDATE problem SET nhs = '999 000 0018' WHERE patient = 7");
    let one = person(&local.open()).await;
    assert_eq!(one.sections[&Section::Conditions].items.len(), 1);
    assert_eq!(one.dropped, 0);
}

#[tokio::test]
async fn a_table_or_column_that_is_missing_is_named_and_costs_its_section_only() {
    let local = Local::new();
    local.change("DROP TABLE allergy; ALTER TABLE problem DROP COLUMN wrong");
    let store = local.open();
    let notices: Vec<String> = store.notices().iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 2);
    assert!(notices[0].contains("sections.allergies: no such table: allergy"), "{notices:?}");
    assert!(notices[1].contains("sections.conditions: there is no column wrong"), "{notices:?}");
    let one = person(&store).await;
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
    assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY);
    assert_eq!(one.unmapped["letter"], 2, "the rest goes on");
}

#[tokio::test]
async fn a_table_that_goes_after_the_opening_is_noticed() {
    let local = Local::new();
    let store = local.open();
    assert_eq!(state(&person(&store).await, Section::Allergies).0, SectionState::NoneRecorded);
    local.change("DROP TABLE allergy");
    assert_eq!(state(&person(&store).await, Section::Allergies), COULD_NOT_SAY);
}

#[tokio::test]
async fn what_is_put_back_heals_without_opening_the_database_again() {
    let local = Local::new();
    let store = local.open();
    local.change("DROP TABLE allergy; ALTER TABLE problem RENAME COLUMN term TO words");
    let one = person(&store).await;
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
    assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY);
    let notices: Vec<String> = store.notices().iter().map(ToString::to_string).collect();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].starts_with("sections.allergies: no such table: allergy: put it back"), "{notices:?}");
    assert!(notices[1].starts_with("sections.conditions: there is no column term: put it back"), "{notices:?}");
    local.change(
        "CREATE TABLE allergy (patient INTEGER, snomed TEXT, term TEXT); ALTER TABLE problem RENAME COLUMN words TO term",
    );
    let one = person(&store).await;
    assert_eq!(state(&one, Section::Allergies).0, SectionState::NoneRecorded);
    assert_eq!(state(&one, Section::Conditions).0, SectionState::Present);
    assert_eq!(store.notices(), []);
}

#[tokio::test]
async fn a_column_of_a_mapped_table_that_no_field_takes_is_named() {
    let local = Local::new();
    local.change("ALTER TABLE allergy ADD COLUMN severity TEXT");
    let store = local.open();
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert_eq!(notice.place, "sections.allergies.columns");
    assert!(notice.problem.contains("nothing is shown of column severity"), "{notice}");
    local.change("ALTER TABLE problem ADD COLUMN since TEXT; ALTER TABLE allergy DROP COLUMN severity");
    assert_eq!(state(&person(&store).await, Section::Conditions).0, SectionState::Present, "what is mapped is there");
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(notice.place == "sections.conditions.columns" && notice.problem.contains("column since"), "{notice}");
}

#[tokio::test]
async fn a_file_that_is_no_database_or_half_of_one_is_an_error_until_the_database_is_back() {
    let local = Local::new();
    let store = local.open();
    assert_eq!(person(&store).await.sections[&Section::Conditions].items.len(), 1);
    let whole = std::fs::read(local.path()).unwrap();
    let text = "Exported on Monday, see the other folder.\n".repeat(200);
    let half = &whole[..whole.len() / 2];
    for (broken, said) in [(text.as_bytes(), "not an SQLite database"), (half, "is damaged"), (b"", "no such table")] {
        // In place: the file is the same, and connections to it are open.
        std::fs::write(local.path(), broken).unwrap();
        let error = store.read(&common::permitted(ONE)).await.unwrap_err().to_string();
        assert!(error.contains("ehr.sqlite") && error.contains(said), "{error}");
        let [notice] = &store.notices()[..] else { panic!("{:?}", store.notices()) };
        assert!(notice.place == "the database" && notice.problem.contains(said), "{notice}");
        std::fs::write(local.path(), &whole).unwrap();
        assert_eq!(person(&store).await.sections[&Section::Conditions].items.len(), 1, "it is back");
        assert_eq!(store.notices(), []);
    }
}

#[tokio::test]
async fn a_value_of_a_kind_that_its_field_does_not_take_is_named_by_row_and_column() {
    for (value, said) in [
        ("x'00ff'", "holds bytes"),
        ("CAST(x'ff' AS TEXT)", "not UTF-8"),
        ("2.5", "must be 1, 0, true or false"),
        ("printf('%.*c', 9000000, 'x')", "more than an answer"),
    ] {
        let local = Local::new();
        local.change(&format!("INSERT INTO problem VALUES (7, '9990000018', 'Gout', {value})"));
        let store = local.open();
        let one = person(&store).await;
        assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY);
        assert_eq!(one.sections[&Section::Conditions].items.len(), 1, "the other row");
        let [notice] = &store.notices()[..] else { panic!("one notice") };
        assert!(notice.problem.starts_with("row 2: column wrong: ") && notice.problem.contains(said), "{notice}");
    }
}

#[tokio::test]
async fn a_word_on_freshness_that_cannot_be_read_is_named() {
    let local = Local::new();
    local.change("CREATE TABLE load (at TEXT); INSERT INTO load VALUES ('Monday')");
    let store = local.open_with(&format!("as_of = 'SELECT max(at) FROM load'\n{MAPPING}"));
    person(&store).await;
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(notice.place == "as_of" && notice.problem.contains("RFC 3339") && !notice.problem.contains("Monday"));
}

#[tokio::test]
async fn a_row_that_does_not_fit_makes_its_section_unavailable_and_loses_no_other_row() {
    let local = Local::new();
    local.change("INSERT INTO problem VALUES (7, '9990000018', 'Gout', 'perhaps'), (7, '9990000018', 'Eczema', '1')");
    let one = person(&local.open()).await;
    assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY);
    let texts: Vec<&str> = one.sections[&Section::Conditions].items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(texts, ["Asthma", "Eczema"]);
}

#[tokio::test]
async fn a_row_with_another_nhs_number_is_dropped_and_counted() {
    let local = Local::new();
    local.change("INSERT INTO problem VALUES (7, '9990000026', 'Gout', '0'), (7, NULL, 'Gout', '0')");
    let one = person(&local.open()).await;
    assert_eq!(one.sections[&Section::Conditions].items.len(), 1);
    assert_eq!(one.dropped, 2);
}

#[tokio::test]
async fn a_whole_negation_asserts_that_there_is_nothing() {
    let local = Local::new();
    local.change("INSERT INTO allergy VALUES (7, '716186003', 'No known allergy')");
    let one = person(&local.open()).await;
    assert_eq!(state(&one, Section::Allergies).0, SectionState::AssertedNone);
    let detail = one.sections[&Section::Allergies].items[0].detail.clone();
    assert!(matches!(detail, Some(Detail::Allergy(allergy)) if allergy.is_negation));
}

#[tokio::test]
async fn two_local_ids_of_one_number_are_one_person() {
    let local = Local::new();
    local.change("INSERT INTO patient VALUES (9, '9990000018', '1950-04-01', 'Ashenhurst-Jones'); INSERT INTO problem VALUES (9, '9990000018', 'Gout', '0')");
    let one = person(&local.open()).await;
    assert_eq!(one.sections[&Section::Conditions].items.len(), 2);
    assert_eq!(one.identity.names.len(), 2);
    assert_eq!(one.identity.birth_date, "1950-04-01");
    local.change("UPDATE patient SET born = '1950-04-02' WHERE id = 9");
    assert_eq!(person(&local.open()).await.identity.birth_date, "", "they disagree, so there is none");
}

#[tokio::test]
async fn a_locked_database_is_an_error_and_not_an_empty_record() {
    let local = Local::new();
    let store = local.open();
    let writer = Connection::open(local.path()).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.read(&common::permitted(ONE)).await.unwrap_err().to_string();
    assert!(error.contains("locked"), "{error}");
    writer.execute_batch("COMMIT").unwrap();
    assert_eq!(person(&store).await.sections[&Section::Conditions].items.len(), 1);
}

#[tokio::test]
async fn a_reading_that_nobody_waits_for_is_interrupted_and_the_next_one_works() {
    let local = Local::new();
    let endless = MAPPING.replace(
        "table = 'allergy'\n    person = 'patient'",
        "query = 'WITH RECURSIVE n(snomed, term) AS (SELECT :person, 1 UNION ALL SELECT snomed, term + 1 FROM n) SELECT * FROM n WHERE term < 0'",
    );
    let store = local.open_with(&endless);
    let permitted = common::permitted(ONE);
    let given_up = tokio::time::timeout(Duration::from_millis(50), store.read(&permitted)).await;
    assert!(given_up.is_err());
    // Only an interrupted query lets go of its lock on the database.
    let writer = Connection::open(local.path()).unwrap();
    writer.busy_timeout(Duration::from_secs(20)).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE; COMMIT").unwrap();
}

#[tokio::test]
async fn a_database_that_was_replaced_is_opened_again() {
    let local = Local::new();
    let store = local.open();
    assert_eq!(person(&store).await.sections[&Section::Conditions].items.len(), 1);
    let newer = local.folder.path().join("newer.sqlite");
    let script = SCHEMA.replace("'Asthma', '0')", "'Asthma', '0'), (7, '9990000018', 'Gout', '0')");
    Connection::open(&newer).unwrap().execute_batch(&script).unwrap();
    std::fs::rename(&newer, local.path()).unwrap();
    assert_eq!(person(&store).await.sections[&Section::Conditions].items.len(), 2);
    std::fs::remove_file(local.path()).unwrap();
    assert!(store.read(&common::permitted(ONE)).await.is_err());
}

#[tokio::test]
async fn a_query_that_writes_is_refused() {
    let local = Local::new();
    let store = local.open_with(&MAPPING.replace(
        "table = 'allergy'\n    person = 'patient'",
        "query = 'DELETE FROM allergy WHERE patient = :person RETURNING *'",
    ));
    assert!(store.notices()[0].problem.contains("writes"), "{:?}", store.notices());
    assert_eq!(state(&person(&store).await, Section::Allergies), COULD_NOT_SAY);
}

#[tokio::test]
async fn the_same_row_gives_the_same_digest_and_another_row_another() {
    let local = Local::new();
    let store = local.open();
    let digests = |person: &Person| -> Vec<Vec<u8>> {
        person.sections[&Section::Conditions].items.iter().map(|item| item.raw_digest.clone()).collect()
    };
    let before = digests(&person(&store).await);
    assert_eq!(digests(&person(&store).await), before);
    local.change("UPDATE problem SET term = 'Asthma attack' WHERE patient = 7");
    assert_ne!(digests(&person(&store).await), before);
}

#[tokio::test]
async fn the_mapping_says_how_fresh_the_data_are_else_the_file_does() {
    let local = Local::new();
    local.change("CREATE TABLE load (at TEXT); INSERT INTO load VALUES ('2026-05-01T09:00:00Z')");
    let store = local.open_with(&format!("as_of = 'SELECT max(at) FROM load'\n{MAPPING}"));
    let record = store.read(&common::permitted(ONE)).await.unwrap();
    assert_eq!(record.as_of.to_string(), "2026-05-01T09:00:00.000Z");
    let by_file = local.open().read(&common::permitted(ONE)).await.unwrap();
    assert!(by_file.as_of > record.as_of);
}

#[test]
fn the_example_in_the_documentation_parses() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sqlite-mapping.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = |language: &str| page.split(&format!("```{language}\n")).nth(1).unwrap().split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (database, mapping) = (folder.path().join("ehr.sqlite"), folder.path().join("mapping.toml"));
    Connection::open(&database).unwrap().execute_batch(block("sql")).unwrap();
    std::fs::write(&mapping, block("toml")).unwrap();
    let store = SqliteDatabase::open(&database, &mapping).unwrap();
    assert_eq!(store.notices(), []);
}

#[test]
fn mistakes_in_a_mapping_are_all_named_at_once() {
    let local = Local::new();
    let path = local.folder.path().join("mapping.toml");
    std::fs::write(&path, MAPPING.replace("'text'", "'txet'").replace("'codes.code'", "'codes.cod'")).unwrap();
    let error = SqliteDatabase::open(&local.path(), &path).unwrap_err().to_string();
    assert!(
        error.contains("sections.conditions.columns.term: txet is not a field of Item: did you mean text?"),
        "{error}"
    );
    assert!(
        error.contains("sections.allergies.columns.snomed: cod is not a field of Coding: did you mean code?"),
        "{error}"
    );
}
