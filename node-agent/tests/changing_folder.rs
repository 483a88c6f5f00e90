//! A folder of bundles while it is written: what is being read is never taken for nothing.

#![cfg(test)]

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use weald_node::source::BundleFolder;
use weald_node::{Change, RecordStore as _, Watch};
use weald_proto::{NhsNumber, Section, SectionState, Timestamp};

use self::bundles::{COULD_NOT_SAY, NOBODY, ONE, about, bundle, folder, open, patient, person, read, state};

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bundle of one person with that many of their conditions.
fn ill(id: &str, conditions: usize) -> String {
    let conditions = (0..conditions).map(|index| about("Condition", &format!("{id}-{index}"), id));
    bundle(&[patient(id, ONE)].into_iter().chain(conditions).collect::<Vec<_>>())
}

/// A bundle that takes long to read: every level of its nesting is read again by the one above it.
fn slow() -> String {
    let nested = format!("{}\"{}\"{}", "[".repeat(58), "x".repeat(3_000_000), "]".repeat(58));
    let condition = about("Condition", "slow", "2").replacen('{', &format!("{{\"extension\":{nested},"), 1);
    bundle(&[patient("2", ONE), condition])
}

async fn until_well(store: &BundleFolder) {
    let well = async {
        while state(&person(store, ONE).await, Section::Allergies).0 != SectionState::NoneRecorded {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, well).await.expect("it is read in the end");
}

#[tokio::test]
async fn while_a_file_is_being_read_the_others_are_told_and_nothing_is_called_none() {
    let folder = folder(&[("a.json", ill("1", 1))]);
    let store = open(folder.path());
    std::fs::write(folder.path().join("slow.json"), slow()).unwrap();
    let started = tokio::time::Instant::now();
    let one = person(&store, ONE).await;
    assert!(started.elapsed() < Duration::from_secs(5), "nobody waits for it: {:?}", started.elapsed());
    let conditions = one.sections[&Section::Conditions].items.len();
    let is_in_doubt = conditions == 1 && state(&one, Section::Allergies) == COULD_NOT_SAY;
    assert!(is_in_doubt || conditions == 2, "{conditions} conditions, and {:?}", state(&one, Section::Allergies));
    if let Err(error) = read(&store, NOBODY).await {
        let error = error.to_string();
        assert!(error.contains("slow.json cannot be read: has changed and is being read"), "{error}");
    }
    until_well(&store).await;
    assert!(read(&store, NOBODY).await.unwrap().person.is_none());
}

#[tokio::test]
async fn a_reading_that_is_given_up_does_not_have_the_next_one_begin_again() {
    let folder = folder(&[("a.json", ill("1", 1))]);
    let store = open(folder.path());
    std::fs::write(folder.path().join("slow.json"), slow()).unwrap();
    for _ in 0..20 {
        let permitted = common::permitted(ONE);
        let reading = weald_node::RecordStore::read(&store, &permitted);
        assert!(tokio::time::timeout(Duration::from_millis(5), reading).await.is_err());
    }
    assert!(threads("bundles") <= 1, "one thread reads what changed");
    until_well(&store).await;
}

/// How many threads of this process have that name.
fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|found| found.trim() == name).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_file_is_replaced_again_and_again_is_told_whole_or_in_doubt() {
    let folder = folder(&[("a.json", ill("1", 10)), ("b.json", bundle(&[patient("2", "9990000026")]))]);
    let store = open(folder.path());
    let stop = AtomicBool::new(false);
    let replace = |path: &Path| {
        let stranger = bundle(&[patient("3", "9990000042")]);
        let (file, beside) = (path.join("a.json"), path.join(".new"));
        for round in 0.. {
            // Whole files put in its place, a file written in place, somebody else's file, no file.
            match round % 4 {
                0 => std::fs::write(&file, ill("1", 12)).unwrap(),
                1 => std::fs::write(&file, &stranger).unwrap(),
                2 => std::fs::remove_file(&file).unwrap(),
                _ => {
                    std::fs::write(&beside, ill("1", 10)).unwrap();
                    std::fs::rename(&beside, &file).unwrap();
                }
            }
            if round % 4 == 3 && stop.load(Ordering::SeqCst) {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        let path = folder.path().to_owned();
        let writing = scope.spawn(move || replace(&path));
        let runtime = tokio::runtime::Handle::current();
        for _ in 0..150 {
            let Ok(record) = tokio::task::block_in_place(|| runtime.block_on(read(&store, ONE))) else { continue };
            let Some(one) = record.person else { continue };
            let conditions = one.sections[&Section::Conditions].items.len();
            let is_whole = [10, 12].contains(&conditions) && one.identity.birth_date == "1950-04-01";
            let is_in_doubt = state(&one, Section::Allergies) == COULD_NOT_SAY;
            assert!(is_whole || is_in_doubt, "{conditions} conditions of {:?}", state(&one, Section::Conditions));
        }
        stop.store(true, Ordering::SeqCst);
        writing.join().unwrap();
    });
    assert_eq!(person(&store, ONE).await.sections[&Section::Conditions].items.len(), 10, "it heals");
    assert_eq!(store.notices(), []);
}

#[tokio::test]
async fn a_file_of_the_same_size_and_time_is_noticed_when_it_is_another() {
    let (first, second) = (ill("1", 1), ill("1", 1).replace(ONE, "9990000026"));
    let folder = folder(&[("a.json", first)]);
    let store = open(folder.path());
    let (file, beside) = (folder.path().join("a.json"), folder.path().join(".new"));
    assert!(read(&store, ONE).await.unwrap().person.is_some());
    std::fs::write(&beside, second).unwrap();
    let time = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&beside).unwrap().set_modified(time).unwrap();
    std::fs::rename(&beside, &file).unwrap();
    assert!(read(&store, ONE).await.unwrap().person.is_none());
    assert!(read(&store, "9990000026").await.unwrap().person.is_some());
}

