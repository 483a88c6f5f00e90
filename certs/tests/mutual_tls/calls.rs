//! Calls as no generated client makes them.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as _, Bytes, Frame, Incoming};
use tokio::time::Interval;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::Service as _;
use weald_certs::Link;
use weald_proto::Reason;

use crate::world::PATIENCE;

/// The method that test listeners serve.
pub(crate) const ASK: &str = "/weald.service.v1.NodeAgentService/Ask";
/// A gRPC message that holds nothing.
pub(crate) const EMPTY: [u8; 5] = [0; 5];

/// A gRPC message of so many bytes that mean nothing: an unknown field.
pub(crate) fn message(bytes: usize) -> Vec<u8> {
    let mut message = vec![0];
    message.extend(u32::try_from(bytes).unwrap().to_be_bytes());
    message.extend(vec![0; bytes]);
    message
}

pub(crate) fn request(path: &str, body: Body) -> Request<Body> {
    Request::post(path).header("content-type", "application/grpc").body(body).unwrap()
}

pub(crate) fn body(bytes: impl Into<Vec<u8>>) -> Body {
    Body::new(Whole(Some(bytes.into().into())))
}

/// The status of a call, from headers or trailers.
pub(crate) async fn call(link: &Link, request: Request<Body>) -> Status {
    let response = tokio::time::timeout(PATIENCE, link.clone().call(request)).await.unwrap().unwrap();
    status(response).await
}

/// The reason with which a call was refused.
pub(crate) async fn reason(link: &Link, request: Request<Body>) -> Reason {
    let status = call(link, request).await;
    Reason::of_status(&status).unwrap_or_else(|| panic!("no reason of ours: {status:?}"))
}

async fn status(response: Response<Incoming>) -> Status {
    let (head, mut body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers) {
        return status;
    }
    let mut trailers = HeaderMap::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(found) = frame.unwrap().into_trailers() {
            trailers = found;
        }
    }
    Status::from_header_map(&trailers).unwrap_or_else(|| Status::new(Code::Unknown, "no status"))
}

/// A body that is sent at once, and whose length is not told.
struct Whole(Option<Bytes>);

impl hyper::body::Body for Whole {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A body that comes a byte at a time and never ends.
pub(crate) struct Dribble(Interval);

impl Dribble {
    pub(crate) fn every(period: Duration) -> Body {
        Body::new(Dribble(tokio::time::interval(period)))
    }
}

impl hyper::body::Body for Dribble {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.0.poll_tick(context).map(|_| Some(Ok(Frame::data(Bytes::from_static(&[0])))))
    }
}
