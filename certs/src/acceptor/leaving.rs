//! The body of an answer as it leaves: its trailers are read, and the end of its last byte is the end of
//! the call.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::body::{Body as _, Buf, Bytes, Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;

use super::call::Call;
use super::departures::Departure;

/// An answer's body. The call counts as in flight until this and all its data are dropped.
pub(super) struct Leaving {
    body: Body,
    call: Option<Call>,
    departure: Arc<Departure>,
}

/// Data of an answer. hyper takes them whole, and the trailers after them, as soon as the caller has room
/// for one byte; what is not sent yet is here.
pub(super) struct Parcel {
    bytes: Bytes,
    _departure: Arc<Departure>,
}

impl Leaving {
    pub(super) fn new(body: Body, call: Option<Call>, departure: Arc<Departure>) -> Self {
        Leaving { body, call, departure }
    }
}

impl hyper::body::Body for Leaving {
    type Data = Parcel;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Parcel>, Status>>> {
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
        let parcel = |bytes| Parcel { bytes, _departure: Arc::clone(&leaving.departure) };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(parcel))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        if let Some(call) = self.call.take()
            && !self.body.is_end_stream()
        {
            call.hung_up();
        }
    }
}

impl Buf for Parcel {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, length: usize) -> Bytes {
        self.bytes.copy_to_bytes(length)
    }
}
