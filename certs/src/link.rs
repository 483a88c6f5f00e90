//! One HTTP/2 connection to one party, for generated gRPC clients.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;
use tower::Service;
use weald_proto::SpiffeId;

/// A connection on which the other end is known, and has accepted us. Clones share it; it closes,
/// after the requests that run, when the last clone is dropped.
///
/// A tower service: `NodeAgentServiceClient::new(link)` works as it is, without an origin. Requests are
/// **not** bounded in time: callers do that. A request that fails because of the connection carries a
/// [`hyper::Error`] in its chain of sources; one with `is_canceled()` was never sent.
#[derive(Clone)]
pub struct Link {
    requests: SendRequest<Body>,
    peer: SpiffeId,
}

impl Link {
    pub(crate) fn new(requests: SendRequest<Body>, peer: SpiffeId) -> Self {
        Link { requests, peer }
    }

    /// Who is on the other end.
    pub fn peer(&self) -> &SpiffeId {
        &self.peer
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
