//! From an accepted connection to a caller whose name is proved, or a stranger at the door of strangers, or to a
//! reason why not.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};
use tonic::service::Routes;
use weald_proto::{Reason, SpiffeId};

use super::Entrance;
use super::caller::Who;
use super::occupancy::{Arrival, Occupancy, Seat, network};
use super::refusal::{Fault, Refusal};
use super::watch::Refused;
use crate::door::Door;
use crate::peer::PeerIdentity;
use crate::tls;

/// A port that is served: what was laid down for it, and who is here.
pub(super) struct Gate {
    pub(super) entrance: Entrance,
    pub(super) occupancy: Arc<Occupancy>,
    pub(super) annex: Option<Annex>,
}

/// The door of strangers: whoever is here takes no place of those with a name.
#[derive(Clone)]
pub(super) struct Annex {
    pub(super) gate: Arc<Gate>,
    pub(super) routes: Routes,
}

/// Somebody who has said which door they want, and for whom nothing was worked out yet.
pub(super) struct Knock {
    pub(super) door: Option<Door>,
    begun: StartHandshake<TcpStream>,
    deadline: Instant,
}

/// Somebody who was let in.
pub(super) struct Entrant {
    pub(super) door: Door,
    /// None of a stranger.
    pub(super) peer: Option<PeerIdentity>,
    pub(super) seat: Seat,
    pub(super) stream: TlsStream<TcpStream>,
}

impl Knock {
    /// The connection, of which no more is wanted.
    pub(super) fn into_socket(self) -> TcpStream {
        self.begun.io
    }
}

impl Gate {
    pub(super) fn new(entrance: Entrance) -> Self {
        let annex = entrance.strangers.as_ref().map(|strangers| {
            let theirs = Entrance { limits: strangers.limits.clone(), strangers: None, ..entrance.clone() };
            Annex { gate: Arc::new(Gate::new(theirs)), routes: strangers.routes.clone().prepare() }
        });
        let occupancy = Arc::new(Occupancy::new(entrance.limits.clone()));
        Gate { entrance, occupancy, annex }
    }

    /// A connection that was accepted; dropped at once if there is no room for it.
    pub(super) fn arrive(&self, from: SocketAddr) -> Option<Arrival> {
        let crowded = |what| self.report(from, Refusal::new(Reason::TooManyConnections, what));
        self.occupancy.arrive(from.ip()).map_err(crowded).ok()
    }

    /// Waits for a caller's first words, which name the door.
    pub(super) async fn hear(&self, tcp: TcpStream) -> Result<Knock, Refusal> {
        let now = Instant::now();
        let deadline = now.checked_add(self.entrance.limits.handshake_time).unwrap_or(now);
        tcp.set_nodelay(true).map_err(|error| Refusal::of_tls(&error))?;
        let hello = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), tcp);
        let begun = timeout_at(deadline, hello).await.map_err(|_| late())?;
        let begun = begun.map_err(|error| Refusal::of_tls(&error))?;
        let open = |door| door != Door::Bootstrap || self.annex.is_some();
        let door = begun.client_hello().alpn().and_then(|protocols| self.entrance.listener.door(protocols, open));
        Ok(Knock { door, begun, deadline })
    }

    /// The handshake, and what it says of the caller.
    pub(super) async fn admit(&self, arrival: Arrival, knock: Knock) -> Result<Entrant, Refusal> {
        let believed = Arc::default();
        let tls = self.entrance.tls(knock.door, &believed);
        let stream = finish(knock, tls).await.map_err(|refusal| refusal.of(believed.get().cloned()))?;
        let (_, connection) = stream.get_ref();
        let peer = PeerIdentity::of_connection(connection)
            .map_err(|error| Refusal::new(Reason::CertificateName, error.to_string()))?;
        let refused = |reason, detail| Refusal::new(reason, detail).of(Some(peer.spiffe_id().clone()));
        let door = connection
            .alpn_protocol()
            .and_then(Door::from_alpn)
            .ok_or_else(|| refused(Reason::ProtocolUnknown, "the caller names no protocol (ALPN)"))?;
        if !self.entrance.listener.admits(door, &peer.spiffe_id().path) {
            return Err(refused(Reason::WrongParty, "this party may not come through this door"));
        }
        match arrival.seat(Who::Party(peer.spiffe_id().clone())) {
            Ok(seat) => Ok(Entrant { door, peer: Some(peer), seat, stream }),
            Err(what) => {
                let refusal = refused(Reason::TooManyConnections, what);
                self.part(stream).await;
                Err(refusal)
            }
        }
    }

    /// The handshake of somebody who is asked for no certificate.
    pub(super) async fn admit_stranger(
        &self,
        arrival: Arrival,
        knock: Knock,
        from: SocketAddr,
    ) -> Result<Entrant, Refusal> {
        let Entrance { credentials, clock, .. } = &self.entrance;
        let tls = tls::stranger_config(Arc::clone(credentials), Arc::clone(clock)).map(Arc::new);
        let stream = finish(knock, tls).await?;
        match arrival.seat(Who::Stranger(network(from.ip()))) {
            Ok(seat) => Ok(Entrant { door: Door::Bootstrap, peer: None, seat, stream }),
            Err(_) => {
                self.part(stream).await;
                Err(Refusal::new(Reason::TooManyConnections, "as many connections as one address may have here"))
            }
        }
    }

    /// Says that this is the end: a connection that is only dropped looks like a failing network.
    async fn part(&self, mut stream: TlsStream<TcpStream>) {
        // If it cannot be said in time, the connection ends without.
        tokio::time::timeout(self.entrance.limits.handshake_time, stream.shutdown()).await.ok();
    }

    /// Reports a connection that had to be ended, and holds it against its address, unless it was no fault of its
    /// peer, or the peer went that had had to wait for its turn: it may have lost patience.
    pub(super) fn end(&self, from: SocketAddr, refusal: Refusal, had_to_wait: bool) {
        let is_fault = match refusal.fault {
            Fault::Peers => true,
            Fault::Gone => !had_to_wait,
            Fault::Nobodys => false,
        };
        if is_fault {
            self.occupancy.at_fault(from.ip());
        }
        self.report(from, refusal);
    }

    /// Counts a refusal and tells the watch.
    pub(super) fn report(&self, from: SocketAddr, Refusal { reason, peer, detail, .. }: Refusal) {
        self.occupancy.count_refused(reason);
        self.entrance.watch.refused(&Refused { reason, from, peer, detail });
    }
}

async fn finish(knock: Knock, tls: Result<Arc<ServerConfig>, rustls::Error>) -> Result<TlsStream<TcpStream>, Refusal> {
    let tls = tls.map_err(|_| Refusal::new(Reason::Internal, "TLS cannot be configured"))?;
    let finished = timeout_at(knock.deadline, knock.begun.into_stream(tls)).await.map_err(|_| late())?;
    finished.map_err(|error| Refusal::of_tls(&error))
}

fn late() -> Refusal {
    Refusal::new(Reason::HandshakeTimedOut, "the handshake was not over in time")
}

impl Entrance {
    /// For one connection to the door that the caller named, if it did, so that `believed` tells who it was when the handshake fails after all.
    pub(super) fn tls(
        &self,
        door: Option<Door>,
        believed: &Arc<OnceLock<SpiffeId>>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let (credentials, trust, clock) =
            (Arc::clone(&self.credentials), Arc::clone(&self.trust), Arc::clone(&self.clock));
        let believed = Arc::clone(believed);
        Ok(Arc::new(tls::server_config(self.listener, door, credentials, trust, clock, believed)?))
    }
}
