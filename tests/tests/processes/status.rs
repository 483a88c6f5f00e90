//! How processes say that they do: to whom they are connected, and what is in the way.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;
use weald_tests::population::{EAST_KENT, HOPFIELD, Organisation, Person, people};
use weald_tests::processes::{Ended, Estate, Holder, Program, Running, SourceKind, private};

const HOLDERS: [Holder; 2] = [
    Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite },
    Holder { organisation: &EAST_KENT, source: SourceKind::Bundles },
];
/// The longest that a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(40);

/// An estate whose processes can be asked.
struct Site {
    estate: Estate,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Both nodes dial in.
    fn attaching() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<Person> = people(1, 2).collect();
        let mut estate = Estate::write(folder.path(), &HOLDERS, &people).unwrap();
        for holder in HOLDERS {
            estate.attach(holder.organisation).unwrap();
            let _its_own = listen(&estate.node_config(holder.organisation));
        }
        let _its_own = listen(&estate.broker_config());
        Site { estate, _folder: folder }
    }

    fn start_broker(&self) -> Running {
        let broker = Running::start(Program::Broker, &self.estate.broker_config()).unwrap();
        broker.wait_until_it_says("serving views").unwrap();
        broker
    }

    fn start_node(&self, organisation: &Organisation) -> Running {
        let node = Running::start(Program::Node, &self.estate.node_config(organisation)).unwrap();
        node.wait_until_it_says("attaching the node").unwrap();
        node
    }
}

/// Has the process of that configuration say how it does, at a port of its own.
fn listen(config: &Path) -> SocketAddr {
    // Nobody else on this machine has been told the port in the meantime.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = fs::read_to_string(config).unwrap();
    fs::write(config, text.replacen("[tls]", &format!("[metrics]\nlisten = \"{address}\"\n\n[tls]"), 1)).unwrap();
    address
}

fn ask(program: Program, config: &Path, more: &[&str]) -> Ended {
    let config = config.to_str().unwrap();
    Running::to_the_end(program, &[&["status", "--config", config], more].concat()).unwrap()
}

/// Asks until it says that.
fn until(program: Program, config: &Path, holds: impl Fn(&Value) -> bool) -> Value {
    let began = Instant::now();
    loop {
        let said = ask(program, config, &["--json"]);
        let status: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|_| panic!("{}", said.stderr));
        if holds(&status) {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "{status:#}");
    }
}

fn troubles(status: &Value) -> Vec<(String, String)> {
    let all = status["parties"].as_array().unwrap().iter().flat_map(|party| party["troubles"].as_array().unwrap());
    let word = |one: &Value, member: &str| one[member].as_str().unwrap().to_owned();
    all.map(|one| (word(one, "about"), word(one, "word"))).collect()
}

fn organisation(status: &Value, code: &str) -> Value {
    let all = status["parties"][0]["organisations"].as_array().unwrap();
    all.iter().find(|one| one["organisation"] == code).unwrap().clone()
}

/// Two links, a session, and an answer to its first ping.
fn is_whole(status: &Value, code: &str) -> bool {
    let one = organisation(status, code);
    one["links"].as_array().unwrap().len() == 2 && one["session"]["round_trip_ms"].is_number()
}

