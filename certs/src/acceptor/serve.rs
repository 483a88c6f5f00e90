//! Requests on one connection, each with the caller's identity.

use std::pin::pin;
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::ServiceExt as _;

use crate::door::Door;
use crate::peer::PeerIdentity;

/// How often a silent peer is asked whether it is there, ...
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// ... and how long it has to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests at once on one connection.
const CONCURRENT_STREAMS: u32 = 256;
/// Requests are small: 256 KiB may be under way for one, ...
const STREAM_WINDOW: u32 = 256 << 10;
/// ... and 4 MiB for all of a connection, so that 16 that nobody reads stall no other.
const CONNECTION_WINDOW: u32 = 4 << 20;
/// Headers of one request. An assertion of 8 KiB is one of them.
const HEADER_BYTES: u32 = 32 << 10;
/// For the head of an HTTP/1.1 request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Serves until the peer hangs up, or until the requests that run at `shutdown` are done.
pub(super) async fn requests(
    door: Door,
    peer: PeerIdentity,
    stream: TlsStream<TcpStream>,
    routes: Routes,
    shutdown: CancellationToken,
) {
    let caller = peer.clone();
    let service = routes.into_axum_router().map_request(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        request
    });
    let builder = builder(door);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}

/// Speaks exactly what was agreed on by ALPN, whatever the first bytes look like.
fn builder(door: Door) -> auto::Builder<TokioExecutor> {
    let mut builder = match door {
        Door::Http1 => auto::Builder::new(TokioExecutor::new()).http1_only(),
        Door::Http2 | Door::Attach | Door::Bootstrap => auto::Builder::new(TokioExecutor::new()).http2_only(),
    };
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(HEADER_BYTES);
    builder
}
