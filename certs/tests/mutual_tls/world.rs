//! A small federation for tests: one authority, one clock that stands still, real sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use weald_certs::{
    Acceptor, AttachNobody, Authority, ConnectError, Connector, Credentials, DoorWatch, Entrance, LeafTerms, Limits,
    Link, Listener, Occupancy, PeerIdentity, Refused, Trust,
};
use weald_proto::env::Env;
use weald_proto::network::TcpNetwork;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer};
use weald_proto::service::{AskRequest, AskResponse, SessionRequest, SessionResponse};
use weald_proto::{Clock as _, FederationName, ManualClock, OdsCode, SpiffeId, SystemRandom, Timestamp};

/// Long enough for any handshake on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) federation: FederationName,
    pub(crate) clock: ManualClock,
    pub(crate) authority: Authority,
    pub(crate) trust: Arc<Trust>,
    /// Of listeners that are served from now on.
    pub(crate) limits: Limits,
}

/// A listener that answers every question with nothing, and tells who asked and who was refused.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) callers: mpsc::UnboundedReceiver<PeerIdentity>,
    pub(crate) refused: mpsc::UnboundedReceiver<Refused>,
    pub(crate) occupancy: Arc<Occupancy>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) ended: JoinHandle<()>,
}

impl Served {
    /// The next that was refused, and nobody else until now.
    pub(crate) async fn next_refused(&mut self) -> Refused {
        tokio::time::timeout(PATIENCE, self.refused.recv()).await.expect("somebody is refused").unwrap()
    }

    /// Waits until everybody has left.
    pub(crate) async fn until_empty(&self) {
        let occupancy = &self.occupancy;
        until(|| occupancy.connections() == 0 && occupancy.callers() == 0 && occupancy.requests() == 0).await;
        assert_eq!(occupancy.handshakes(), 0);
    }
}

/// Waits until something holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, held).await.expect("it never holds");
}

struct Telling(mpsc::UnboundedSender<Refused>);

impl DoorWatch for Telling {
    fn refused(&self, refused: &Refused) {
        self.0.send(refused.clone()).ok();
    }
}

pub(crate) struct Teller(pub(crate) mpsc::UnboundedSender<PeerIdentity>);

/// A node that tells who asked, and answers when it is let.
pub(crate) struct Slow {
    pub(crate) tell: mpsc::UnboundedSender<PeerIdentity>,
    pub(crate) may_answer: Arc<Notify>,
}

#[tonic::async_trait]
impl NodeAgentService for Slow {
    type SessionStream = BoxStream<SessionResponse>;

    async fn session(&self, _: Request<Streaming<SessionRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let caller = request.extensions().get::<PeerIdentity>().cloned();
        self.tell.send(caller.ok_or_else(|| Status::internal("no caller"))?).ok();
        self.may_answer.notified().await;
        Ok(Response::new(AskResponse::default()))
    }
}

#[tonic::async_trait]
impl NodeAgentService for Teller {
    type SessionStream = BoxStream<SessionResponse>;

    async fn session(&self, _: Request<Streaming<SessionRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let caller = request.extensions().get::<PeerIdentity>().cloned();
        self.0.send(caller.ok_or_else(|| Status::internal("no caller"))?).ok();
        Ok(Response::new(AskResponse::default()))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        World::named("kent.weald.example")
    }

    pub(crate) fn named(federation: &str) -> Self {
        let federation = FederationName::parse(federation).unwrap();
        let clock = ManualClock::at(Timestamp::from_secs(1_795_363_200));
        let authority = Authority::new(federation.clone(), Arc::new(SystemRandom), clock.now()).unwrap();
        let trust = Arc::new(Trust::new(federation.clone(), &[authority.root().clone()]).unwrap());
        World { federation, clock, authority, trust, limits: Limits::default() }
    }

    pub(crate) fn node(&self, ods: &str) -> SpiffeId {
        SpiffeId::node(&self.federation, &OdsCode::parse(ods).unwrap())
    }

    pub(crate) fn broker(&self) -> SpiffeId {
        SpiffeId::broker(&self.federation, "b1").unwrap()
    }

    pub(crate) fn other_broker(&self) -> SpiffeId {
        SpiffeId::broker(&self.federation, "b2").unwrap()
    }

