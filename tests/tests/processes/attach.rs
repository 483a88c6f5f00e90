//! Nodes that dial in, as processes: stopped, killed, left by their broker.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use weald_proto::{OdsCode, Outcome, limit};
use weald_tests::population::{EAST_KENT, HOPFIELD, Organisation, Person, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind};
use weald_viewer::{View, ViewError};

use crate::serve::{patient, view};

const HOLDERS: [Holder; 2] = [
    Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite },
    Holder { organisation: &EAST_KENT, source: SourceKind::Bundles },
];
/// Beyond the deadline of a view, for a busy machine.
pub(crate) const MARGIN: Duration = Duration::from_secs(2);
/// Within this a link that is half open is noticed.
pub(crate) const NOTICED: Duration = Duration::from_secs(30);
/// For nodes to come back to a broker.
pub(crate) const BACK: Duration = Duration::from_secs(30);

struct Site {
    estate: Estate,
    people: Vec<Person>,
    broker: Running,
    nodes: Vec<Running>,
    _folder: tempfile::TempDir,
}

fn start_broker(estate: &Estate) -> Running {
    let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    broker
}

fn start_node(estate: &Estate, organisation: &Organisation) -> Running {
    let node = Running::start(Program::Node, &estate.node_config(organisation)).unwrap();
    node.wait_until_it_says(&format!("attaching the node of {}", organisation.ods)).unwrap();
    node
}

impl Site {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<Person> = people(1, 2).collect();
        let mut estate = Estate::write(folder.path(), &HOLDERS, &people).unwrap();
        for holder in HOLDERS {
            estate.attach(holder.organisation).unwrap();
        }
        let broker = start_broker(&estate);
        let nodes: Vec<Running> = HOLDERS.iter().map(|holder| start_node(&estate, holder.organisation)).collect();
        for node in &nodes {
            node.wait_until_it_says("attached").unwrap();
        }
        Site { estate, people, broker, nodes, _folder: folder }
    }

    async fn outcome(&self, organisation: &Organisation) -> Outcome {
        outcome(&view(&self.estate, &self.people[0]).await, organisation)
    }

    /// Looks again until the organisation answers.
    async fn until_answered(&self, organisation: &Organisation) {
        let began = Instant::now();
        while self.outcome(organisation).await != Outcome::Answered {
            assert!(began.elapsed() < BACK, "{} does not come back", organisation.ods);
        }
    }
}

fn outcome(view: &View, organisation: &Organisation) -> Outcome {
    view.organisations()[&OdsCode::parse(organisation.ods).unwrap()].outcome()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_costs_itself_is_noticed_and_answers_when_it_goes_on() {
    let site = Site::open();
    site.until_answered(&EAST_KENT).await;
    let stopped = &site.nodes[1];
    stopped.tell("STOP").unwrap();
    let began = Instant::now();
    assert_eq!(site.outcome(&EAST_KENT).await, Outcome::TimedOut);
    assert!(began.elapsed() < limit::VIEW_DEADLINE + MARGIN, "{:?}", began.elapsed());
    assert_eq!(site.outcome(&HOPFIELD).await, Outcome::Answered);

    // Its links end by their ping, and then nobody waits for it.
    site.broker.wait_until_it_says("node detached").unwrap();
    while site.outcome(&EAST_KENT).await != Outcome::Unreachable {
        assert!(began.elapsed() < NOTICED, "not noticed");
    }
    assert!(began.elapsed() < NOTICED, "{:?}", began.elapsed());

    stopped.tell("CONT").unwrap();
    site.until_answered(&EAST_KENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_killed_is_unreachable_at_once_and_answers_when_it_is_started_again() {
    let mut site = Site::open();
    site.until_answered(&EAST_KENT).await;
    let killed = site.nodes.remove(1);
    killed.tell("KILL").unwrap();
    killed.end().unwrap();
    let began = Instant::now();
    while site.outcome(&EAST_KENT).await != Outcome::Unreachable {
        assert!(began.elapsed() < limit::VIEW_DEADLINE + MARGIN, "a killed process's connections end at once");
    }
    let _again = start_node(&site.estate, &EAST_KENT);
    site.until_answered(&EAST_KENT).await;
}

/// The same node's files once more, as on another machine.
fn copy_of(config: &Path) -> PathBuf {
    let own = config.parent().unwrap();
    let copy = own.with_file_name("second");
    copy_folder(own, &copy);
    copy.join(config.file_name().unwrap())
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_of_a_node_takes_its_place_and_the_first_may_be_killed() {
    let mut site = Site::open();
    site.until_answered(&EAST_KENT).await;
    let second = Running::start(Program::Node, &copy_of(&site.estate.node_config(&EAST_KENT))).unwrap();
    second.wait_until_it_says("attached").unwrap();
    site.until_answered(&EAST_KENT).await;

    let first = site.nodes.remove(1);
    first.tell("KILL").unwrap();
    first.end().unwrap();
    let began = Instant::now();
    site.until_answered(&EAST_KENT).await;
    assert!(began.elapsed() < limit::VIEW_DEADLINE + MARGIN, "{:?}", began.elapsed());
    for _ in 0..8 {
        assert_eq!(site.outcome(&EAST_KENT).await, Outcome::Answered);
    }
    let said = second.stop().unwrap();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_under_views_leaves_none_hanging_and_its_nodes_come_back() {
    let mut site = Site::open();
    site.until_answered(&EAST_KENT).await;
    let practice = OdsCode::parse(HOPFIELD.ods).unwrap();
    let viewer = Arc::new(site.estate.viewer(&practice).unwrap());
    let mut views = JoinSet::new();
    let tokens: Vec<_> =
        (0..32).map(|_| site.estate.assertion(&practice, &patient(&site.people[0])).unwrap()).collect();
    for token in tokens {
        let viewer = Arc::clone(&viewer);
        views.spawn(async move { viewer.view(&token, &BTreeSet::new()).await });
    }
    // One is back, so the others are under way.
    let first = views.join_next().await.unwrap().unwrap();
    assert!(first.is_ok());
    site.broker.tell("KILL").unwrap();
    let ended = tokio::time::timeout(limit::VIEW_DEADLINE + MARGIN, views.join_all()).await.expect("no view hangs");
    for failed in ended.into_iter().filter_map(Result::err) {
        assert!(failed.may_retry(), "{failed:?}");
    }
    // A link of which nobody has heard yet that it ended fails one more view; then nobody is there.
    let began = Instant::now();
    loop {
        let token = site.estate.assertion(&practice, &patient(&site.people[0])).unwrap();
        let away = viewer.view(&token, &BTreeSet::new()).await.err();
        assert!(away.as_ref().is_none_or(ViewError::may_retry), "{away:?}");
        if matches!(away, Some(ViewError::Unreachable(_))) {
            break;
        }
        assert!(began.elapsed() < MARGIN, "{away:?}");
    }

    site.broker = start_broker(&site.estate);
    site.until_answered(&EAST_KENT).await;
    site.until_answered(&HOPFIELD).await;
}
