//! A proxy that intercepts TLS: it ends the connection itself, with a certificate of its own authority for
//! whatever name, and makes another one to the other end.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};
use rustls::crypto::aws_lc_rs;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use weald_certs::{Cause, ProxySettings, Whom};

use crate::stand_in::{StandIn, connected};
use crate::world::{World, through};

const NAME: &str = "localhost";

/// An authority that nobody in the federation has heard of.
struct Appliance {
    issuer: Issuer<'static, KeyPair>,
    root: CertificateDer<'static>,
}

impl Appliance {
    fn new(common_name: &str, organisation: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Appliance { issuer: Issuer::new(params, key), root }
    }

    /// Ends TLS with a certificate for these names.
    fn server(&self, names: &[SanType]) -> TlsAcceptor {
        self.server_with(|params| params.subject_alt_names = names.to_vec())
    }

    /// Ends TLS with whatever certificate.
    fn server_with(&self, change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        // It agrees to whatever is asked for.
        config.alpn_protocols = vec![b"h2".to_vec(), b"weald-attach/1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }

    /// Believes this authority alone.
    fn client(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.root.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    /// A proxy that intercepts what goes through it, and believes `server` of whoever is behind.
    async fn proxy(&self, names: &[SanType], server: &Appliance) -> StandIn {
        let (acceptor, connector) = (self.server(names), server.client());
        StandIn::local(move |client, target| {
            let (acceptor, connector) = (acceptor.clone(), connector.clone());
            async move {
                let Ok(mut client) = acceptor.accept(connected(client).await).await else { return };
                let server = TcpStream::connect(&target).await.unwrap();
                let mut server = connector.connect(ServerName::try_from(NAME).unwrap(), server).await.unwrap();
                copy_bidirectional(&mut client, &mut server).await.ok();
            }
        })
        .await
    }
}

fn dns() -> SanType {
    SanType::DnsName(NAME.try_into().unwrap())
}

#[tokio::test]
async fn whoever_intercepts_is_named_and_refused_though_the_name_is_right() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    let appliance = Appliance::new("Web Gateway CA", "Kent Hospitals");
    let spiffe = SanType::URI(world.broker().to_string().try_into().unwrap());
    let proxy = appliance.proxy(&[spiffe], &appliance).await;
    let address = broker.address.to_string();

    let diagnosis = world.diagnose(through(&proxy.url()), &address).await;
    assert_eq!((diagnosis.cause, diagnosis.cause.ask()), (Cause::Intercepted, Whom::Security));
    let named = "the certificate shown is issued by \"Web Gateway CA (Kent Hospitals)\", \
                 which is no root of this federation";
    assert_eq!(diagnosis.what, named);

    let node = world.attach(through(&proxy.url()), &address).await;
    assert_eq!(node.diagnosis(), diagnosis);
}

#[tokio::test]
async fn whoever_intercepts_is_named_whatever_else_is_wrong_with_the_certificate() {
    let world = World::new();
    let changes: [fn(&mut CertificateParams); 4] = [
        |params| params.not_after = rcgen::date_time_ymd(2020, 1, 1),
        |params| params.not_before = rcgen::date_time_ymd(2040, 1, 1),
        |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
    ];
    for (case, change) in changes.into_iter().enumerate() {
        let acceptor = Appliance::new("Web Gateway CA", "Kent").server_with(change);
        let proxy = StandIn::local(move |client, _| {
            let acceptor = acceptor.clone();
            async move { drop(acceptor.accept(connected(client).await).await) }
        })
        .await;
        let diagnosis = world.diagnose(through(&proxy.url()), "broker.example:443").await;
        assert_eq!(diagnosis.cause, Cause::Intercepted, "{case}: {diagnosis}");
        assert!(diagnosis.what.contains("Web Gateway CA (Kent)"), "{case}: {diagnosis}");
    }
}

#[tokio::test]
async fn an_issuer_that_calls_itself_as_our_authority_does_is_refused_too() {
    let (world, namesake) = (World::new(), World::new());
    let imposter = namesake.open(&namesake.broker()).await;
    let diagnosis = world.diagnose(ProxySettings::direct(), &imposter.address.to_string()).await;
    assert_eq!(diagnosis.cause, Cause::Intercepted);
    let root = webpki::EndEntityCert::try_from(world.authority.root()).unwrap();
    let theirs = webpki::EndEntityCert::try_from(namesake.authority.root()).unwrap();
    assert_eq!(root.subject(), theirs.subject());
}

#[tokio::test]
async fn a_name_that_could_move_the_cursor_is_shown_harmless_and_short() {
    let world = World::new();
    let long = format!("\u{1b}[2J\r\nAll is well {}", "x".repeat(500));
    let appliance = Appliance::new(&long, "Kent");
    let proxy = appliance.proxy(&[dns()], &appliance).await;
    let what = world.diagnose(through(&proxy.url()), "127.0.0.1:443").await.what;
    let shown = what.split('"').nth(1).unwrap();
    assert!(shown.starts_with("[2JAll is well xxx") && shown.chars().count() == 100, "{what:?}");
    assert!(!what.chars().any(char::is_control));
}

#[tokio::test]
async fn the_proxy_of_these_tests_does_intercept_whoever_believes_it() {
    let (appliance, site) = (Appliance::new("Web Gateway CA", "Kent"), Appliance::new("Site CA", "Site"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (behind, server) = (listener.local_addr().unwrap(), site.server(&[dns()]));
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        server.accept(client).await.unwrap().write_all(b"well").await.unwrap();
    });
    let proxy = appliance.proxy(&[dns()], &site).await;
    let mut client = TcpStream::connect(proxy.address).await.unwrap();
    client.write_all(format!("CONNECT {behind} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
    let mut established = [0; 39];
    client.read_exact(&mut established).await.unwrap();
    assert_eq!(&established, b"HTTP/1.1 200 Connection established\r\n\r\n");
    let name = ServerName::try_from(NAME).unwrap();
    let mut heard = [0; 4];
    appliance.client().connect(name, client).await.unwrap().read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"well");
}
