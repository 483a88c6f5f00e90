//! Listening to the statuses with which broker and nodes end their answers.
//!
//! They are in headers and trailers, which no crate below prints: h2 leaves header fields out of its
//! trace on purpose.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::codegen::http::{HeaderMap, Response};
use tonic::service::Routes;
use tower::util::MapResponseLayer;

use super::ear::Channel;
use super::watch;

/// The same routes, and every status that leaves by them is heard.
pub fn overheard(mut routes: Routes) -> Routes {
    let router = routes.axum_router_mut();
    *router = std::mem::take(router).layer(MapResponseLayer::new(response));
    routes
}

fn response<B>(response: Response<B>) -> Response<Trailed<B>> {
    hear(response.headers());
    response.map(Trailed)
}

fn hear(headers: &HeaderMap) {
    if let Some(status) = Status::from_header_map(headers) {
        let details = String::from_utf8_lossy(status.details());
        watch::hear(Channel::Error, &format!("{status}\n{status:?}\n{}\n{details}", status.message()));
    }
}

/// A body whose trailers are heard.
struct Trailed<B>(B);

impl<B: Body<Data = Bytes> + Unpin> Body for Trailed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.0).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(trailers) = frame.trailers_ref()
        {
            hear(trailers);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
