//! A folder of bundles while it is written: what is being read is never taken for nothing.

#![cfg(test)]

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use weald_node::source::BundleFolder;
use weald_proto::{Section, SectionState};

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
