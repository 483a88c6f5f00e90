//! A federation over the population, some of whose sources are broken in ways that show values.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;
use tempfile::TempDir;
use weald_broker::ask::{Answering, AskNode};
use weald_broker::locate::Located;
use weald_broker::room::Allowance;
use weald_node::RecordStore;
use weald_node::source::{BundleFolder, SqliteDatabase};
use weald_proto::env::Env;
use weald_proto::{OdsCode, OrganisationKind, Section, wire};
use weald_tests::federation::{Federation, MemberSpec, Source, alter};
use weald_tests::population::{self, DEMO, HOPFIELD, Person, sections_held};
use weald_tests::silence::Recorder;
use weald_tests::writer::{IDENTITIES, write_database, write_folder};

/// Some are known under another birth date somewhere: those begin at 10.
const PEOPLE: u32 = 16;

/// A practice whose bundles are broken.
pub(crate) const BROKEN_BUNDLES: &str = "G99901";
/// A practice whose database has values where they do not belong.
pub(crate) const BROKEN_ROWS: &str = "G99902";
/// A practice whose mapping names what is not there.
pub(crate) const BROKEN_MAPPING: &str = "G99903";

/// How many ways there are here to break a file.
const WAYS: usize = 8;

pub(crate) struct World {
    pub(crate) federation: Federation,
    pub(crate) people: Vec<Person>,
    /// Whether answers are altered on their way.
    pub(crate) altering: Arc<AtomicBool>,
    pub(crate) folder: TempDir,
}

pub(crate) fn people() -> Vec<Person> {
    population::people(1, PEOPLE).collect()
}

impl World {
    pub(crate) async fn build(people: Vec<Person>, recorder: &Recorder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let altering = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&altering);
        let mut builder = Federation::builder(folder.path(), Env::system())
            .between(move |direct| Arc::new(Altering { direct, on: switch }));
        for (index, organisation) in DEMO.iter().enumerate() {
            let place = folder.path().join(organisation.ods);
            let store = well(&place, organisation.ods, index.is_multiple_of(2), &people);
            let sections = sections_held(organisation.kind);
            builder = builder.member(member(organisation.ods, organisation.kind, sections, store));
        }
        let place = |ods: &str| folder.path().join(ods);
        for (ods, store) in [
            (BROKEN_BUNDLES, broken_bundles(&place(BROKEN_BUNDLES), &people, recorder)),
            (BROKEN_ROWS, broken_rows(&place(BROKEN_ROWS), &people)),
            (BROKEN_MAPPING, broken_mapping(&place(BROKEN_MAPPING), &people, recorder)),
        ] {
            let kind = OrganisationKind::GpPractice;
            builder = builder.member(member(ods, kind, sections_held(kind), store));
        }
        World { federation: builder.start().await.unwrap(), people, altering, folder }
    }
}

fn member(ods: &str, kind: OrganisationKind, sections: &[Section], store: Arc<dyn RecordStore>) -> MemberSpec {
    MemberSpec {
        organisation: OdsCode::parse(ods).unwrap(),
        name: ods.to_owned(),
        kind,
        sections: sections.iter().copied().collect(),
        source: Source::Store(store),
        cache_seconds: 0,
        local_policies: None,
    }
}

fn well(place: &Path, ods: &str, is_database: bool, people: &[Person]) -> Arc<dyn RecordStore> {
    if is_database {
        let written = write_database(place, ods, people).unwrap();
        Arc::new(SqliteDatabase::open(&written.database, &written.mapping).unwrap())
    } else {
        write_folder(place, ods, people).unwrap();
        Arc::new(BundleFolder::open(place, Some(&place.join(IDENTITIES))).unwrap())
    }
}

