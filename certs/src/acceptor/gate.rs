//! From an accepted connection to a caller whose name is proved, or to a reason why not.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use weald_proto::{Reason, SpiffeId};

use super::Entrance;
use super::occupancy::{Arrival, Occupancy, Seat};
use super::refusal::Refusal;
use super::watch::Refused;
use crate::door::Door;
use crate::peer::PeerIdentity;
use crate::tls;

/// A port that is served: what was laid down for it, and who is here.
pub(super) struct Gate {
    pub(super) entrance: Entrance,
    pub(super) occupancy: Arc<Occupancy>,
}

/// Somebody who was let in.
pub(super) struct Entrant {
    pub(super) door: Door,
    pub(super) peer: PeerIdentity,
    pub(super) seat: Seat,
    pub(super) stream: TlsStream<TcpStream>,
}

impl Gate {
    pub(super) fn new(entrance: Entrance) -> Self {
        let occupancy = Arc::new(Occupancy::new(entrance.limits.clone()));
        Gate { entrance, occupancy }
    }

    /// A connection that was accepted; dropped at once if there is no room for it.
    pub(super) fn arrive(&self, from: SocketAddr) -> Option<Arrival> {
        let crowded = |what| self.report(from, Refusal::new(Reason::TooManyConnections, what));
        self.occupancy.arrive(from.ip()).map_err(crowded).ok()
    }

    /// The handshake, and what it says of the caller.
    pub(super) async fn admit(&self, arrival: Arrival, tcp: TcpStream) -> Result<Entrant, Refusal> {
        let believed = Arc::default();
        let stream = self.handshake(tcp, &believed).await.map_err(|refusal| refusal.of(believed.get().cloned()))?;
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
        match arrival.seat(peer.spiffe_id()) {
            Ok(seat) => Ok(Entrant { door, peer, seat, stream }),
            Err(what) => {
                let refusal = refused(Reason::TooManyConnections, what);
                self.part(stream).await;
                Err(refusal)
            }
        }
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        believed: &Arc<OnceLock<SpiffeId>>,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        tcp.set_nodelay(true).map_err(|error| Refusal::of_tls(&error))?;
        let handshake = async {
            let hello = rustls::server::Acceptor::default();
            let begun = LazyConfigAcceptor::new(hello, tcp).await.map_err(|error| Refusal::of_tls(&error))?;
            let door = begun.client_hello().alpn().and_then(|protocols| self.entrance.listener.door(protocols));
            let tls = self.entrance.tls(door, believed);
            let tls = tls.map_err(|_| Refusal::new(Reason::Internal, "TLS cannot be configured"))?;
            begun.into_stream(tls).await.map_err(|error| Refusal::of_tls(&error))
        };
        match tokio::time::timeout(self.entrance.limits.handshake_time, handshake).await {
            Ok(done) => done,
            Err(_) => Err(Refusal::new(Reason::HandshakeTimedOut, "the handshake was not over in time")),
        }
    }

    /// Says that this is the end: a connection that is only dropped looks like a failing network.
    async fn part(&self, mut stream: TlsStream<TcpStream>) {
        // If it cannot be said in time, the connection ends without.
        tokio::time::timeout(self.entrance.limits.handshake_time, stream.shutdown()).await.ok();
    }

    /// Counts a refusal and tells the watch.
    pub(super) fn report(&self, from: SocketAddr, Refusal { reason, peer, detail }: Refusal) {
        self.occupancy.count_refused(reason);
        self.entrance.watch.refused(&Refused { reason, from, peer, detail });
    }
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