    pub(crate) fn viewer(&self) -> SpiffeId {
        SpiffeId::viewer(&self.federation, &OdsCode::parse("G82001").unwrap(), "emr").unwrap()
    }

    pub(crate) fn credentials(&self, id: &SpiffeId) -> Arc<Credentials> {
        Arc::new(self.authority.credentials(id, self.clock.now()).unwrap())
    }

    pub(crate) fn credentials_on(&self, id: &SpiffeId, change: impl FnOnce(&mut LeafTerms)) -> Arc<Credentials> {
        let mut terms = LeafTerms::usual(id, self.clock.now());
        change(&mut terms);
        let (issued, key) = self.authority.equip(id, &terms).unwrap();
        Arc::new(Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), id).unwrap())
    }

    pub(crate) fn env(&self) -> Env {
        Env { clock: Arc::new(self.clock.clone()), random: Arc::new(SystemRandom), network: Arc::new(TcpNetwork) }
    }

    pub(crate) fn connector(&self, credentials: Arc<Credentials>) -> Connector {
        Connector::new(credentials, Arc::clone(&self.trust), self.env())
    }

    pub(crate) async fn serve(&self, listener: Listener, credentials: Arc<Credentials>) -> Served {
        self.serve_at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), listener, credentials).await
    }

    pub(crate) async fn serve_at(
        &self,
        address: SocketAddr,
        listener: Listener,
        credentials: Arc<Credentials>,
    ) -> Served {
        let (tell, callers) = mpsc::unbounded_channel();
        let routes = Routes::new(NodeAgentServiceServer::new(Teller(tell)));
        self.serve_routes(address, listener, credentials, routes, callers).await
    }

    pub(crate) async fn serve_routes(
        &self,
        address: SocketAddr,
        listener: Listener,
        credentials: Arc<Credentials>,
        routes: Routes,
        callers: mpsc::UnboundedReceiver<PeerIdentity>,
    ) -> Served {
        let (trust, clock) = (Arc::clone(&self.trust), Arc::new(self.clock.clone()));
        let (tell, refused) = mpsc::unbounded_channel();
        let (watch, limits) = (Arc::new(Telling(tell)), self.limits.clone());
        let attach = Arc::new(AttachNobody);
        let entrance = Entrance { listener, credentials, trust, clock, attach, watch, limits, strangers: None };
        let acceptor = Acceptor::bind(address, entrance).await.unwrap();
        let (address, occupancy, shutdown) = (acceptor.local_address(), acceptor.occupancy(), CancellationToken::new());
        let ended = acceptor.serve(routes, shutdown.clone());
        Served { address, callers, refused, occupancy, shutdown, ended }
    }

    /// A broker with these routes, and a viewer's link to it.
    pub(crate) async fn serve_records(&self, routes: Routes) -> (Served, Link) {
        let (_, callers) = mpsc::unbounded_channel();
        let (any, credentials) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), self.credentials(&self.broker()));
        let broker = self.serve_routes(any, Listener::Broker, credentials, routes, callers).await;
        let viewer = self.connector(self.credentials(&self.viewer()));
        let link = viewer.connect(&broker.address.to_string(), &self.broker(), PATIENCE).await.unwrap();
        (broker, link)
    }

    /// The node RVV, well equipped.
    pub(crate) async fn serve_node(&self) -> Served {
        self.serve(Listener::Node, self.credentials(&self.node("RVV"))).await
    }

    /// Dials the node RVV.
    pub(crate) async fn dial_node(&self, credentials: Arc<Credentials>, node: &Served) -> Result<Link, ConnectError> {
        self.connector(credentials).connect(&node.address.to_string(), &self.node("RVV"), PATIENCE).await
    }
}

pub(crate) async fn ask(link: Link) -> Result<(), Status> {
    NodeAgentServiceClient::new(link).ask(AskRequest::default()).await.map(|_| ())
}

/// A TLS client that believes any server and offers what it likes.
pub(crate) fn careless(credentials: Option<Arc<Credentials>>, protocols: &[&[u8]]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer));
    let mut config = match credentials {
        Some(credentials) => builder.with_client_cert_resolver(credentials),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|id| id.to_vec()).collect();
    config
}

pub(crate) async fn dial_carelessly(
    config: &Arc<ClientConfig>,
    address: SocketAddr,
) -> Result<TlsStream<TcpStream>, std::io::Error> {
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from("node.example").unwrap(), tcp).await
}

#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
