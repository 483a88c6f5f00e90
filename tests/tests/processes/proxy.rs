//! A node that reaches its broker through a proxy, as processes.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use weald_proto::Outcome;
use weald_tests::population::{HOPFIELD, Person, people};
use weald_tests::processes::{Estate, Holder, Program, Running, SourceKind, private};

use crate::serve::view;

/// What the proxy wants to hear: Basic authentication (RFC 7617) of `node` and `secret`.
const AUTHORIZATION: &str = "proxy-authorization: Basic bm9kZTpzZWNyZXQ=";

/// A proxy that counts the tunnels that it made, and makes none without a password.
async fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, tunnels) = (listener.local_addr().unwrap().to_string(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(tunnel(tcp, Arc::clone(&counted)));
        }
    });
    (address, tunnels)
}

async fn tunnel(tcp: TcpStream, tunnels: Arc<AtomicUsize>) {
    let mut caller = BufReader::with_capacity(1, tcp);
    let (mut target, mut is_known, mut line) = (String::new(), false, String::new());
    while caller.read_line(&mut line).await.unwrap_or(0) > 2 {
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            target = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        is_known |= line.trim().eq_ignore_ascii_case(AUTHORIZATION);
        line.clear();
    }
    let mut caller = caller.into_inner();
    if !is_known {
        let refused =
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"trust\"\r\n\r\n";
        let _ = caller.write_all(refused).await;
        return;
    }
    let Ok(mut broker) = TcpStream::connect(&target).await else { return };
    tunnels.fetch_add(1, Ordering::SeqCst);
    let _ = caller.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    let _ = tokio::io::copy_bidirectional(&mut caller, &mut broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_reaches_its_broker_through_a_proxy_with_a_password_and_is_told_when_it_lacks_one() {
    let folder = tempfile::tempdir().unwrap();
    let people: Vec<Person> = people(1, 2).collect();
    let holder = Holder { organisation: &HOPFIELD, source: SourceKind::Sqlite };
    let mut estate = Estate::write(folder.path(), &[holder], &people).unwrap();
    estate.attach(&HOPFIELD).unwrap();
    let (address, tunnels) = proxy().await;
    let config = estate.node_config(&HOPFIELD);
    let plain = fs::read_to_string(&config).unwrap();
    let with =
        |more: &str| fs::write(&config, format!("{plain}\n[proxy]\nurl = \"http://{address}\"\n{more}")).unwrap();

    let broker = Running::start(Program::Broker, &estate.broker_config()).unwrap();
    broker.wait_until_it_says("serving views").unwrap();
    with("");
    let node = Running::start(Program::Node, &config).unwrap();
    node.wait_until_it_says("407").unwrap();
    assert_eq!(tunnels.load(Ordering::SeqCst), 0);
    node.stop().unwrap();

    private(&config.with_file_name("proxy.credentials"), "node:secret\n").unwrap();
    with("credentials = \"proxy.credentials\"\n");
    let node = Running::start(Program::Node, &config).unwrap();
    node.wait_until_it_says("attached").unwrap();
    broker.wait_until_it_says("node attached").unwrap();
    let view = view(&estate, &people[0]).await;
    assert_eq!(view.organisations().values().next().unwrap().outcome(), Outcome::Answered);
    assert!(tunnels.load(Ordering::SeqCst) >= 1);
    let said = node.stop().unwrap().stderr;
    assert!(said.contains(&format!("through the proxy {address}")), "{said}");
    assert!(!said.contains("secret"), "{said}");
}
