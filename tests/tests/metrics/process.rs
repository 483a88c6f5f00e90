//! The port of a process: there when the configuration says so, where it says so.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tempfile::TempDir;
use weald_tests::population::{HOPFIELD, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind};

use crate::exposition::Exposition;

/// A node's configuration, with that in front of its first table.
struct Configured {
    estate: Estate,
    _folder: TempDir,
}

impl Configured {
    fn with(metrics: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people: Vec<_> = people(1, 3).collect();
        let holder = Holder { organisation: &HOPFIELD, source: SourceKind::Bundles };
        let estate = Estate::write(folder.path(), &[holder], &people).unwrap();
        let config = estate.node_config(&HOPFIELD);
        let text = fs::read_to_string(&config).unwrap();
        fs::write(&config, text.replacen("[tls]", &format!("{metrics}\n[tls]"), 1)).unwrap();
        Configured { estate, _folder: folder }
    }

    fn start(&self) -> Running {
        Running::start(Program::Node, &self.estate.node_config(&HOPFIELD)).unwrap()
    }
}

/// Status line and body.
fn read(address: SocketAddr, path: &str) -> (String, String) {
    let mut tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    tcp.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn a_node_with_the_table_can_be_watched() {
    // Nobody else on this machine has been told the port in the meantime.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let configured = Configured::with(&format!("[metrics]\nlisten = \"{address}\"\n"));
    let node = configured.start();
    node.wait_until_it_says("serving the node").unwrap();
    assert_eq!(read(address, "/health/ready"), ("HTTP/1.1 200 OK".into(), "ready\n".into()));
    let (status, text) = read(address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK");
    let exposition = Exposition::parse(&text);
    assert_eq!(exposition.value("weald_register_version", &[]), 1.0);
    let own = [("party", "node"), ("organisation", HOPFIELD.ods)];
    assert!(exposition.value("weald_certificate_expires_seconds", &own) > 0.0);
    assert_eq!(exposition.value("weald_listener_connections", &own), 0.0);
    assert_eq!(node.stop().unwrap().code, Some(0));
}

#[test]
fn a_process_that_others_could_read_does_not_start() {
    let configured = Configured::with("[metrics]\nlisten = \"0.0.0.0:9464\"\n");
    let ended = configured.start().end().unwrap();
    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.contains("field `metrics.listen`: is no loopback address"), "{}", ended.stderr);
    assert!(ended.stderr.contains("reach = \"network\""), "{}", ended.stderr);
}
