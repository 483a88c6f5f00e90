//! Who comes to a door.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use weald_certs::{Authority, ConnectError, Connector, Credentials, LeafTerms};
use weald_proto::{Reason, SpiffeId};
use weald_tests::federation::APP;

use super::scene::{Before, Whose, world};
use crate::world::{World, hospital, practice};

const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the certificate of somebody who comes where this party may come, or none; and may change the
/// federation around it.
pub(super) type Certificate = fn(&World, &SpiffeId) -> Option<Arc<Credentials>>;

/// One door: whose, where, whom one expects there, and who may come.
pub(super) struct Door {
    pub(super) whose: Whose,
    pub(super) address: String,
    pub(super) host: SpiffeId,
    pub(super) guest: SpiffeId,
}

/// The broker's door, and the hospital's.
pub(super) fn doors(world: &World) -> [Door; 2] {
    let federation = &world.federation;
    let (broker, hospitals) = (federation.broker_id().clone(), SpiffeId::node(federation.name(), &hospital()));
    let app = SpiffeId::viewer(federation.name(), &practice(), APP).unwrap();
    let address = federation.register().member(&hospital()).unwrap().address.clone().unwrap();
    [
        Door { whose: Whose::Broker, address: federation.broker_address(), host: broker.clone(), guest: app },
        Door { whose: Whose::Hospital, address, host: hospitals, guest: broker },
    ]
}

/// Comes to the broker's door, and to the hospital's.
pub(super) async fn knock(words: &str, certificate: Certificate, reason: Reason) {
    let world = world().await;
    let federation = &world.federation;
    for Door { whose, address, host, guest } in doors(&world) {
        let before = Before::of(&world);
        let credentials = certificate(&world, &guest);
        // Only who may not come here has shown by then who it is.
        let shown = credentials.as_ref().filter(|_| reason == Reason::WrongParty).map(|_| wrong_party(&world));
        match credentials {
            None => assert_eq!(come_without(&address).await, "CertificateRequired", "{words}"),
            Some(credentials) => {
                let connector = Connector::new(credentials, Arc::clone(federation.trust()), federation.env().clone());
                let came = connector.connect(&address, &host, PATIENCE).await;
                assert!(matches!(came, Err(ConnectError::Refused(_))), "{words}: {came:?}");
            }
        }
        let entry = before.refused_once(words, &world, whose, reason, shown.as_ref()).await;
        assert_eq!(entry.address, Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), "{words}");
        assert!(entry.requester.is_none() && entry.jti.is_none(), "{words}");
    }
    world.end().await;
}

/// Somebody of the federation who may not come in as a viewer or as a broker.
pub(super) fn wrong_party(world: &World) -> SpiffeId {
    SpiffeId::node(world.federation.name(), &practice())
}

/// A certificate on those terms.
pub(super) fn issued(
    authority: &Authority,
    world: &World,
    id: &SpiffeId,
    change: impl FnOnce(&mut LeafTerms),
) -> Option<Arc<Credentials>> {
    let mut terms = LeafTerms::usual(id, world.federation.env().clock.now());
    change(&mut terms);
    let (issued, key) = authority.equip(id, &terms).unwrap();
    Some(Arc::new(Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), id).unwrap()))
}

/// Comes without a certificate, and says with which alert that ended.
pub(super) async fn come_without(address: &str) -> String {
    let tcp = TcpStream::connect(address).await.unwrap();
    let mut stream = careless(tcp, None, b"h2").await.unwrap();
    let ended = stream.read(&mut [0; 1]).await.expect_err("an alert");
    match ended.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(Error::AlertReceived(alert)) => format!("{alert:?}"),
        other => panic!("no alert: {other:?}"),
    }
}

/// TLS to whoever listens, with that certificate at hand, for that protocol.
pub(crate) async fn careless(
    tcp: TcpStream,
    credentials: Option<Arc<Credentials>>,
    protocol: &[u8],
) -> std::io::Result<TlsStream<TcpStream>> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody));
    let mut config = match credentials {
        Some(credentials) => config.with_client_cert_resolver(credentials),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    connector.connect(ServerName::try_from("weald.example").unwrap(), tcp).await
}

/// Believes whoever listens.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
