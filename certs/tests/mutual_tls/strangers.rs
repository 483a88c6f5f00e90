//! The door for those without a certificate.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::AlertDescription;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use weald_certs::{
    Acceptor, AttachNobody, ConnectError, DoorWatch, Entrance, FileName, Limits, Listener, Newcomer, NewcomerError,
    NewcomerLink, Occupancy, PeerIdentity, Refused, Stranger, Strangers,
};
use weald_proto::Reason;
use weald_proto::service::bootstrap_service_server::{BootstrapService, BootstrapServiceServer};
use weald_proto::service::get_register_file_response::Next;
use weald_proto::service::node_agent_service_server::NodeAgentServiceServer;
use weald_proto::service::{
    EnrolRequest, EnrolResponse, GetRegisterFileRequest, GetRegisterFileResponse, RegisterFileHead,
};

use crate::world::{PATIENCE, Teller, World, ask, careless, dial_carelessly, until};

const BOOTSTRAP: &[u8] = b"weald-bootstrap/1";

/// Sends whatever it was made with, and tells who asked.
struct Files {
    tell: mpsc::UnboundedSender<(Option<Stranger>, Option<PeerIdentity>)>,
    sent: Vec<Next>,
}

#[tonic::async_trait]
impl BootstrapService for Files {
    type GetRegisterFileStream = BoxStream<GetRegisterFileResponse>;

    async fn get_register_file(
        &self,
        request: Request<GetRegisterFileRequest>,
    ) -> Result<Response<Self::GetRegisterFileStream>, Status> {
        let who = request.extensions();
        self.tell.send((who.get().copied(), who.get().cloned())).ok();
        let sent: Vec<_> =
            self.sent.iter().map(|next| Ok(GetRegisterFileResponse { next: Some(next.clone()) })).collect();
        Ok(Response::new(Box::pin(tokio_stream::iter(sent))))
    }

    async fn enrol(&self, _: Request<EnrolRequest>) -> Result<Response<EnrolResponse>, Status> {
        Err(Status::unavailable("a fault without a reason"))
    }
}

struct Unheard;

impl DoorWatch for Unheard {
    fn refused(&self, _: &Refused) {}
}

/// A broker's port with a door for strangers.
struct Port {
    address: SocketAddr,
    named: Arc<Occupancy>,
    strangers: Arc<Occupancy>,
    who: mpsc::UnboundedReceiver<(Option<Stranger>, Option<PeerIdentity>)>,
}

fn head(version: u64, bytes: u64) -> Next {
    Next::Head(RegisterFileHead { version, bytes })
}

fn piece(bytes: &[u8]) -> Next {
    Next::Piece(bytes.to_vec())
}

async fn open(world: &World, sent: Vec<Next>, change: impl FnOnce(&mut Limits)) -> Port {
    let mut limits = Limits::of_strangers();
    change(&mut limits);
    let (tell, who) = mpsc::unbounded_channel();
    let routes = Routes::new(BootstrapServiceServer::new(Files { tell, sent }));
    let entrance = Entrance {
        listener: Listener::Broker,
        credentials: world.credentials(&world.broker()),
        trust: Arc::clone(&world.trust),
        clock: Arc::new(world.clock.clone()),
        attach: Arc::new(AttachNobody),
        watch: Arc::new(Unheard),
        limits: Limits::default(),
        strangers: Some(Strangers { routes, limits }),
    };
    let acceptor = Acceptor::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), entrance).await.unwrap();
    let (address, named, strangers) = (acceptor.local_address(), acceptor.occupancy(), acceptor.strangers().unwrap());
    let (tell, _) = mpsc::unbounded_channel();
    acceptor.serve(Routes::new(NodeAgentServiceServer::new(Teller(tell))), CancellationToken::new());
    Port { address, named, strangers, who }
}

async fn connect(world: &World, port: &Port) -> Result<NewcomerLink, ConnectError> {
    let newcomer = Newcomer::new(Arc::clone(&world.trust), world.env());
    newcomer.connect(&port.address.to_string(), &world.broker(), PATIENCE).await
}