#[test]
fn a_broker_says_who_is_attached_who_is_away_since_when_and_who_has_two_processes() {
    let site = Site::attaching();
    let (_broker, config) = (site.start_broker(), site.estate.broker_config());
    let never = ask(Program::Broker, &config, &[]);
    assert_eq!(never.code, Some(1), "{}", never.stdout);
    assert!(never.stdout.contains("not seen since this broker started; it dials in, and does not"), "{}", never.stdout);

    let _hopfield = site.start_node(&HOPFIELD);
    let east_kent = site.start_node(&EAST_KENT);
    let status =
        until(Program::Broker, &config, |status| HOLDERS.iter().all(|one| is_whole(status, one.organisation.ods)));
    assert_eq!(troubles(&status), []);
    let one = organisation(&status, EAST_KENT.ods);
    assert_eq!((&one["state"], &one["links_expected"]), (&"attached".into(), &2.into()));
    assert_eq!(one["session"]["register_version"], status["parties"][0]["register"]["version"]);
    assert!(one["links"][0]["from"].as_str().unwrap().starts_with("127."), "{one}");
    let table = ask(Program::Broker, &config, &[]);
    assert_eq!(table.code, Some(0), "{}", table.stdout);
    assert!(table.stdout.contains("all is well"), "{}", table.stdout);

    let second = site.start_node_beside(&EAST_KENT);
    until(Program::Broker, &config, |status| {
        organisation(status, EAST_KENT.ods)["links"].as_array().unwrap().len() == 4
    });
    second.tell("KILL").unwrap();
    east_kent.tell("KILL").unwrap();
    let status = until(Program::Broker, &config, |status| organisation(status, EAST_KENT.ods)["state"] == "away");
    assert_eq!(troubles(&status), [(EAST_KENT.ods.to_owned(), "AWAY".to_owned())]);
    let one = organisation(&status, EAST_KENT.ods);
    assert!(one["since"].is_string() && one["session"].is_null(), "{one}");
    let table = ask(Program::Broker, &config, &[]);
    assert_eq!(table.code, Some(1));
    let lines: Vec<&str> = table.stdout.lines().collect();
    let heads = lines.iter().position(|line| line.starts_with("ORG")).unwrap();
    assert!(lines[heads + 1].starts_with("RVV") && lines[heads + 1].contains("away"), "the troubled first: {lines:#?}");
    assert!(table.stdout.contains("RVV: AWAY: away since "), "{}", table.stdout);
}

impl Site {
    /// A second process with the same identity, on files of its own.
    fn start_node_beside(&self, organisation: &Organisation) -> Running {
        let config = self.estate.node_config(organisation);
        let other = config.with_file_name("second.toml");
        fs::write(&other, fs::read_to_string(&config).unwrap().replace(".audit\"", ".second.audit\"")).unwrap();
        let text = fs::read_to_string(&other).unwrap();
        let (before, rest) = text.split_once("[metrics]").unwrap();
        let (_, after) = rest.split_once("[tls]").unwrap();
        fs::write(&other, format!("{before}[tls]{after}")).unwrap();
        let node = Running::start(Program::Node, &other).unwrap();
        node.wait_until_it_says("attaching the node").unwrap();
        node
    }
}

#[test]
fn a_node_says_which_brokers_it_has_and_how_its_source_is() {
    let site = Site::attaching();
    let _broker = site.start_broker();
    let (_node, config) = (site.start_node(&EAST_KENT), site.estate.node_config(&EAST_KENT));
    let is_whole = |status: &Value| {
        let broker = &status["parties"][0]["brokers"][0];
        broker["session"].is_object()
            && broker["links"].as_array().unwrap().iter().all(|one| one["state"] == "attached")
    };
    let status = until(Program::Node, &config, is_whole);
    assert_eq!(troubles(&status), []);
    let party = &status["parties"][0];
    assert_eq!(party["source"], serde_json::json!({ "kind": "bundles", "is_readable": true, "notices": 0 }));
    assert_eq!((&party["grants"], &party["availability"]), (&0.into(), &"serving".into()));
    assert_eq!(ask(Program::Node, &config, &[]).code, Some(0));

    fs::rename(site.estate.path("RVV/bundles"), site.estate.path("RVV/elsewhere")).unwrap();
    let status = until(Program::Node, &config, |status| status["parties"][0]["source"]["is_readable"] == false);
    assert_eq!(troubles(&status)[0], ("RVV".to_owned(), "SOURCE_UNREADABLE".to_owned()));
}

