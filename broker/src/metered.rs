//! Answers are read when there is room for them: the first bytes of one say how large it is.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tower::Service;
use weald_certs::Link;
use weald_proto::limit;

use crate::room::{Allowance, Crowded};

/// A flag, and the length in big-endian order (gRPC over HTTP/2, "Length-Prefixed-Message").
const PREFIX: usize = 5;

/// A link on which one answer is read, when there is room for it.
#[derive(Debug, Clone)]
pub(crate) struct Metered {
    link: Link,
    allowance: Arc<Allowance>,
}

impl Metered {
    /// The room is taken by `allowance`.
    pub(crate) fn new(link: Link, allowance: Arc<Allowance>) -> Self {
        Metered { link, allowance }
    }
}

impl Service<Request<Body>> for Metered {
    type Response = Response<Metering>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Metering>, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.link.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (called, allowance) = (self.link.call(request), Arc::clone(&self.allowance));
        Box::pin(async move { Ok(called.await?.map(|body| Metering::new(body, allowance))) })
    }
}

/// Takes room, or hears that too many wait for it.
type Taking = Pin<Box<dyn Future<Output = Result<(), Crowded>> + Send>>;

/// The body of an answer. Holds back what says how large it is until there is room for all of it.
pub(crate) struct Metering {
    body: Incoming,
    allowance: Arc<Allowance>,
    prefix: Vec<u8>,
    /// Bytes that may still come; known when the prefix is.
    left: Option<usize>,
    taking: Option<Taking>,
    held_back: Option<Bytes>,
}

impl Metering {
    fn new(body: Incoming, allowance: Arc<Allowance>) -> Self {
        Metering { body, allowance, prefix: Vec::with_capacity(PREFIX), left: None, taking: None, held_back: None }
    }

    /// Looks at data that came: begins to take room when the length is known.
    ///
    /// # Errors
    ///
    /// A status when there is more than one answer.
    fn look_at(&mut self, data: Bytes) -> Result<(), Status> {
        if self.left.is_none() {
            let missing = PREFIX.saturating_sub(self.prefix.len());
            self.prefix.extend(data.iter().take(missing));
            if let [_, a, b, c, d] = *self.prefix.as_slice() {
                let length = u32::from_be_bytes([a, b, c, d]).try_into().unwrap_or(usize::MAX);
                self.left = Some(length.saturating_add(missing));
                // What is larger is refused by whoever reads the prefix.
                if length <= limit::ANSWER_BYTES {
                    let allowance = Arc::clone(&self.allowance);
                    self.taking = Some(Box::pin(async move { allowance.take_unread(length).await }));
                }
            }
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(data.len()).ok_or_else(|| Status::out_of_range("more than one answer"))?;
        }
        self.held_back = Some(data);
        Ok(())
    }
}

impl hyper::body::Body for Metering {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(taking) = &mut this.taking {
                let taken = ready!(taking.as_mut().poll(context));
                this.taking = None;
                if let Err(Crowded) = taken {
                    let crowded = Status::resource_exhausted("too many answers wait for room");
                    return Poll::Ready(Some(Err(crowded.into())));
                }
            }
            if let Some(data) = this.held_back.take() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        if let Err(status) = this.look_at(data) {
                            return Poll::Ready(Some(Err(status.into())));
                        }
                    }
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.taking.is_none() && self.held_back.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
