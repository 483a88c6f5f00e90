//! Who is let in, and who is believed: every certificate that does not hold is refused, on either side.

use std::sync::Arc;
use std::time::Duration;

use crate::world::{PATIENCE, World, ask};
use rustls::AlertDescription;
use weald_certs::{CertificateFault, ConnectError, Connector, LeafUsage, Listener, Trust};
use weald_proto::Clock as _;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_broker_asks_a_node_and_the_node_sees_who_asked() {
    let world = World::new();
    let mut node = world.serve_node().await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();

    ask(link.clone()).await.unwrap();

    assert_eq!(node.callers.recv().await.unwrap().spiffe_id(), &world.broker());
    assert_eq!(link.peer(), &world.node("RVV"));
    assert!(!link.is_closed());
}

#[tokio::test]
async fn a_viewer_calls_a_broker_and_the_broker_sees_who_called() {
    let world = World::new();
    let mut broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let connector = world.connector(world.credentials(&world.viewer()));
    let link = connector.connect(&broker.address.to_string(), &world.broker(), PATIENCE).await.unwrap();

    ask(link).await.unwrap();

    assert_eq!(broker.callers.recv().await.unwrap().spiffe_id(), &world.viewer());
}

#[tokio::test]
async fn a_caller_of_another_authority_is_refused() {
    let (world, stranger) = (World::new(), World::new());
    let node = world.serve_node().await;
    let refused = world.dial_node(stranger.credentials(&world.broker()), &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::UnknownCA)));
}

#[tokio::test]
async fn a_caller_of_another_federation_is_refused_though_its_root_is_believed() {
    let (world, other) = (World::new(), World::named("sussex.weald.example"));
    let node = world.serve_node().await;
    world.trust.replace(&[world.authority.root().clone(), other.authority.root().clone()]).unwrap();
    let refused = world.dial_node(other.credentials(&other.broker()), &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::BadCertificate)));
}

#[tokio::test]
async fn a_caller_with_a_servers_certificate_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let credentials = world.credentials_on(&world.broker(), |terms| terms.usage = LeafUsage::Server);
    let refused = world.dial_node(credentials, &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::UnsupportedCertificate)));
}

#[tokio::test]
async fn a_caller_whose_certificate_has_expired_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let now = world.clock.now();
    let credentials =
        world.credentials_on(&world.broker(), |terms| terms.not_after = now.minus(Duration::from_secs(1)));
    let refused = world.dial_node(credentials, &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::CertificateExpired)));
}

#[tokio::test]
async fn a_leaf_expires_after_a_day_of_our_clock_and_not_before() {
    let world = World::new();
    let long_lived =
        world.credentials_on(&world.node("RVV"), |terms| terms.not_after = terms.not_after.plus(HOUR * 48));
    let node = world.serve(Listener::Node, long_lived).await;
    let credentials = world.credentials(&world.broker());

    world.clock.advance(HOUR * 24);
    world.dial_node(Arc::clone(&credentials), &node).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    let refused = world.dial_node(credentials, &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::CertificateExpired)));
}

#[tokio::test]
async fn a_caller_whose_certificate_is_not_valid_yet_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let now = world.clock.now();
    let credentials = world.credentials_on(&world.broker(), |terms| terms.not_before = now.plus(HOUR));
    let refused = world.dial_node(credentials, &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::CertificateExpired)));
}

#[tokio::test]
async fn viewers_and_nodes_have_no_business_at_a_node() {
    let world = World::new();
    let node = world.serve_node().await;
    for id in [world.viewer(), world.node("G82001")] {
        let refused = world.dial_node(world.credentials(&id), &node).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused(AlertDescription::AccessDenied)), "{id}");
    }
}

#[tokio::test]
async fn nodes_and_brokers_have_no_business_at_a_brokers_doors() {
    let world = World::new();
    let broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    for id in [world.broker(), world.node("RVV")] {
        let connector = world.connector(world.credentials(&id));
        let refused = connector.connect(&broker.address.to_string(), &world.broker(), PATIENCE).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Refused(AlertDescription::AccessDenied)), "{id}");
    }
}

