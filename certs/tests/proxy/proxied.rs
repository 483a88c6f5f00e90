//! Through a proxy: what works, and what is said when it does not.

use std::net::{Ipv4Addr, Ipv6Addr};

use weald_certs::proxy::{ProxyCredentials, ProxySettings};
use weald_certs::{Cause, Whom};

use crate::stand_in::StandIn;
use crate::world::{World, closed, through};

#[tokio::test]
async fn a_connection_goes_through_a_proxy_given_by_name_or_address() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    let address = broker.address.to_string();
    let mut v4 = StandIn::connecting(Ipv4Addr::LOCALHOST.into()).await;
    let by_name = format!("http://localhost:{}", v4.address.port());
    for url in [v4.url(), by_name, v4.address.to_string()] {
        let link = world.connect(through(&url), &address).await.unwrap();
        assert_eq!(link.peer(), &world.broker());
        assert_eq!(v4.next_head().unwrap(), format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n"));
    }
    let mut v6 = StandIn::connecting(Ipv6Addr::LOCALHOST.into()).await;
    world.connect(through(&v6.url()), &address).await.unwrap();
    assert!(v6.next_head().is_some());
}

#[tokio::test]
async fn a_node_attaches_through_a_proxy() {
    let world = World::new();
    let mut broker = world.open(&world.broker()).await;
    let proxy = StandIn::connecting(Ipv4Addr::LOCALHOST.into()).await;
    let node = world.attach(through(&proxy.url()), &broker.address.to_string()).await;
    assert!(node.state.is_attached());
    assert_eq!(broker.attached.recv().await.unwrap().peer(), &world.node());
}

#[tokio::test]
async fn hosts_are_resolved_by_the_proxy() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    // Known to the stand-in alone.
    let at = broker.address;
    let mut proxy = StandIn::local(move |client, _| async move {
        let mut client = crate::stand_in::connected(client).await;
        let mut server = tokio::net::TcpStream::connect(at).await.unwrap();
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
    })
    .await;
    world.connect(through(&proxy.url()), "broker.invalid:443").await.unwrap();
    assert!(proxy.next_head().unwrap().starts_with("CONNECT broker.invalid:443 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_needs_no_proxy_is_reached_without_it() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    let mut proxy = StandIn::connecting(Ipv4Addr::LOCALHOST.into()).await;
    let (address, by_name) = (broker.address.to_string(), format!("localhost:{}", broker.address.port()));
    for (rules, address) in [("nhs.uk,127.0.0.0/8", &address), ("localhost", &by_name), ("*", &address)] {
        let settings = ProxySettings::parse(Some(&proxy.url()), Some(rules)).unwrap();
        world.connect(settings, address).await.unwrap();
        assert_eq!(proxy.next_head(), None, "{rules}");
    }
}

#[tokio::test]
async fn credentials_are_sent_to_the_proxy_and_show_nowhere() {
    let world = World::new();
    let mut proxy = StandIn::answering("HTTP/1.1 407 weald:sesame d2VhbGQ6c2VzYW1l\r\n\r\n").await;
    let settings = through(&proxy.url()).with_credentials(ProxyCredentials::new("weald", "sesame").unwrap());
    let connector = world.connector(settings.clone());
    let refused = connector.connect("broker.example:443", &world.broker(), std::time::Duration::from_secs(5)).await;
    assert!(proxy.next_head().unwrap().contains("\r\nProxy-Authorization: Basic d2VhbGQ6c2VzYW1l\r\n"));
    let shown = format!("{refused:?} {settings:?} {} ", world.diagnose(settings.clone(), "broker.example:443").await);
    assert!(!shown.contains("sesame") && !shown.contains("d2VhbGQ6"), "{shown}");
}

#[tokio::test]
async fn each_answer_of_a_proxy_has_its_cause() {
    let world = World::new();
    let cases = [
        ("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n", Cause::ProxyCredentialsWanted),
        ("HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\n\r\n", Cause::ProxyOtherAuthentication),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Cause::ProxyForbids),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", Cause::ProxyCannotReach),
        ("HTTP/1.1 503 Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n", Cause::ProxyCannotResolve),
        ("HTTP/1.1 504 Timeout\r\n\r\n", Cause::ProxyCannotReach),
        ("HTTP/1.1 302 Found\r\nLocation: http://login\r\n\r\n", Cause::ProxyRefuses),
        ("SSH-2.0-OpenSSH_9.2\r\n", Cause::NotAProxy),
        ("", Cause::NotAProxy),
        // Connected, but to something that is no broker.
        ("HTTP/1.1 200 OK\r\n\r\n", Cause::HungUp),
        ("HTTP/1.1 200 OK\r\n\r\n<html>Please log in</html>", Cause::NotTls),
    ];
    for (answer, cause) in cases {
        let proxy = StandIn::answering(answer).await;
        let diagnosis = world.diagnose(through(&proxy.url()), "broker.example:443").await;
        assert_eq!(diagnosis.cause, cause, "{answer:?}: {diagnosis}");
    }
    let proxy = StandIn::answering(cases[0].0).await;
    let wrong = through(&format!("http://weald:wrong@{}", proxy.address));
    assert_eq!(world.diagnose(wrong, "broker.example:443").await.cause, Cause::ProxyCredentialsRefused);
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_or_says_nothing_is_told_from_the_broker() {
    let world = World::new();
    let unknown = world.diagnose(through("http://proxy.invalid:3128"), "broker.example:443").await;
    assert_eq!((unknown.cause, unknown.cause.ask()), (Cause::ProxyName, Whom::Network));

    let refusing = through(&format!("http://{}", closed().await));
    assert_eq!(world.diagnose(refusing, "broker.example:443").await.cause, Cause::ProxyUnreachable);

    let proxy = StandIn::silent().await;
    assert_eq!(world.diagnose(through(&proxy.url()), "broker.example:443").await.cause, Cause::ProxySilent);
}

#[tokio::test]
async fn a_node_that_cannot_attach_says_what_is_wrong_with_the_proxy() {
    let world = World::new();
    let proxy = StandIn::answering("HTTP/1.1 403 Category: Health\r\n\r\n").await;
    let diagnosis = world.attach(through(&proxy.url()), "broker.example:443").await.diagnosis();
    assert_eq!(diagnosis.cause, Cause::ProxyForbids);
    assert_eq!(diagnosis.what, "the proxy forbids it: HTTP/1.1 403 Category: Health");
}
