//! Whoever is not let in is reported, with one reason, and by name only once the key was shown.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType};
use rustls::ClientConfig;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use weald_certs::{Credentials, LeafUsage, Listener, Refused};
use weald_proto::{Clock as _, Reason, SpiffeId};

use crate::world::{Served, World, careless, dial_carelessly};

/// Presents what it likes.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesClientCert for Presents {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn pair(credentials: &Credentials) -> Arc<CertifiedKey> {
    credentials.resolve(&[], &[]).unwrap()
}

fn presenting(pair: CertifiedKey) -> ClientConfig {
    let mut config = careless(None, &[b"h2"]);
    config.client_auth_cert_resolver = Arc::new(Presents(Arc::new(pair)));
    config
}

/// Dials, and hears how the door saw it.
async fn refused(server: &mut Served, config: ClientConfig) -> Refused {
    let dialled = dial_carelessly(&Arc::new(config), server.address).await;
    let refused = server.next_refused().await;
    if let Ok(mut stream) = dialled {
        let heard = stream.read(&mut [0; 64]).await;
        assert!(matches!(heard, Ok(0) | Err(_)), "it was served");
    }
    assert_eq!(server.occupancy.refused(refused.reason), 1);
    assert!(server.callers.try_recv().is_err());
    refused
}

/// Dials the node RVV with a certificate of the root that is believed.
async fn refused_with(world: &World, credentials: Arc<Credentials>) -> Refused {
    let mut node = world.serve_node().await;
    refused(&mut node, careless(Some(credentials), &[b"h2"])).await
}

#[tokio::test]
async fn nobody_without_a_certificate() {
    let world = World::new();
    let mut node = world.serve_node().await;
    let report = refused(&mut node, careless(None, &[b"h2"])).await;
    assert_eq!((report.reason, report.peer), (Reason::CertificateMissing, None));
    assert!(report.from.ip().is_loopback());
    node.until_empty().await;
}

#[tokio::test]
async fn nobody_of_another_authority() {
    let (world, stranger) = (World::new(), World::new());
    let report = refused_with(&world, stranger.credentials(&world.broker())).await;
    assert_eq!((report.reason, report.peer), (Reason::CertificateIssuer, None));
}

#[tokio::test]
async fn nobody_before_or_after_their_time() {
    let world = World::new();
    let now = world.clock.now();
    let moment = Duration::from_secs(1);
    let expired = world.credentials_on(&world.broker(), |terms| terms.not_after = now.minus(moment));
    let early = world.credentials_on(&world.broker(), |terms| terms.not_before = now.plus(moment));
    for (credentials, reason) in [(expired, Reason::CertificateExpired), (early, Reason::CertificateNotYet)] {
        let report = refused_with(&world, credentials).await;
        assert_eq!((report.reason, report.peer), (reason, None));
    }
}

#[tokio::test]
async fn nobody_with_a_servers_certificate() {
    let world = World::new();
    let report =
        refused_with(&world, world.credentials_on(&world.broker(), |terms| terms.usage = LeafUsage::Server)).await;
    assert_eq!((report.reason, report.peer), (Reason::CertificateUsage, None));
}

#[tokio::test]
async fn nobody_of_another_federation() {
    let (world, other) = (World::new(), World::named("sussex.weald.example"));
    world.trust.replace(&[other.authority.root().clone()]).unwrap();
    let report = refused_with(&world, other.credentials(&other.broker())).await;
    assert_eq!((report.reason, report.peer), (Reason::CertificateName, None));
}

#[tokio::test]
async fn nobody_whose_certificate_names_none_or_several() {
    let world = World::new();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = params.self_signed(&key).unwrap();
    let root_der = root.der().clone();
    let issuer = Issuer::new(params, key);
    world.trust.replace(&[root_der]).unwrap();
    let (node, broker) = (world.node("RVV").to_string(), world.broker().to_string());
    for names in [vec![], vec![node.as_str(), broker.as_str()], vec!["https://kent.weald.example/broker/b1"]] {
        let mut server = world.serve_node().await;
        let report = refused(&mut server, presenting(leaf(&issuer, &names))).await;
        assert_eq!((report.reason, report.peer), (Reason::CertificateName, None), "{names:?}");
    }
}

