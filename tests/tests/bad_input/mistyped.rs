//! A good bundle in which one value after another is of the wrong type.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use weald_node::source::BundleFolder;
use weald_node::{Person, RecordStore};
use weald_policy::{Engine, Permitted};
use weald_proto::{Section, SectionState};
use weald_tests::population::{HOPFIELD, person};
use weald_tests::writer::{BundleKind, write_bundle};

use crate::permit::permitted;

/// What a value is replaced by: of these, whatever it is not.
fn others() -> [Value; 5] {
    [json!(5), json!(true), json!("x"), json!({ "x": "x" }), json!(["x"])]
}

/// Every place in a value at which there is something.
fn places(value: &Value, place: &str, all: &mut Vec<String>) {
    let mut within = |key: &str, inner: &Value| {
        let place = format!("{place}/{}", key.replace('~', "~0").replace('/', "~1"));
        all.push(place.clone());
        places(inner, &place, all);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| within(key, inner)),
        Value::Array(elements) => {
            elements.iter().enumerate().for_each(|(index, inner)| within(&index.to_string(), inner));
        }
        _ => {}
    }
}

/// What a place is called in every bundle: the type of its resource, and the way there.
fn name_of(bundle: &Value, place: &str) -> String {
    let index = place.strip_prefix("/entry/").and_then(|rest| rest.split('/').next());
    let kind =
        index.and_then(|index| bundle["entry"][index.parse::<usize>().unwrap()]["resource"]["resourceType"].as_str());
    let steps = place.split('/').filter(|step| step.parse::<usize>().is_err());
    steps.fold(kind.unwrap_or_default().to_owned(), |name, step| name + "/" + step)
}

fn is_same_kind(one: &Value, other: &Value) -> bool {
    kind_of(one) == kind_of(other)
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "truth",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn said(person: &Person) -> impl Iterator<Item = (Section, SectionState, usize)> + '_ {
    person.sections.iter().map(|(section, reading)| (*section, reading.state, reading.items.len()))
}

/// What is wrong with what is told of the person while the value at a place is of another type.
async fn fault(folder: &Path, permitted: &Permitted, before: &Person) -> Option<String> {
    // An error is honest; and it is one if no file can be read.
    let Ok(store) = BundleFolder::open(folder, None) else { return None };
    let Ok(record) = store.read(permitted).await else { return None };
    let Some(now) = record.person else { return Some("the person is called unknown".to_owned()) };
    let lost = said(&now).find(|(section, state, items)| {
        let (was, had) = (before.sections[section].state, before.sections[section].items.len());
        let is_none = matches!(state, SectionState::NoneRecorded | SectionState::AssertedNone);
        (is_none && was != *state) || (*state == SectionState::Present && *items < had)
    });
    lost.map(|(section, state, items)| format!("{section} is called {state} with {items} items"))
}

/// Leaves out all but the first two resources of each type: the others have no field that these have not.
fn shorten(bundle: &mut Value) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    bundle["entry"].as_array_mut().unwrap().retain(|entry| {
        let count = seen.entry(entry["resource"]["resourceType"].to_string()).or_default();
        *count += 1;
        *count <= 2
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_silently_when_a_value_is_of_another_type() {
    let engine = Engine::baseline().unwrap();
    let (mut faults, mut tried) = (Vec::new(), BTreeSet::new());
    for (index, kind) in [(0, BundleKind::Searchset), (2, BundleKind::Document)] {
        let person = person(1, index);
        let holding = person.holding(HOPFIELD.ods).unwrap();
        let mut bundle = write_bundle(kind, &holding.identity, &holding.local_id, &holding.sections);
        if kind != BundleKind::Document {
            // A document lists what it holds, and would miss it.
            shorten(&mut bundle);
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        std::fs::write(&file, bundle.to_string()).unwrap();
        let permitted = permitted(&engine, person.identity.patient().unwrap());
        let store = BundleFolder::open(folder.path(), None).unwrap();
        let before = store.read(&permitted).await.unwrap().person.unwrap();
        let mut all = Vec::new();
        places(&bundle, "", &mut all);
        for (number, place) in all.iter().enumerate() {
            let value = bundle.pointer(place).unwrap();
            let others: Vec<Value> = others().into_iter().filter(|other| !is_same_kind(value, other)).collect();
            let other = &others[number % others.len()];
            // Two of a name are tried, and their types differ from name to name.
            let name = name_of(&bundle, place);
            let is_new = tried.iter().filter(|(known, _)| *known == name).count() < 2;
            if !is_new || !tried.insert((name, kind_of(other))) {
                continue;
            }
            let mut broken = bundle.clone();
            *broken.pointer_mut(place).unwrap() = other.clone();
            std::fs::write(&file, broken.to_string()).unwrap();
            if let Some(fault) = fault(folder.path(), &permitted, &before).await {
                faults.push(format!("{place} = {other}: {fault}"));
            }
        }
    }
    assert!(tried.len() > 500, "{}", tried.len());
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), tried.len(), faults.join("\n"));
}
