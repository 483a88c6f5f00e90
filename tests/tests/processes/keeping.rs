//! Answers that a broker shows again, as processes: by leave of the organisation, and until its source changes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::Connection;
use tokio::time::Instant;
use weald_audit::Kind;
use weald_proto::{OdsCode, Outcome};
use weald_tests::population::{EAST_KENT, HOPFIELD, Organisation, Person, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind};
use weald_viewer::View;

use crate::serve::view;

const HOLDERS: [Holder; 2] = [
    Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite },
    Holder { organisation: &EAST_KENT, source: SourceKind::Bundles },
];
/// Within this a change is seen by the next view.
const SEEN: Duration = Duration::from_secs(1);
/// For processes to find each other.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker and both nodes, which let their answers be kept for a minute.
struct Site {
    estate: Estate,
    person: Person,
    nodes: Vec<Running>,
    _broker: Running,
    _folder: tempfile::TempDir,
}

impl Site {
    fn open(attaches: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<Person> = people(1, 2).collect();
        let mut estate = Estate::write(folder.path(), &HOLDERS, &people).unwrap();
        for holder in HOLDERS {
            if attaches {
                estate.attach(holder.organisation).unwrap();
            }
            let config = estate.node_config(holder.organisation);
            let text = fs::read_to_string(&config).unwrap();
            fs::write(&config, text.replacen("audit_log", "cache_seconds = 60\naudit_log", 1)).unwrap();
        }
        let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
        broker.wait_until_it_says("serving views").unwrap();
        let start = |holder: &Holder| Running::start(Program::Node, &estate.node_config(holder.organisation)).unwrap();
        let nodes: Vec<Running> = HOLDERS.iter().map(start).collect();
        for node in &nodes {
            node.wait_until_it_says("session begun").unwrap();
            assert!(node.stderr().contains("brokers may keep answers for 60 s"), "{}", node.stderr());
        }
        let person = people.into_iter().next().unwrap();
        Site { estate, person, nodes, _broker: broker, _folder: folder }
    }

    async fn view(&self) -> View {
        view(&self.estate, &self.person).await
    }

    /// Looks until both answers come from memory.
    async fn until_kept(&self) {
        let began = Instant::now();
        while !self.view().await.organisations().values().all(|came| came.is_cached()) {
            assert!(began.elapsed() < PATIENCE, "nothing is kept: {}", self.nodes[0].stderr());
        }
    }

    /// Changes something, and looks until that organisation is asked again.
    async fn is_seen(&self, organisation: &Organisation, change: impl FnOnce()) {
        let code = OdsCode::parse(organisation.ods).unwrap();
        self.until_kept().await;
        change();
        let began = Instant::now();
        loop {
            let asked = Instant::now();
            let view = self.view().await;
            let came = &view.organisations()[&code];
            if !came.is_cached() {
                assert_eq!(came.outcome(), Outcome::Answered);
                return;
            }
            assert!(asked - began < SEEN, "{} was not asked again", organisation.ods);
        }
    }

    fn file(&self, organisation: &Organisation, name: &str) -> std::path::PathBuf {
        self.estate.path(organisation.ods).join(name)
    }
}

fn write_again(folder: &Path) {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for file in files.filter(|path| path.extension().is_some_and(|extension| extension == "json")) {
        fs::File::options().append(true).open(file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
}

async fn what_is_kept_is_written_down_and_ends_with_a_change(attaches: bool) {
    let site = Site::open(attaches);
    site.until_kept().await;
    for holder in HOLDERS {
        let log = site.file(holder.organisation, &format!("{}.audit", holder.organisation.ods));
        let viewed = || {
            let entries = weald_audit::entries(&log).unwrap().so_far().map(Result::unwrap);
            entries.filter(|entry| entry.entry.kind == Kind::Viewed).count()
        };
        let began = Instant::now();
        while viewed() == 0 {
            assert!(began.elapsed() < PATIENCE, "no access notice at {}", holder.organisation.ods);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let bundles = site.file(&EAST_KENT, "bundles");
    site.is_seen(&EAST_KENT, || write_again(&bundles)).await;
    let database = site.file(&HOPFIELD, "records.sqlite");
    let commit = || Connection::open(&database).unwrap().execute_batch("CREATE TABLE written_since (x)").unwrap();
    site.is_seen(&HOPFIELD, commit).await;
    site.until_kept().await;
    for node in site.nodes {
        let ended = node.stop().unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains("are not seen"), "{}", ended.stderr);
    }
    let view = view(&site.estate, &site.person).await;
    assert!(view.organisations().values().all(|came| !came.is_cached() && came.outcome() == Outcome::Unreachable));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nodes_that_listen_let_be_kept_is_written_down_and_ends_with_a_change() {
    what_is_kept_is_written_down_and_ends_with_a_change(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nodes_that_attach_let_be_kept_is_written_down_and_ends_with_a_change() {
    what_is_kept_is_written_down_and_ends_with_a_change(true).await;
}