fn leaf(issuer: &Issuer<'_, KeyPair>, names: &[&str]) -> CertifiedKey {
    let mut params = CertificateParams::default();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.subject_alt_names = names.iter().map(|name| SanType::URI((*name).try_into().unwrap())).collect();
    let key = KeyPair::generate().unwrap();
    let leaf = params.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    CertifiedKey::new(vec![leaf.der().clone()], rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap())
}

#[tokio::test]
async fn nobody_whose_certificate_does_not_parse() {
    let world = World::new();
    let mut node = world.serve_node().await;
    let genuine = pair(&world.credentials(&world.broker()));
    let nonsense = CertifiedKey::new(vec![CertificateDer::from(vec![0x30, 0x00])], Arc::clone(&genuine.key));
    let report = refused(&mut node, presenting(nonsense)).await;
    assert_eq!((report.reason, report.peer), (Reason::CertificateInvalid, None));
}

#[tokio::test]
async fn a_party_of_the_wrong_kind_is_reported_by_name() {
    let world = World::new();
    let cases: [(Listener, SpiffeId, SpiffeId); 2] =
        [(Listener::Node, world.node("RVV"), world.viewer()), (Listener::Broker, world.broker(), world.other_broker())];
    for (listener, own, caller) in cases {
        let mut server = world.serve(listener, world.credentials(&own)).await;
        let report = refused(&mut server, careless(Some(world.credentials(&caller)), &[b"h2"])).await;
        assert_eq!((report.reason, report.peer), (Reason::WrongParty, Some(caller)));
    }
}

#[tokio::test]
async fn a_certificate_without_its_key_names_nobody() {
    let world = World::new();
    for stolen in [world.broker(), world.viewer()] {
        let mut node = world.serve_node().await;
        let (stolen, own) = (pair(&world.credentials(&stolen)), pair(&world.credentials(&world.other_broker())));
        let report = refused(&mut node, presenting(CertifiedKey::new(stolen.cert.clone(), Arc::clone(&own.key)))).await;
        assert_eq!((report.reason, report.peer), (Reason::CertificateInvalid, None));
    }
}

#[tokio::test]
async fn a_caller_of_no_protocol_is_reported_by_name_and_one_of_another_without() {
    let world = World::new();
    let credentials = world.credentials(&world.broker());
    let mut node = world.serve_node().await;
    let none = refused(&mut node, careless(Some(Arc::clone(&credentials)), &[])).await;
    assert_eq!((none.reason, none.peer), (Reason::ProtocolUnknown, Some(world.broker())));
    let mut node = world.serve_node().await;
    let other = refused(&mut node, careless(Some(credentials), &[b"h3"])).await;
    assert_eq!((other.reason, other.peer), (Reason::ProtocolUnknown, None));
}

#[tokio::test]
async fn a_caller_that_speaks_no_tls_or_hangs_up_fails() {
    use tokio::io::AsyncWriteExt as _;
    let world = World::new();
    let mut node = world.serve_node().await;
    let mut tcp = TcpStream::connect(node.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let report = node.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::HandshakeFailed, None));
    drop(TcpStream::connect(node.address).await.unwrap());
    assert_eq!(node.next_refused().await.reason, Reason::HandshakeFailed);
    node.until_empty().await;
}

#[tokio::test]
async fn no_report_holds_anything_of_a_certificate_that_is_not_believed() {
    let (world, stranger) = (World::new(), World::named("sussex.weald.example"));
    let report = refused_with(&world, stranger.credentials(&stranger.broker())).await;
    assert!(!format!("{report:?}").contains("sussex"), "{report:?}");
}
