//! The listening end: mutual TLS, then HTTP for whoever may come in.

mod arrivals;
mod arriving;
mod blame;
mod call;
mod caller;
mod departures;
mod everybody;
mod gate;
mod heard;
mod leaving;
mod limits;
mod occupancy;
mod pace;
mod refusal;
mod serve;
mod stranger;
mod turned_away;
mod verdict;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_proto::Clock;

use crate::attach::{self, Attach};
use crate::credentials::Credentials;
use crate::door::{Door, Listener};
use crate::trust::Trust;
pub(crate) use arriving::{Arriving, Cut};
use gate::{Annex, Entrant, Gate, Knock};
pub use limits::Limits;
use occupancy::Arrival;
pub use occupancy::{CallGuard, Occupancy};
use refusal::Refusal;
pub(crate) use serve::builder;
pub use stranger::{Stranger, Strangers};
use turned_away::TurnedAway;
pub use watch::{DoorWatch, LogOnly, Refused};

/// Connections that wait in the kernel. The usual 128 overflows when all nodes or viewers come at once.
const BACKLOG: u32 = 4096;
/// For requests that run when the listener is told to stop; after that they are cut off.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failure to accept, such as too many open files, which would else fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound port on which only parties of the federation, of the kinds that [`Listener::admits`], are
/// served.
///
/// Routes are gRPC services; REST joins them through `Routes::from(axum::Router)`. Requests carry the
/// caller's [`PeerIdentity`](crate::PeerIdentity) in their extensions:
/// `request.extensions().get::<PeerIdentity>()`, and a [`CallGuard`]. The header `grpc-timeout` is **not** enforced, because
/// hyper serves the connection and not tonic's own server: a service bounds its work itself.
///
/// In front of the routes, calls are held to the [`Limits`] and refused with a
/// [`Reason`](weald_proto::Reason); statuses that tonic makes by itself are replaced by such. So
/// services give a reason with every status: one without is taken for tonic's.
pub struct Acceptor {
    gate: Arc<Gate>,
    socket: TcpListener,
    address: SocketAddr,
}

/// What stands at a port: whose it is, how it shows who it is, whom it lets in and how many, and who
/// hears of the others.
#[derive(Clone)]
pub struct Entrance {
    /// Whose port it is.
    pub listener: Listener,
    /// The certificate that is shown.
    pub credentials: Arc<Credentials>,
    /// Whose certificates are believed.
    pub trust: Arc<Trust>,
    /// By which certificates are valid or not.
    pub clock: Arc<dyn Clock>,
    /// Takes over the links of nodes that attach; only a broker's port has any.
    pub attach: Arc<dyn Attach>,
    /// Hears of whoever is refused.
    pub watch: Arc<dyn DoorWatch>,
    /// How much is taken.
    pub limits: Limits,
    /// What is served to those without a certificate; only a broker's port has a door for them.
    pub strangers: Option<Strangers>,
}

impl Acceptor {
    /// Binds a port (0: any free one) and is ready for connections, which wait until
    /// [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// [`BindError`] naming the address, or when the TLS provider lacks TLS 1.3.
    pub async fn bind(address: SocketAddr, entrance: Entrance) -> Result<Self, BindError> {
        entrance.tls(None, &Arc::default()).map_err(BindError::Tls)?;
        let socket = listen(address).map_err(|source| BindError::Address { address, source })?;
        let address = socket.local_addr().map_err(|source| BindError::Address { address, source })?;
        Ok(Acceptor { gate: Arc::new(Gate::new(entrance)), socket, address })
    }

    /// The address that it is bound to, with the real port.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Who is here, for metrics; may be kept when the port is served.
    pub fn occupancy(&self) -> Arc<Occupancy> {
        Arc::clone(&self.gate.occupancy)
    }

    /// Who is at the door of strangers, if there is one.
    pub fn strangers(&self) -> Option<Arc<Occupancy>> {
        self.gate.annex.as_ref().map(|annex| Arc::clone(&annex.gate.occupancy))
    }

    /// Serves `routes` until `shutdown`: then no connection is accepted, running requests have 10 s to
    /// end, and the task ends.
    ///
    /// Every handshake has a task of its own and its time, so that a slow or silent peer delays nobody.
    pub fn serve(self, routes: Routes, shutdown: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(self.run(routes, shutdown))
    }

