//! A node that reaches its broker through a proxy, as processes.

use std::fs;

use tokio::time::Instant;
use weald_proto::{OdsCode, Outcome, limit};
use weald_tests::population::{HOPFIELD, Person, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind, private};

use crate::attach::{BACK, MARGIN, NOTICED};
use crate::serve::view;
use crate::tunnels::Proxy;

#[tokio::test(flavor = "multi_thread")]
async fn a_node_reaches_its_broker_through_a_proxy_with_a_password_and_is_told_when_it_lacks_one() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let holder = Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite };
    let mut estate = Estate::write(folder.path(), &[holder], &people).unwrap();
    estate.attach(&HOPFIELD).unwrap();
    let proxy = Proxy::open(Some("node:secret")).await;
    let config = estate.node_config(&HOPFIELD);
    let plain = fs::read_to_string(&config).unwrap();
    let with = |more: &str| {
        fs::write(&config, format!("{plain}\n[proxy]\nurl = \"http://{}\"\n{more}", proxy.address)).unwrap()
    };

    let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    with("");
    let node = Running::start(Program::Node, &config).unwrap();
    node.wait_until_it_says("407").unwrap();
    assert_eq!(proxy.tunnels(), 0);
    node.stop().unwrap();

    private(&config.with_file_name("proxy.credentials"), "node:secret\n").unwrap();
    with("credentials = \"proxy.credentials\"\n");
    let node = Running::start(Program::Node, &config).unwrap();
    node.wait_until_it_says("attached").unwrap();
    broker.wait_until_it_says("node attached").unwrap();
    let view = view(&estate, &people[0]).await;
    assert_eq!(view.organisations().values().next().unwrap().outcome(), Outcome::Answered);
    assert!(proxy.tunnels() >= 1);
    let said = node.stop().unwrap().stderr;
    assert!(said.contains(&format!("through the proxy {}", proxy.address)), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_proxy_drops_what_it_should_carry_costs_itself_is_noticed_at_both_ends_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let holder = Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite };
    let mut estate = Estate::write(folder.path(), &[holder], &people).unwrap();
    estate.attach(&HOPFIELD).unwrap();
    let proxy = Proxy::open(None).await;
    let config = estate.node_config(&HOPFIELD);
    let plain = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{plain}\n[proxy]\nurl = \"http://{}\"\n", proxy.address)).unwrap();
    let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    let node = Running::start(Program::Node, &config).unwrap();
    node.wait_until_it_says("attached").unwrap();
    let practice = OdsCode::parse(HOPFIELD.ods).unwrap();
    let outcome = async || view(&estate, &people[0]).await.organisations()[&practice].outcome();
    let began = Instant::now();
    while outcome().await != Outcome::Answered {
        assert!(began.elapsed() < BACK, "it does not attach");
    }

    proxy.drop_everything(true);
    let began = Instant::now();
    assert_eq!(outcome().await, Outcome::TimedOut);
    assert!(began.elapsed() < limit::VIEW_DEADLINE + MARGIN, "{:?}", began.elapsed());
    // Both ends notice by their pings; the node tries again, and is heard by nobody.
    broker.wait_until_it_says("node detached").unwrap();
    node.wait_until_it_says("no longer attached").unwrap();
    while outcome().await != Outcome::Unreachable {
        assert!(began.elapsed() < NOTICED, "not noticed");
    }
    assert!(began.elapsed() < NOTICED, "{:?}", began.elapsed());
    node.wait_until_it_says("cannot attach").unwrap();

    proxy.drop_everything(false);
    let began = Instant::now();
    while outcome().await != Outcome::Answered {
        assert!(began.elapsed() < BACK, "it does not come back");
    }
    let said = node.stop().unwrap().stderr;
    assert!(said.contains("PROXY_SILENT"), "{said}");
}
