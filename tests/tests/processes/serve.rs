//! A federation of real processes, asked by the client library.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use weald_proto::{BirthDate, FamilyName, NhsNumber, OdsCode, Outcome, Patient, Section};
use weald_tests::population::{AMBULANCE, COMMUNITY, EAST_KENT, HOPFIELD, Person, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind};
use weald_viewer::{SectionView, View};

const HOLDERS: [Holder; 4] = [
    Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite },
    Holder { organisation: &EAST_KENT, source: SourceKind::Bundles },
    Holder { organisation: &COMMUNITY, source: SourceKind::Sqlite },
    Holder { organisation: &AMBULANCE, source: SourceKind::Bundles },
];

pub(crate) fn patient(person: &Person) -> Patient {
    Patient {
        nhs_number: NhsNumber::parse(&person.identity.nhs_number).unwrap(),
        birth_date: BirthDate::parse(&person.identity.birth_date).unwrap(),
        family_name: FamilyName::parse(&person.identity.name.family).unwrap(),
    }
}

/// Adds the ambulance service to the community provider's configuration: one process serves both.
fn join_ambulance(estate: &Estate) {
    let (one, other) = (estate.node_config(&COMMUNITY), estate.node_config(&AMBULANCE));
    let theirs = fs::read_to_string(other).unwrap();
    let (_, table) = theirs.split_once("[[organisation]]").unwrap();
    let mut table = format!("\n[[organisation]]{table}");
    for file in ["tls.pem", "tls.key", "statement.key", "RYD.audit", "bundles\"", "bundles/identities.csv"] {
        table = table.replace(&format!("\"{file}"), &format!("\"../RYD/{file}"));
    }
    fs::write(&one, fs::read_to_string(&one).unwrap() + &table).unwrap();
}

/// Lets the process write JSON.
fn write_json(config: &Path) {
    let text = fs::read_to_string(config).unwrap();
    fs::write(config, text.replace("[log]\n", "[log]\nformat = \"json\"\n")).unwrap();
}

pub(crate) async fn view(estate: &Estate, person: &Person) -> View {
    let practice = OdsCode::parse(HOPFIELD.ods).unwrap();
    let token = estate.assertion(&practice, &patient(person)).unwrap();
    estate.viewer(&practice).unwrap().view(&token, &BTreeSet::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_and_nodes_as_processes_answer_a_view_and_stop_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 6).collect();
    let estate = Estate::write(folder.path(), &HOLDERS, &people).unwrap();
    join_ambulance(&estate);
    let json = estate.node_config(&EAST_KENT);
    write_json(&json);
    let mut processes = Vec::new();
    for organisation in [&HOPFIELD, &EAST_KENT, &COMMUNITY] {
        let node = Running::start(Program::Node, &estate.node_config(organisation)).unwrap();
        node.wait_until_it_says(&format!("serving the node of {}", organisation.ods)).unwrap();
        processes.push(node);
    }
    let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    processes.push(broker);

    let view = view(&estate, &people[0]).await;
    assert_eq!(view.organisations().len(), HOLDERS.len());
    for (organisation, said) in view.organisations() {
        let expected = [Outcome::Answered, Outcome::NotKnownHere];
        assert!(expected.contains(&said.outcome()), "{organisation}: {} {}", said.outcome(), said.reason_text());
    }
    assert!(
        matches!(view.section(Section::Allergies).unwrap(), SectionView::Complete { entries, .. } if !entries.is_empty())
    );

    for process in processes {
        let ended = process.stop().unwrap();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("stopping"), "{}", ended.stderr);
        says_nothing_about(&people, &ended.stderr);
    }
    for log in ["broker/broker.audit", "G99001/G99001.audit", "RVV/RVV.audit", "RYY/RYY.audit", "RYD/RYD.audit"] {
        let log = estate.path(log);
        assert!(weald_audit::verify(&log).unwrap().entries > 0, "{}", log.display());
        assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

fn says_nothing_about(people: &[Person], said: &str) {
    for person in people {
        assert!(!said.contains(&person.identity.nhs_number), "an NHS number is in what a process wrote");
        assert!(!said.contains(&person.identity.name.text), "a name is in what a process wrote");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_is_started_again_on_its_files_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let estate = Estate::write(folder.path(), &HOLDERS[..1], &people).unwrap();
    let _broker = {
        let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
        broker.wait_until_it_says("serving views").unwrap();
        broker
    };
    let start = || {
        let node = Running::start(Program::Node, &estate.node_config(&HOPFIELD)).unwrap();
        node.wait_until_it_says("serving the node of G99001").unwrap();
        node
    };
    let node = start();
    let outcome = |view: &View| view.organisations().values().next().unwrap().outcome();
    assert_eq!(outcome(&view(&estate, &people[0]).await), Outcome::Answered);
    node.tell("KILL").unwrap();
    assert_eq!(node.end().unwrap().code, None);
    assert_eq!(outcome(&view(&estate, &people[0]).await), Outcome::Unreachable);
    let node = start();
    assert_eq!(outcome(&view(&estate, &people[0]).await), Outcome::Answered);
    assert_eq!(node.stop().unwrap().code, Some(0));
    assert!(weald_audit::verify(&estate.path("G99001/G99001.audit")).unwrap().entries >= 2);
}

#[test]
fn a_log_in_json_is_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let estate = Estate::write(folder.path(), &HOLDERS[..1], &people).unwrap();
    let config = estate.broker_config();
    write_json(&config);
    let broker = Running::start(Program::Broker, &config).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    broker.tell("INT").unwrap();
    let ended = broker.end().unwrap();
    assert_eq!(ended.code, Some(0));
    let lines: Vec<serde_json::Value> =
        ended.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    assert!(
        lines.iter().any(|line| line["fields"]["message"] == "serving views as spiffe://kent.weald.example/broker/b1")
    );
}
