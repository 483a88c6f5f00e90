//! A federation of one broker, and whoever wants to reach it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_certs::{
    Acceptor, Attach, Attached, Attachment, AttachmentState, Authority, ConnectError, Connector, Credentials,
    Diagnosis, Entrance, Limits, Link, Listener, LogOnly, ProxiedNetwork, ProxySettings, Trust,
};
use weald_proto::env::Env;
use weald_proto::network::TcpNetwork;
use weald_proto::{Clock as _, FederationName, ManualClock, OdsCode, SpiffeId, SystemRandom, Timestamp};

/// By when a connection stands or its fault is known.
const SOON: Duration = Duration::from_secs(5);

pub(crate) struct World {
    pub(crate) federation: FederationName,
    /// Of whoever dials; the broker has its own.
    pub(crate) clock: ManualClock,
    pub(crate) authority: Authority,
    trust: Arc<Trust>,
}

/// A broker's port, open until it is dropped.
pub(crate) struct Broker {
    pub(crate) address: SocketAddr,
    /// The links of nodes that have attached.
    pub(crate) attached: mpsc::UnboundedReceiver<Link>,
    shutdown: CancellationToken,
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Tells who attaches.
struct Telling(mpsc::UnboundedSender<Link>);

impl Attach for Telling {
    fn attached(&self, link: Link) -> Attached {
        self.0.send(link).ok();
        Box::new(())
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let federation = FederationName::parse("kent.weald.example").unwrap();
        let clock = ManualClock::at(Timestamp::from_secs(1_795_363_200));
        let authority = Authority::new(federation.clone(), Arc::new(SystemRandom), clock.now()).unwrap();
        let trust = Arc::new(Trust::new(federation.clone(), &[authority.root().clone()]).unwrap());
        World { federation, clock, authority, trust }
    }

    pub(crate) fn broker(&self) -> SpiffeId {
        SpiffeId::broker(&self.federation, "b1").unwrap()
    }

    pub(crate) fn node(&self) -> SpiffeId {
        SpiffeId::node(&self.federation, &OdsCode::parse("RVV").unwrap())
    }

    fn credentials(&self, id: &SpiffeId) -> Arc<Credentials> {
        Arc::new(self.authority.credentials(id, self.clock.now()).unwrap())
    }

    /// A broker that shows the certificate of `id`.
    pub(crate) async fn open(&self, id: &SpiffeId) -> Broker {
        let (tell, attached) = mpsc::unbounded_channel();
        let entrance = Entrance {
            listener: Listener::Broker,
            credentials: self.credentials(id),
            trust: Arc::clone(&self.trust),
            clock: Arc::new(ManualClock::at(self.clock.now())),
            attach: Arc::new(Telling(tell)),
            watch: Arc::new(LogOnly::default()),
            limits: Limits::default(),
            strangers: None,
        };
        let acceptor = Acceptor::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), entrance).await.unwrap();
        let (address, shutdown) = (acceptor.local_address(), CancellationToken::new());
        acceptor.serve(Routes::default(), shutdown.clone());
        Broker { address, attached, shutdown }
    }

    pub(crate) fn connector(&self, settings: ProxySettings) -> Connector {
        self.connector_of(self, settings)
    }

    /// Dials as a viewer with the certificate of another federation, or of our own.
    pub(crate) fn connector_of(&self, issuer: &World, settings: ProxySettings) -> Connector {
        let viewer = SpiffeId::viewer(&self.federation, &OdsCode::parse("G82001").unwrap(), "emr").unwrap();
        Connector::new(issuer.credentials(&viewer), Arc::clone(&self.trust), self.env(settings))
    }

    fn env(&self, settings: ProxySettings) -> Env {
        let network = ProxiedNetwork::new(Arc::new(TcpNetwork), settings);
        Env { clock: Arc::new(self.clock.clone()), random: Arc::new(SystemRandom), network: Arc::new(network) }
    }

    /// Connects a viewer to the broker.
    pub(crate) async fn connect(&self, settings: ProxySettings, address: &str) -> Result<Link, ConnectError> {
        reach(&self.connector(settings), address, &self.broker()).await
    }

    /// What is wrong between a viewer and the broker.
    pub(crate) async fn diagnose(&self, settings: ProxySettings, address: &str) -> Diagnosis {
        Diagnosis::of(&self.connect(settings, address).await.unwrap_err())
    }

    /// Attaches the node RVV to the broker until what is returned is dropped.
    pub(crate) async fn attach(&self, settings: ProxySettings, address: &str) -> Node {
        let node = self.node();
        let attachment = Attachment {
            connector: Connector::new(self.credentials(&node), Arc::clone(&self.trust), self.env(settings)),
            address: address.to_owned(),
            broker: self.broker(),
            routes: Routes::default(),
            company: Default::default(),
        };
        let shutdown = CancellationToken::new();
        let (mut state, _) = attachment.keep(shutdown.clone());
        let settled = state.wait_for(|state| !matches!(state, AttachmentState::Dialling { .. }));
        let state = tokio::time::timeout(SOON, settled).await.expect("attached or diagnosed soon").unwrap().clone();
        Node { state, _shutdown: shutdown.drop_guard() }
    }
}

/// A node that has attached, or not.
pub(crate) struct Node {
    pub(crate) state: AttachmentState,
    _shutdown: tokio_util::sync::DropGuard,
}

impl Node {
    /// What keeps it from attaching.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let AttachmentState::Waiting { fault: Some(fault), .. } = &self.state else { panic!("{:?}", self.state) };
        Diagnosis::of(fault)
    }
}

pub(crate) async fn reach(connector: &Connector, address: &str, expected: &SpiffeId) -> Result<Link, ConnectError> {
    let began = Instant::now();
    let outcome = connector.connect(address, expected, SOON * 4).await;
    assert!(began.elapsed() < SOON, "{:?}: {outcome:?}", began.elapsed());
    outcome
}

/// Settings with this proxy and no exceptions.
pub(crate) fn through(proxy: &str) -> ProxySettings {
    ProxySettings::parse(Some(proxy), None).unwrap()
}

/// An address at which nobody listens.
pub(crate) async fn closed() -> SocketAddr {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
