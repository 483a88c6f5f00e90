//! The listening end: mutual TLS, then HTTP for whoever may come in.

mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_proto::Clock;

use crate::credentials::Credentials;
use crate::door::{Door, Listener};
use crate::peer::{PeerError, PeerIdentity};
use crate::tls;
use crate::trust::Trust;

/// Connections that wait in the kernel. The usual 128 overflows when all nodes or viewers come at once.
const BACKLOG: u32 = 4096;
/// For the whole TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
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
    listener: Listener,
    socket: TcpListener,
    address: SocketAddr,
    tls: TlsAcceptor,
}

impl Acceptor {
    /// Binds a port (0: any free one) and is ready for connections, which wait until
    /// [`serve`](Self::serve).
    ///
    /// # Errors
    ///
    /// [`BindError`] naming the address, or when the TLS provider lacks TLS 1.3.
    pub async fn bind(
        address: SocketAddr,
        listener: Listener,
        credentials: Arc<Credentials>,
        trust: Arc<Trust>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BindError> {
        let config = tls::server_config(listener, credentials, trust, clock).map_err(BindError::Tls)?;
        let socket = listen(address).map_err(|source| BindError::Address { address, source })?;
        let address = socket.local_addr().map_err(|source| BindError::Address { address, source })?;
        Ok(Acceptor { listener, socket, address, tls: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The address that it is bound to, with the real port.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `routes` until `shutdown`: then no connection is accepted, running requests have 10 s to
    /// end, and the task ends.
    ///
    /// Every handshake has a task of its own and 5 s, so that a slow or silent peer delays nobody.
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
                        let (tls, listener) = (self.tls.clone(), self.listener);
                        connections.spawn(connection(tls, listener, tcp, from, routes.clone(), shutdown.clone()));
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
    tls: TlsAcceptor,
    listener: Listener,
    tcp: TcpStream,
    from: SocketAddr,
    routes: Routes,
    shutdown: CancellationToken,
) {
    let admitted = tokio::select! {
        () = shutdown.cancelled() => return,
        admitted = admit(tls, listener, tcp) => admitted,
    };
    match admitted {
        Ok((door, peer, stream)) => serve::requests(door, peer, stream, routes, shutdown).await,
        Err(refusal) => tracing::info!(%from, reason = %refusal, "connection refused"),
    }
}

async fn admit(
    tls: TlsAcceptor,
    listener: Listener,
    tcp: TcpStream,
) -> Result<(Door, PeerIdentity, TlsStream<TcpStream>), Refusal> {
    tcp.set_nodelay(true)?;
    let stream =
        tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(tcp)).await.map_err(|_elapsed| Refusal::TimedOut)??;
    let (_, connection) = stream.get_ref();
    let door = connection.alpn_protocol().and_then(Door::from_alpn).ok_or(Refusal::NoProtocol)?;
    let peer = PeerIdentity::of_connection(connection)?;
    if listener.admits(door, &peer.spiffe_id().path) {
        Ok((door, peer, stream))
    } else {
        Err(Refusal::WrongDoor { door, peer })
    }
}

/// Why somebody was not let in. Holds nothing of a certificate but its SPIFFE id.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("no TLS handshake within {} s", HANDSHAKE_TIMEOUT.as_secs())]
    TimedOut,
    #[error("TLS: {0}")]
    Tls(#[from] io::Error),
    #[error("the peer names no protocol (ALPN)")]
    NoProtocol,
    #[error(transparent)]
    Peer(#[from] PeerError),
    #[error("{peer} may not come through {door:?}")]
    WrongDoor { door: Door, peer: PeerIdentity },
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