#[test]
fn a_node_behind_a_proxy_that_wants_a_password_says_so_with_the_remedy_and_never_its_own() {
    let site = Site::attaching();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    std::thread::spawn(move || proxy.incoming().map_while(Result::ok).for_each(refuse));
    let config = site.estate.node_config(&HOPFIELD);
    private(&config.with_file_name("proxy.credentials"), "node:hush-hush\n").unwrap();
    let proxied = format!("\n[proxy]\nurl = \"http://{address}\"\ncredentials = \"proxy.credentials\"\n");
    fs::write(&config, fs::read_to_string(&config).unwrap() + &proxied).unwrap();
    let _node = site.start_node(&HOPFIELD);
    let failed = |status: &Value| {
        let links = status["parties"][0]["brokers"][0]["links"].as_array().unwrap().clone();
        links.iter().all(|one| one["failure"]["cause"] == "PROXY_REFUSES_CREDENTIALS")
    };
    let status = until(Program::Node, &config, failed);
    let broker = &status["parties"][0]["brokers"][0];
    assert_eq!(broker["through"], address.to_string());
    assert_eq!(troubles(&status), [(broker["broker"].as_str().unwrap().to_owned(), "NO_LINK".to_owned())]);
    let table = ask(Program::Node, &config, &[]);
    assert_eq!(table.code, Some(1));
    for words in ["PROXY_REFUSES_CREDENTIALS", "Check user name and password for the proxy", "Ask: network"] {
        assert!(table.stdout.contains(words), "{words}: {}", table.stdout);
    }
    assert!(!table.stdout.contains("hush-hush") && !status.to_string().contains("hush-hush"));
}

/// Hears a CONNECT, and refuses its credentials.
fn refuse(mut tcp: std::net::TcpStream) {
    use std::io::{BufRead as _, BufReader, Write as _};
    let head = BufReader::new(tcp.try_clone().unwrap());
    head.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).for_each(drop);
    let _ = tcp
        .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"trust\"\r\n\r\n");
}

#[test]
fn a_process_that_does_not_run_is_said_to_with_where_it_was_looked_for() {
    let site = Site::attaching();
    let config = site.estate.broker_config();
    let address = listened_at(&config);
    let ended = ask(Program::Broker, &config, &["--json"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(69), ""));
    assert!(ended.stderr.contains(&format!("nothing answers at {address}")), "{}", ended.stderr);
    assert!(ended.stderr.contains("start weald-broker with this configuration"), "{}", ended.stderr);
}

fn listened_at(config: &Path) -> String {
    let text = fs::read_to_string(config).unwrap();
    let (_, rest) = text.split_once("[metrics]\nlisten = \"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

#[test]
fn another_program_that_answers_in_its_place_is_told_from_it() {
    let site = Site::attaching();
    let _broker = site.start_broker();
    let (mine, theirs) = (site.estate.node_config(&HOPFIELD), listened_at(&site.estate.broker_config()));
    let text = fs::read_to_string(&mine).unwrap().replace(&listened_at(&mine), &theirs);
    fs::write(&mine, text).unwrap();
    let ended = ask(Program::Node, &mine, &[]);
    assert_eq!(ended.code, Some(76), "{}", ended.stderr);
    assert!(ended.stderr.contains("it is another program than weald-node"), "{}", ended.stderr);
}

#[test]
fn a_wrong_configuration_is_refused_and_one_without_a_port_says_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let estate = Estate::write(folder.path(), &HOLDERS[..1], &people).unwrap();
    let config: PathBuf = estate.broker_config();
    let without = ask(Program::Broker, &config, &[]);
    assert_eq!(without.code, Some(78));
    assert!(without.stderr.contains("has no table `metrics`"), "{}", without.stderr);
    assert!(without.stderr.contains("write [metrics] with listen = \"127.0.0.1:9464\""), "{}", without.stderr);
    fs::write(&config, fs::read_to_string(&config).unwrap() + "\nlisten_at = 1\n").unwrap();
    let wrong = ask(Program::Broker, &config, &[]);
    assert_eq!(wrong.code, Some(78));
    assert!(wrong.stderr.contains("listen_at`: is not known"), "{}", wrong.stderr);
}
