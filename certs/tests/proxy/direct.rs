//! Without a proxy: what is said when a connection does not come about.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use weald_certs::{Cause, Diagnosis, ProxySettings, Whom};
use weald_proto::SpiffeId;

use crate::world::{World, closed, reach};

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_from_a_port_that_is_closed() {
    let world = World::new();
    let unknown = world.diagnose(ProxySettings::direct(), "broker.invalid:443").await;
    assert_eq!((unknown.cause, unknown.cause.exit_code(), unknown.cause.ask()), (Cause::Name, 68, Whom::Network));

    let refused = world.diagnose(ProxySettings::direct(), &closed().await.to_string()).await;
    assert_eq!((refused.cause, refused.cause.exit_code(), refused.cause.ask()), (Cause::Unreachable, 69, Whom::Broker));
}

#[tokio::test]
async fn an_address_that_is_none_is_said_to_be_so() {
    let world = World::new();
    for address in ["broker", "broker:", "https://broker:443", "::1:443"] {
        assert_eq!(world.diagnose(ProxySettings::direct(), address).await.cause, Cause::Address, "{address}");
    }
}

#[tokio::test]
async fn what_accepts_and_does_not_speak_tls_is_told_apart() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
            let (mut client, _) = listener.accept().await.unwrap();
            assert_ne!(client.read(&mut [0; 4096]).await.unwrap(), 0);
            client.write_all(answer).await.unwrap();
        }
        // Says nothing.
        let _client = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
    });
    for cause in [Cause::NotTls, Cause::HungUp, Cause::TlsSilent] {
        assert_eq!(world.diagnose(ProxySettings::direct(), &address).await.cause, cause);
    }
}

#[tokio::test]
async fn another_party_at_the_address_is_said_to_be_so() {
    let world = World::new();
    let other = SpiffeId::broker(&world.federation, "b2").unwrap();
    let broker = world.open(&other).await;
    let diagnosis = world.diagnose(ProxySettings::direct(), &broker.address.to_string()).await;
    assert_eq!(diagnosis.cause, Cause::OtherParty);
}

#[tokio::test]
async fn a_broker_that_does_not_believe_our_issuer_says_so() {
    let (world, stranger) = (World::new(), World::new());
    let broker = world.open(&world.broker()).await;
    let connector = world.connector_of(&stranger, ProxySettings::direct());
    let refused = reach(&connector, &broker.address.to_string(), &world.broker()).await.unwrap_err();
    assert_eq!(Diagnosis::of(&refused).cause, Cause::OursUnknown);
}
