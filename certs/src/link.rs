//! One HTTP/2 connection to one party, for generated gRPC clients.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tonic::body::Body;
use tower::Service;
use weald_proto::SpiffeId;
use weald_proto::network::Connection;

use crate::connect_error::ConnectError;

/// How often a silent peer is asked whether it is there, also between requests, ...
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// ... and how long it has to say so: a link that is half open is noticed within 25 s.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// What may be under way for one answer that nobody reads, ...
const STREAM_WINDOW: u32 = 512 << 10;
/// ... and for all of a connection: 32 unread answers before they stall the others.
const CONNECTION_WINDOW: u32 = 16 << 20;

/// A connection on which the other end is known, and has accepted us. Clones share it; it closes,
/// after the requests that run, when the last clone is dropped.
///
/// A tower service: `NodeAgentServiceClient::new(link)` works as it is, without an origin. Requests are
/// **not** bounded in time: callers do that. A request that fails because of the connection carries a
/// [`hyper::Error`] in its chain of sources; one with `is_canceled()` was never sent.
#[derive(Clone)]
pub struct Link {
    requests: http2::SendRequest<Body>,
    peer: SpiffeId,
    from: Option<SocketAddr>,
}

/// Ends when the connection of a [`Link`] does. It must be polled for the link to work.
pub(crate) type Ended = Pin<Box<dyn Future<Output = Result<(), hyper::Error>> + Send>>;

impl Link {
    /// Speaks HTTP/2 as its client over a connection whose other end is known, whoever dialled.
    pub(crate) async fn over(stream: impl Connection + 'static, peer: SpiffeId) -> Result<(Self, Ended), ConnectError> {
        let (requests, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ConnectError::Http2(Arc::new(error)))?;
        Ok((Link { requests, peer, from: None }, Box::pin(connection)))
    }

    /// Who is on the other end.
    pub fn peer(&self) -> &SpiffeId {
        &self.peer
    }

    /// From where it was dialled, if it was not we who dialled: the address of the other end, or of what
    /// stands between.
    pub fn from(&self) -> Option<SocketAddr> {
        self.from
    }

    /// The same, dialled from there.
    pub(crate) fn dialled_from(self, from: SocketAddr) -> Self {
        Link { from: Some(from), ..self }
    }

    /// True once the connection has ended. False is no promise.
    pub fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }
}

impl Service<Request<Body>> for Link {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, hyper::Error>> + Send>>;

    /// Always ready. A closed connection fails in `call`, where tonic keeps the cause: here it would make
    /// a status without one.
    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if let Some(uri) = absolute(request.uri(), &self.peer) {
            *request.uri_mut() = uri;
        }
        Box::pin(self.requests.send_request(request))
    }
}

/// HTTP/2 needs a scheme and an authority (RFC 9113, 8.3.1). TLS has settled who is addressed, so a
/// request that names neither gets the federation's name.
fn absolute(uri: &Uri, peer: &SpiffeId) -> Option<Uri> {
    if uri.authority().is_some() {
        return None;
    }
    let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    Uri::builder()
        .scheme(Scheme::HTTPS)
        .authority(Authority::try_from(peer.federation.as_str()).ok()?)
        .path_and_query(path)
        .build()
        .ok()
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({})", self.peer)
    }
}