/// Each file is broken in another way, and wherever it can, its error would be about a value of the person.
fn broken_bundles(place: &Path, people: &[Person], recorder: &Recorder) -> Arc<dyn RecordStore> {
    write_folder(place, HOPFIELD.ods, people).unwrap();
    let known: Vec<&Person> = people.iter().filter(|person| person.holding(HOPFIELD.ods).is_some()).collect();
    assert!(known.len() >= WAYS, "too few for every way to break a file");
    for (index, person) in known.into_iter().enumerate() {
        let local = &person.holding(HOPFIELD.ods).unwrap().local_id.value;
        let file = place.join(format!("{local}.json"));
        let text = std::fs::read_to_string(&file).unwrap();
        let mut bundle: Value = serde_json::from_str(&text).unwrap();
        let name = &person.identity.name.text;
        let garbled = match index % WAYS {
            0 => {
                garble(&mut bundle, name, &["status", "code", "reference"]);
                bundle.to_string()
            }
            1 => text.get(..text.floor_char_boundary(text.len() * 2 / 3)).unwrap().to_owned(),
            2 => text.replacen("\"resourceType\":\"Patient\"", &format!("\"resourceType\":\"{name}\""), 1),
            3 => {
                garble(&mut bundle, name, &["birthDate", "onsetDateTime", "recordedDate", "start", "lastUpdated"]);
                bundle.to_string()
            }
            4 => {
                garble(&mut bundle, name, &["name", "identifier", "entry"]);
                bundle.to_string()
            }
            5 => format!("{text} {name}"),
            // A reader that wants an object is told which string it got instead.
            6 => Value::String(name.clone()).to_string(),
            _ => {
                garble(&mut bundle, name, &["type", "system", "id", "fullUrl"]);
                bundle.to_string()
            }
        };
        std::fs::write(&file, garbled).unwrap();
    }
    let identities = place.join(IDENTITIES);
    let rows = std::fs::read_to_string(&identities).unwrap();
    let unbalanced = place.join("unbalanced.csv");
    std::fs::write(&unbalanced, format!("{rows}{},{}\n", people[0].identity.nhs_number, people[0].identity.name.text))
        .unwrap();
    if let Err(error) = BundleFolder::open(place, Some(&unbalanced)) {
        recorder.error(&error);
    }
    let folder = BundleFolder::open(place, Some(&identities)).unwrap();
    assert!(!folder.notices().is_empty(), "broken files are noticed");
    recorder.value(&folder.notices());
    recorder.value(&folder);
    Arc::new(folder)
}

fn garble(value: &mut Value, with: &str, keys: &[&str]) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if key != "resource" && keys.contains(&key.as_str()) && !(key == "entry" && field.is_array()) {
                    *field = Value::String(with.to_owned());
                } else {
                    garble(field, with, keys);
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| garble(value, with, keys)),
        _ => {}
    }
}

/// In each row another column holds the name of a person.
fn broken_rows(place: &Path, people: &[Person]) -> Arc<dyn RecordStore> {
    let written = write_database(place, HOPFIELD.ods, people).unwrap();
    let database = rusqlite::Connection::open(&written.database).unwrap();
    let name = &people[0].identity.name.text;
    for section in sections_held(HOPFIELD.kind) {
        let statement = database.prepare(&format!("SELECT * FROM [{section}]")).unwrap();
        let columns: Vec<String> = statement.column_names().skip(2).map(str::to_owned).collect();
        for (index, column) in columns.iter().enumerate() {
            let update = format!("UPDATE [{section}] SET [{column}] = ?1 WHERE entry % {} = {index}", columns.len());
            database.execute(&update, [name]).unwrap();
        }
    }
    Arc::new(SqliteDatabase::open(&written.database, &written.mapping).unwrap())
}

fn broken_mapping(place: &Path, people: &[Person], recorder: &Recorder) -> Arc<dyn RecordStore> {
    let written = write_database(place, HOPFIELD.ods, people).unwrap();
    let mapping = std::fs::read_to_string(&written.mapping).unwrap();
    let unknown = place.join("unknown.toml");
    std::fs::write(&unknown, mapping.replace("surname = \"names.family\"", "surname = \"names.nonsense\"")).unwrap();
    let error = SqliteDatabase::open(&written.database, &unknown).unwrap_err();
    recorder.error(&error);
    let missing = place.join("missing.toml");
    std::fs::write(&missing, mapping.replace("table = \"allergies\"", "table = \"elsewhere\"")).unwrap();
    let database = SqliteDatabase::open(&written.database, &missing).unwrap();
    recorder.value(&database.notices());
    Arc::new(database)
}

struct Altering {
    direct: Arc<dyn AskNode>,
    on: Arc<AtomicBool>,
}

impl AskNode for Altering {
    fn ask<'a>(
        &'a self,
        located: &'a Located,
        organisation: &'a OdsCode,
        query: wire::SignedMessage,
        allowance: Arc<Allowance>,
    ) -> Answering<'a> {
        Box::pin(async move {
            let mut answer = self.direct.ask(located, organisation, query, allowance).await?;
            if self.on.load(Ordering::SeqCst) {
                let part = answer.parts.iter_mut().find(|part| !part.content.is_empty());
                if let Some(part) = part {
                    alter(&mut part.content);
                }
            }
            Ok(answer)
        })
    }
}
