//! The listening end: mutual TLS, then HTTP for whoever may come in.

mod limits;
mod refusal;
mod serve;
mod watch;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_proto::{Clock, Reason, SpiffeId};

use crate::credentials::Credentials;
use crate::door::{Door, Listener};
use crate::peer::PeerIdentity;
use crate::tls;
use crate::trust::Trust;

pub use limits::Limits;
use refusal::Refusal;
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
/// Routes are gRPC services; REST joins them through `Routes::from(axum::Router)`. Requests carry the caller's [`PeerIdentity`] in their extensions:
/// `request.extensions().get::<PeerIdentity>()`. The header `grpc-timeout` is **not** enforced, because
/// hyper serves the connection and not tonic's own server: a service bounds its work itself.
pub struct Acceptor {
    entrance: Arc<Entrance>,
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
    /// Hears of whoever is refused.
    pub watch: Arc<dyn DoorWatch>,
    /// How much is taken.
    pub limits: Limits,
}

impl Acceptor {
    /// Binds a port (0: any free one) and is ready for connections, which wait until
    /// [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// [`BindError`] naming the address, or when the TLS provider lacks TLS 1.3.
    pub async fn bind(address: SocketAddr, entrance: Entrance) -> Result<Self, BindError> {
        entrance.tls(&Arc::default()).map_err(BindError::Tls)?;
        let socket = listen(address).map_err(|source| BindError::Address { address, source })?;
        let address = socket.local_addr().map_err(|source| BindError::Address { address, source })?;
        Ok(Acceptor { entrance: Arc::new(entrance), socket, address })
    }

    /// The address that it is bound to, with the real port.
    pub fn local_address(&self) -> SocketAddr {
        self.address
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
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next() => report(ended),
                accepted = self.socket.accept() => match accepted {
                    Ok((tcp, from)) => {
                        let entrance = Arc::clone(&self.entrance);
                        connections.spawn(connection(entrance, tcp, from, routes.clone(), shutdown.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.socket);
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

fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection's task failed");
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn connection(
    entrance: Arc<Entrance>,
    tcp: TcpStream,
    from: SocketAddr,
    routes: Routes,
    shutdown: CancellationToken,
) {
    let admitted = tokio::select! {
        () = shutdown.cancelled() => return,
        admitted = entrance.admit(tcp) => admitted,
    };
    match admitted {
        Ok((door, peer, stream)) => serve::requests(door, peer, stream, routes, shutdown).await,
        Err(Refusal { reason, peer, detail }) => {
            entrance.watch.refused(&Refused { reason, from, peer, detail });
        }
    }
}

impl Entrance {
    /// For one connection, so that `believed` tells who it was when the handshake fails after all.
    fn tls(&self, believed: &Arc<OnceLock<SpiffeId>>) -> Result<TlsAcceptor, rustls::Error> {
        let (credentials, trust, clock) =
            (Arc::clone(&self.credentials), Arc::clone(&self.trust), Arc::clone(&self.clock));
        let config = tls::server_config(self.listener, credentials, trust, clock, Arc::clone(believed))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    async fn admit(&self, tcp: TcpStream) -> Result<(Door, PeerIdentity, TlsStream<TcpStream>), Refusal> {
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
        if self.listener.admits(door, &peer.spiffe_id().path) {
            Ok((door, peer, stream))
        } else {
            Err(refused(Reason::WrongParty, "this party may not come through this door"))
        }
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        believed: &Arc<OnceLock<SpiffeId>>,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        tcp.set_nodelay(true).map_err(|error| Refusal::of_tls(&error))?;
        let tls = self.tls(believed).map_err(|_| Refusal::new(Reason::Internal, "TLS cannot be configured"))?;
        match tokio::time::timeout(self.limits.handshake_time, tls.accept(tcp)).await {
            Ok(done) => done.map_err(|error| Refusal::of_tls(&error)),
            Err(_) => Err(Refusal::new(Reason::HandshakeTimedOut, "the handshake was not over in time")),
        }
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