#[tokio::test]
async fn another_party_than_the_one_dialled_is_refused() {
    let world = World::new();
    let node = world.serve(Listener::Node, world.credentials(&world.node("RVV01"))).await;
    let refused = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Certificate(CertificateFault::OtherParty)));
}

#[tokio::test]
async fn a_server_of_another_authority_is_refused() {
    let (world, stranger) = (World::new(), World::new());
    let node = world.serve(Listener::Node, stranger.credentials(&world.node("RVV"))).await;
    let refused = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::ForeignIssuer(_)));
}

#[tokio::test]
async fn a_server_of_another_federation_is_refused_though_its_root_is_believed() {
    let (world, other) = (World::new(), World::named("sussex.weald.example"));
    let node = world.serve(Listener::Node, other.credentials(&other.node("RVV"))).await;
    world.trust.replace(&[world.authority.root().clone(), other.authority.root().clone()]).unwrap();
    let connector = world.connector(world.credentials(&world.broker()));
    for expected in [world.node("RVV"), other.node("RVV")] {
        let refused = connector.connect(&node.address.to_string(), &expected, PATIENCE).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Certificate(CertificateFault::OtherParty)), "{expected}");
    }
}

#[tokio::test]
async fn a_server_with_a_clients_certificate_is_refused() {
    let world = World::new();
    let credentials = world.credentials_on(&world.node("RVV"), |terms| terms.usage = LeafUsage::Client);
    let node = world.serve(Listener::Node, credentials).await;
    let refused = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Certificate(CertificateFault::WrongUsage)));
}

#[tokio::test]
async fn a_server_whose_certificate_is_not_valid_now_is_refused() {
    let world = World::new();
    let now = world.clock.now();
    let expired = world.credentials_on(&world.node("RVV"), |terms| terms.not_after = now.minus(Duration::from_secs(1)));
    let early = world.credentials_on(&world.node("RVV"), |terms| terms.not_before = now.plus(HOUR));
    let second = CertificateFault::Expired { ago: Duration::from_secs(1) };
    for (credentials, expected) in [(expired, second), (early, CertificateFault::NotValidYet { ahead: HOUR })] {
        let node = world.serve(Listener::Node, credentials).await;
        let refused = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Certificate(fault) if fault == expected), "{refused}");
    }
}

#[tokio::test]
async fn a_replaced_leaf_serves_the_next_handshake_and_open_links_go_on() {
    let world = World::new();
    let (broker, own) = (world.credentials(&world.broker()), world.credentials(&world.node("RVV")));
    let node = world.serve(Listener::Node, Arc::clone(&own)).await;
    let open = world.dial_node(Arc::clone(&broker), &node).await.unwrap();
    world.clock.advance(HOUR * 25);
    for (credentials, id) in [(&own, world.node("RVV")), (&broker, world.broker())] {
        let terms = weald_certs::LeafTerms::usual(&id, world.clock.now());
        let (issued, key) = world.authority.equip(&id, &terms).unwrap();
        credentials.replace(issued.pem.as_bytes(), key.to_pem().as_bytes()).unwrap();
    }

    ask(world.dial_node(broker, &node).await.unwrap()).await.unwrap();
    ask(open).await.unwrap();
}

#[tokio::test]
async fn a_root_that_is_no_longer_believed_lets_nobody_in() {
    let (world, successor) = (World::new(), World::new());
    let node = world.serve_node().await;
    let caller = Connector::new(
        world.credentials(&world.broker()),
        Arc::new(Trust::new(world.federation.clone(), &[world.authority.root().clone()]).unwrap()),
        world.env(),
    );
    let (address, expected) = (node.address.to_string(), world.node("RVV"));
    caller.connect(&address, &expected, PATIENCE).await.unwrap();

    world.trust.replace(&[successor.authority.root().clone()]).unwrap();
    let refused = caller.connect(&address, &expected, PATIENCE).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused(AlertDescription::UnknownCA)));
}
