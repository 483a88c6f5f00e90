//! The body of a request as it arrives: so many bytes, and within so much time.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};
use tonic::Status;
use weald_proto::{Reason, Told};

use super::limits::Limits;

/// Why a body was cut off, once it was.
pub(crate) type Cut = Arc<OnceLock<Reason>>;

/// A body that is cut off when it is too large or too slow. Its error is a status with the reason.
pub(crate) struct Arriving {
    body: Incoming,
    bytes_left: usize,
    /// None of a call that lasts.
    deadline: Option<Instant>,
    /// Made when the body lets us wait for the first time. Most do not.
    timer: Option<Pin<Box<Sleep>>>,
    cut: Cut,
}

impl Arriving {
    /// Within these limits; without any, the body of a call that lasts.
    pub(crate) fn new(body: Incoming, limits: Option<&Limits>, cut: Cut) -> Self {
        let now = Instant::now();
        let deadline = limits.map(|limits| now.checked_add(limits.body_time).unwrap_or(now));
        let bytes_left = limits.map_or(usize::MAX, |limits| limits.body_bytes);
        Arriving { body, bytes_left, deadline, timer: None, cut }
    }

    /// Takes from the bytes that may come; false if there are too many.
    fn take(&mut self, bytes: usize) -> bool {
        // Of a call that lasts they are not counted.
        if self.deadline.is_none() {
            return true;
        }
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(0);
        left.is_some()
    }

    fn cut_off(&self, reason: Reason) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let reason = *self.cut.get_or_init(|| reason);
        Poll::Ready(Some(Err(reason.to_status(&told(reason)))))
    }
}

/// What the caller is told of its body that was cut off.
pub(super) fn told(reason: Reason) -> Told {
    match reason {
        Reason::DeadlineExceeded => Told::text("the request did not arrive in time"),
        _ => Told::default(),
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let arriving = self.get_mut();
        if let Some(reason) = arriving.cut.get() {
            return arriving.cut_off(*reason);
        }
        match Pin::new(&mut arriving.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                if arriving.take(bytes) {
                    Poll::Ready(Some(Ok(frame)))
                } else {
                    arriving.cut_off(Reason::RequestTooLarge)
                }
            }
            Poll::Ready(other) => {
                Poll::Ready(other.map(|result| result.map_err(|error| Status::from_error(Box::new(error)))))
            }
            Poll::Pending => {
                let Some(deadline) = arriving.deadline else { return Poll::Pending };
                let timer = arriving.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                match timer.as_mut().poll(context) {
                    Poll::Ready(()) => arriving.cut_off(Reason::DeadlineExceeded),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