async fn fetch(link: &mut NewcomerLink) -> Result<Option<Vec<u8>>, NewcomerError> {
    let file = link.file(&FileName::register(), 3, PATIENCE).await?;
    Ok(file.map(|file| file.bytes.to_vec()))
}

#[tokio::test]
async fn a_newcomer_fetches_a_file_and_is_known_by_its_address_alone() {
    let world = World::new();
    let mut port = open(&world, vec![head(4, 6), piece(b"abc"), piece(b"def")], |_| {}).await;
    let mut link = connect(&world, &port).await.unwrap();
    assert_eq!(fetch(&mut link).await.unwrap().as_deref(), Some(&b"abcdef"[..]));
    let (stranger, peer) = port.who.recv().await.unwrap();
    assert_eq!(stranger.unwrap().network(), IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(peer, None);
}

#[tokio::test]
async fn a_certificate_is_not_asked_for_so_none_is_shown() {
    let world = World::new();
    let other = World::named("sussex.weald.example");
    let port = open(&world, Vec::new(), |_| {}).await;
    for credentials in [world.credentials(&world.viewer()), other.credentials(&other.viewer())] {
        let config = careless(Some(credentials), &[BOOTSTRAP]);
        let mut stream = dial_carelessly(&Arc::new(config), port.address).await.unwrap();
        assert!(stream.read(&mut [0; 64]).await.unwrap() > 0, "the broker speaks");
        until(|| port.strangers.callers() == 1).await;
        assert_eq!(port.named.callers(), 0);
        drop(stream);
        until(|| port.strangers.callers() == 0).await;
    }
}

#[tokio::test]
async fn a_port_without_a_door_for_strangers_and_a_broker_of_another_name_are_refused() {
    let world = World::new();
    let closed = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let newcomer = Newcomer::new(Arc::clone(&world.trust), world.env());
    let refused = newcomer.connect(&closed.address.to_string(), &world.broker(), PATIENCE).await.unwrap_err();
    assert!(matches!(refused, ConnectError::WrongProtocol), "{refused}");
    let port = open(&world, Vec::new(), |_| {}).await;
    let other = newcomer.connect(&port.address.to_string(), &world.other_broker(), PATIENCE).await;
    assert!(matches!(other, Err(ConnectError::Certificate(_))));
}

#[tokio::test]
async fn a_full_door_for_strangers_turns_them_away_and_leaves_the_port_to_those_with_a_name() {
    let world = World::new();
    let port = open(&world, vec![head(3, 0)], |limits| limits.connections = 1).await;
    let mut first = connect(&world, &port).await.unwrap();
    assert!(connect(&world, &port).await.is_err());
    assert_eq!(port.strangers.refused(Reason::TooManyConnections), 1);
    assert_eq!((port.named.connections(), port.named.callers()), (0, 0));
    let viewer = world.connector(world.credentials(&world.viewer()));
    let link = viewer.connect(&port.address.to_string(), &world.broker(), PATIENCE).await.unwrap();
    ask(link).await.unwrap();
    assert_eq!(fetch(&mut first).await.unwrap(), None);
    assert_eq!(port.named.refused(Reason::TooManyConnections), 0);
}

#[tokio::test]
async fn one_address_holds_so_many_connections_and_each_grows_so_old() {
    let world = World::new();
    let change = |limits: &mut Limits| {
        limits.connections_per_identity = 1;
        limits.connection_time = Some(Duration::from_secs(1));
    };
    let port = open(&world, vec![head(3, 0)], change).await;
    let _held = connect(&world, &port).await.unwrap();
    assert!(connect(&world, &port).await.is_err());
    until(|| port.strangers.connections() == 0).await;
    assert_eq!(fetch(&mut connect(&world, &port).await.unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_connection_grows_no_older_though_its_peer_never_says_another_word() {
    let world = World::new();
    let change = |limits: &mut Limits| limits.connection_time = Some(Duration::from_millis(100));
    let port = open(&world, vec![head(3, 0)], change).await;
    let config = careless(None, &[BOOTSTRAP]);
    let mut stream = dial_carelessly(&Arc::new(config), port.address).await.unwrap();
    // A preface, and no settings of its own.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    until(|| port.strangers.callers() == 1).await;
    let closed = async { while stream.read(&mut [0; 256]).await.is_ok_and(|read| read > 0) {} };
    tokio::time::timeout(PATIENCE / 2, closed).await.expect("it is not kept until a ping stays unanswered");
    until(|| port.strangers.connections() == 0).await;
}

/// Says the first word of a handshake from there, and nothing more.
async fn fall_silent(from: Ipv4Addr, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    let mut tcp = socket.connect(to).await.unwrap();
    let name = ServerName::try_from("node.example").unwrap();
    let mut hello = Vec::new();
    let mut tls = rustls::ClientConnection::new(Arc::new(careless(None, &[BOOTSTRAP])), name).unwrap();
    tls.write_tls(&mut hello).unwrap();
    tcp.write_all(&hello).await.unwrap();
    tcp
}

#[tokio::test]
async fn a_door_full_of_handshakes_that_never_end_lets_a_newcomer_from_elsewhere_in() {
    let world = World::new();
    let port = open(&world, vec![head(3, 0)], |limits| limits.handshake_time = PATIENCE * 2).await;
    let mut held = Vec::new();
    for number in 0..16 {
        held.push(fall_silent(Ipv4Addr::new(127, 0, 2, number % 4), port.address).await);
    }
    until(|| port.strangers.handshakes() == 16).await;
    let mut link = connect(&world, &port).await.unwrap();
    assert_eq!(fetch(&mut link).await.unwrap(), None);
    assert_eq!((port.strangers.handshakes(), port.strangers.refused(Reason::TooManyConnections)), (15, 1));
}

#[tokio::test]
async fn strangers_for_whom_there_is_no_room_are_not_closed_to_at_once_and_their_address_pays() {
    let world = World::new();
    let port = open(&world, Vec::new(), |limits| limits.connections = 0).await;
    let from = Ipv4Addr::new(127, 0, 3, 1);
    let began = Instant::now();
    let mut turned_away = fall_silent(from, port.address).await;
    assert_eq!(turned_away.read(&mut [0; 64]).await.unwrap_or(0), 0);
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    let mut held = Vec::new();
    while port.named.refused(Reason::TooManyConnections) == 0 {
        assert!(held.len() < 200, "nobody minds");
        held.push(fall_silent(from, port.address).await);
    }
    let viewer = world.connector(world.credentials(&world.viewer()));
    ask(viewer.connect(&port.address.to_string(), &world.broker(), PATIENCE).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_what_was_said_is_not_taken() {
    let world = World::new();
    let cases = [
        vec![],
        vec![piece(b"abc")],
        vec![head(4, 3)],
        vec![head(4, 3), piece(b"ab")],
        vec![head(4, 3), piece(b"abcd")],
        vec![head(4, 3), head(4, 3)],
        vec![head(3, 3), piece(b"abc")],
    ];
    for sent in cases {
        let port = open(&world, sent, |_| {}).await;
        let mut link = connect(&world, &port).await.unwrap();
        assert!(matches!(fetch(&mut link).await, Err(NewcomerError::Garbled)));
    }
    let port = open(&world, vec![head(4, u64::MAX)], |_| {}).await;
    assert!(matches!(fetch(&mut connect(&world, &port).await.unwrap()).await, Err(NewcomerError::TooLarge)));
}

#[tokio::test]
async fn who_offers_a_door_with_a_name_as_well_is_asked_for_it() {
    let world = World::new();
    let port = open(&world, Vec::new(), |_| {}).await;
    let config = careless(None, &[BOOTSTRAP, b"h2"]);
    let mut stream = dial_carelessly(&Arc::new(config), port.address).await.unwrap();
    let refused = stream.read(&mut [0; 64]).await.unwrap_err();
    let alert = refused.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    assert_eq!(alert, Some(&rustls::Error::AlertReceived(AlertDescription::CertificateRequired)));
}
