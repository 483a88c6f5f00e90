//! The body of an answer as it leaves: its trailers are read, and its end is the end of the call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::body::{Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::call::Call;

/// An answer's body. The call counts as in flight until this is dropped, or at its end.
pub(super) struct Leaving {
    body: Body,
    call: Option<Call>,
}

impl Leaving {
    pub(super) fn new(body: Body, call: Option<Call>) -> Self {
        Leaving { body, call }
    }
}

impl hyper::body::Body for Leaving {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let leaving = self.get_mut();
        let mut frame = ready!(Pin::new(&mut leaving.body).poll_frame(context));
        match &mut frame {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_mut()
                    && let Some(call) = leaving.call.take()
                {
                    call.judge_trailers(trailers);
                }
            }
            Some(Err(_)) | None => leaving.call = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