    async fn run(self, routes: Routes, shutdown: CancellationToken) {
        let routes = routes.prepare();
        let (mut connections, mut turned_away) = (JoinSet::new(), TurnedAway::default());
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next() => if let Some(tcp) = report(ended) {
                    turned_away.keep(tcp).await;
                },
                () = turned_away.due() => turned_away.close().await,
                accepted = self.socket.accept() => match accepted {
                    Ok((tcp, from)) => match self.gate.arrive(from) {
                        Some(arrival) => {
                            let (gate, routes, shutdown) = (Arc::clone(&self.gate), routes.clone(), shutdown.clone());
                            connections.spawn(connection(gate, arrival, (tcp, from), routes, shutdown));
                        }
                        None => turned_away.keep(tcp).await,
                    },
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop((self.socket, turned_away));
        let drained = async {
            while let Some(ended) = connections.join_next().await {
                report(ended);
            }
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_err() {
            tracing::warn!(cut_off = connections.len(), "stopping with connections open");
        }
    }
}

/// A connection's task has ended, perhaps with one that was turned away.
fn report(ended: Result<Option<TcpStream>, JoinError>) -> Option<TcpStream> {
    ended.unwrap_or_else(|error| {
        tracing::error!(%error, "a connection's task failed");
        None
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// One connection, from its first word to its end; the socket of a stranger for whom there is no room.
async fn connection(
    gate: Arc<Gate>,
    arrival: Arrival,
    (tcp, from): (TcpStream, SocketAddr),
    routes: Routes,
    shutdown: CancellationToken,
) -> Option<TcpStream> {
    let (had_to_wait, gives_way) = (arrival.has_to_wait(), arrival.gives_way());
    let knocked = async {
        arrival.turn().await;
        gate.hear(tcp).await
    };
    let knocked = tokio::select! {
        () = shutdown.cancelled() => return None,
        () = gives_way.cancelled() => Err(Refusal::gives_way()),
        knocked = knocked => knocked,
    };
    let knock = match (knocked, &gate.annex) {
        (Ok(knock), Some(annex)) if knock.door == Some(Door::Bootstrap) => {
            // From here on it takes nothing of those who have a name.
            drop(arrival);
            let Some(arrival) = annex.gate.arrive(from) else {
                // No key was exchanged yet: being many costs us little, and each of them something.
                gate.occupancy.at_fault(from.ip());
                return Some(knock.into_socket());
            };
            stranger(annex.clone(), (arrival, knock), from, shutdown).await;
            return None;
        }
        (Ok(knock), _) => knock,
        (Err(refusal), _) => {
            gate.end(from, refusal, had_to_wait);
            return None;
        }
    };
    let admitted = tokio::select! {
        () = shutdown.cancelled() => return None,
        () = gives_way.cancelled() => Err(Refusal::gives_way()),
        admitted = gate.admit(arrival, knock) => admitted,
    };
    match admitted {
        // The seat is kept as long as the link lasts.
        Ok(Entrant { door: Door::Attach, peer: Some(peer), seat: _seat, stream }) => {
            attach::turn(stream, (peer, from), &*gate.entrance.attach, shutdown).await;
        }
        Ok(entrant) => serve::requests(gate, entrant, from, routes, shutdown).await,
        Err(refusal) => gate.end(from, refusal, had_to_wait),
    }
    None
}

/// Somebody at the door of strangers.
async fn stranger(
    Annex { gate, routes }: Annex,
    (arrival, knock): (Arrival, Knock),
    from: SocketAddr,
    shutdown: CancellationToken,
) {
    let (had_to_wait, gives_way) = (arrival.has_to_wait(), arrival.gives_way());
    let admitted = async {
        arrival.turn().await;
        gate.admit_stranger(arrival, knock, from).await
    };
    let admitted = tokio::select! {
        () = shutdown.cancelled() => return,
        () = gives_way.cancelled() => Err(Refusal::gives_way()),
        admitted = admitted => admitted,
    };
    match admitted {
        Ok(entrant) => serve::requests(gate, entrant, from, routes, shutdown).await,
        Err(refusal) => gate.end(from, refusal, had_to_wait),
    }
}

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, not this machine's, or not allowed.
    #[error("cannot listen on {address}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS cannot be configured.
    #[error("cannot configure TLS")]
    Tls(#[source] rustls::Error),
}