#[tokio::test]
async fn a_folder_that_disappears_is_a_notice_until_it_is_back() {
    let folder = folder(&[]);
    let own = folder.path().join("bundles");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("a.json"), ill("1", 1)).unwrap();
    let store = open(&own);
    std::fs::rename(&own, folder.path().join("away")).unwrap();
    let error = read(&store, ONE).await.unwrap_err().to_string();
    assert!(error.contains("bundles cannot be read: the folder cannot be listed"), "{error}");
    assert!(store.notices()[0].place.ends_with("bundles"), "{:?}", store.notices());
    std::fs::rename(folder.path().join("away"), &own).unwrap();
    assert_eq!(person(&store, ONE).await.sections[&Section::Conditions].items.len(), 1);
    assert_eq!(store.notices(), []);
}

#[tokio::test]
async fn a_file_that_is_too_large_is_named_and_not_even_opened() {
    let folder = folder(&[("a.json", ill("1", 1))]);
    let store = open(folder.path());
    let large = folder.path().join("large.json");
    // Nothing but a size: to read any of it would take some time.
    std::fs::File::create(&large).unwrap().set_len(1 << 40).unwrap();
    let one = person(&store, ONE).await;
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
    assert_eq!(one.sections[&Section::Conditions].items.len(), 1);
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(notice.place.ends_with("large.json") && notice.problem.contains("larger than 32 MB: split it"), "{notice}");
    std::fs::remove_file(&large).unwrap();
    until_well(&store).await;
}

const OTHER: &str = "9990000026";
/// Long after every file was written: none is too young to trust its stamp.
const LATER: Timestamp = Timestamp::from_secs(4_000_000_000);

fn people(numbers: &[&str]) -> Change {
    Change::People(numbers.iter().map(|number| NhsNumber::parse(number).unwrap()).collect())
}

fn of(number: &str) -> String {
    bundle(&[patient("1", number), about("Condition", "c", "1")])
}

fn watched(folder: &Path) -> Box<dyn Watch> {
    let mut watch = open(folder).watch().unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "of what was before nobody knows");
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
    watch
}

/// Looks until what is read at leisure is read.
fn settled(watch: &mut dyn Watch) -> Change {
    (0..500).map(|_| watch.look(LATER).unwrap()).find(|change| *change != Change::Anything).unwrap()
}

#[test]
fn a_folder_tells_of_the_people_in_the_files_that_changed_before_and_after() {
    let folder = folder(&[("a.json", of(ONE)), ("b.json", of(OTHER))]);
    let mut watch = watched(folder.path());
    std::fs::write(folder.path().join("a.json"), of(ONE).replace("\"c\"", "\"d\"")).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), people(&[ONE]));
    std::fs::write(folder.path().join("b.json"), of(NOBODY)).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), people(&[OTHER, NOBODY]), "who was in it, and who is");
    std::fs::remove_file(folder.path().join("b.json")).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), people(&[NOBODY]));
    std::fs::write(folder.path().join("c.json"), of(OTHER)).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), people(&[OTHER]), "a new file");
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
}

#[test]
fn what_may_concern_anybody_is_told_of_everybody() {
    let folder = folder(&[("a.json", of(ONE))]);
    let mut watch = watched(folder.path());
    let changes: [(&str, &str); 4] = [
        ("b.json", "no bundle"),
        ("export.ndjson", "{}"),
        (
            "c.json",
            r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Condition","id":"x"}}]}"#,
        ),
        (
            "d.json",
            r#"{"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"p2"}],"entry":[]}"#,
        ),
    ];
    for (name, text) in changes {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "{name} comes");
        assert_eq!(settled(&mut *watch), Change::Nothing);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(watch.look(LATER).unwrap(), Change::Anything, "{name} goes");
        assert_eq!(settled(&mut *watch), Change::Nothing);
    }
}

#[test]
fn a_file_that_changed_within_a_tick_of_the_clock_counts_as_changed_again() {
    let folder = folder(&[("a.json", of(ONE)), ("b.json", of(OTHER))]);
    let path = folder.path().join("a.json");
    let mut watch = watched(folder.path());
    std::fs::write(&path, of(ONE)).unwrap();
    let written = std::fs::metadata(&path).unwrap().modified().unwrap();
    let since = written.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let then = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap());
    for _ in 0..2 {
        // The other file may have been written within the same second.
        let change = watch.look(then.plus(Duration::from_millis(500))).unwrap();
        assert!(matches!(&change, Change::People(people) if people.contains(&NhsNumber::parse(ONE).unwrap())));
    }
    assert_eq!(watch.look(then.plus(Duration::from_secs(2))).unwrap(), Change::Nothing);
}

#[test]
fn a_folder_that_is_gone_is_an_error_and_whatever_comes_after_it_a_change() {
    let folder = folder(&[]);
    let own = folder.path().join("bundles");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("a.json"), of(ONE)).unwrap();
    let mut watch = watched(&own);
    std::fs::rename(&own, folder.path().join("away")).unwrap();
    assert!(watch.look(LATER).is_err());
    std::fs::rename(folder.path().join("away"), &own).unwrap();
    assert_eq!(watch.look(LATER).unwrap(), Change::Anything);
    assert_eq!(watch.look(LATER).unwrap(), Change::Nothing);
}
