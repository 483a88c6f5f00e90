//! Requests on one connection, each with the caller's identity.

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::service::Routes;
use weald_proto::{Reason, SpiffeId};

use super::call::Visit;
use super::gate::{Entrant, Gate};
use super::heard::Heard;
use super::limits::Limits;
use super::refusal::Refusal;
use crate::door::Door;

/// How often a silent peer is asked whether it is there, ...
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// ... and how long it has to say so.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests are small: 128 KiB may be under way for one, ...
const STREAM_WINDOW: u32 = 128 << 10;
/// ... and 2 MiB for all of a connection, so that 16 that nobody reads stall no other.
const CONNECTION_WINDOW: u32 = 2 << 20;
/// What waits to be sent on one stream of a caller that reads slowly.
const SEND_BUFFER: usize = 128 << 10;
/// The largest frame that is read (RFC 9113, 4.2: nobody may be asked to take less).
const FRAME_BYTES: u32 = 16 << 10;
/// Streams that were reset before they were looked at ("rapid reset", CVE-2023-44487). Beyond: `GOAWAY`.
const PENDING_RESETS: usize = 32;
/// Streams that we reset because of the peer's errors ("made you reset", CVE-2025-8671), those beyond
/// `streams_per_connection` among them. Beyond: `GOAWAY`.
const OWN_RESETS: usize = 256;
/// Headers of one HTTP/1.1 request.
const HEADERS: usize = 64;
/// hyper's smallest buffer for the head of an HTTP/1.1 request.
const LEAST_HEAD: usize = 8 << 10;
/// For the peer to notice that it is the end, once nothing that it began is left: an HTTP/2 connection ends by itself
/// only when the peer has answered a ping.
const PARTING_TIME: Duration = Duration::from_secs(1);
/// What an HTTP/2 client says first (RFC 9113, 3.4).
const PREFACE: usize = 24;

/// Serves until the peer hangs up; or until it is told to go and the requests that run are done, for which they have
/// `leave_time`.
pub(super) async fn requests(
    gate: Arc<Gate>,
    entrant: Entrant,
    from: SocketAddr,
    routes: Routes,
    shutdown: CancellationToken,
) {
    let Entrant { door, peer, seat, stream } = entrant;
    let name = peer.as_ref().map(|peer| peer.spiffe_id().clone());
    let visit = Arc::new(Visit::new(Arc::clone(&gate), from, peer, seat, routes));
    let (departures, patience, begun) = (visit.departures(), visit.patience(), visit.begun());
    let service = service_fn(move |request| {
        let visit = Arc::clone(&visit);
        async move { Ok::<_, Infallible>(visit.serve(request).await) }
    });
    let limits = &gate.entrance.limits;
    let stream = Heard::new(stream);
    let silence = silence(door, stream.bytes(), limits.head_time);
    let builder = builder(door, limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return over(&gate, from, name.as_ref(), ended),
        () = silence => {
            let refusal = Refusal::new(Reason::HandshakeTimedOut, "HTTP/2 was agreed on, and never begun");
            return gate.end(from, refusal.of(name), false);
        }
        () = departures.overdue() => {
            let refusal = Refusal::new(Reason::DeadlineExceeded, "an answer was not taken in time");
            return gate.end(from, refusal.of(name), false);
        }
        () = patience.little.cancelled() => {
            let refusal = Refusal::new(Reason::TooManyRequests, "it went on calling although it was refused too often");
            gate.end(from, refusal.of(name.clone()), false);
        }
        () = shutdown.cancelled() => {}
        () = age(limits.connection_time) => {}
    }
    connection.as_mut().graceful_shutdown();
    let ended = tokio::select! {
        // Sends first what there is to send.
        biased;
        ended = connection.as_mut() => ended,
        () = departures.overdue() => Ok(()),
        () = patience.none.cancelled() => Ok(()),
        () = nothing_left(&begun) => Ok(()),
        () = tokio::time::sleep(limits.leave_time) => Ok(()),
    };
    over(&gate, from, name.as_ref(), ended);
}

/// A connection has ended, by itself or by its peer.
fn over(gate: &Gate, from: SocketAddr, name: Option<&SpiffeId>, ended: Result<(), Box<dyn Error + Send + Sync>>) {
    if let Err(error) = ended {
        if is_breach(&*error) {
            gate.occupancy.at_fault(from.ip());
        }
        tracing::debug!(peer = name.map(tracing::field::display), %error, "connection ended");
    }
}

/// Ends when no call has been in flight for [`PARTING_TIME`].
async fn nothing_left(begun: &TaskTracker) {
    begun.close();
    loop {
        begun.wait().await;
        tokio::time::sleep(PARTING_TIME).await;
        if begun.is_empty() {
            return;
        }
    }
}

/// Ends when a connection is as old as it may become.
async fn age(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

/// True if a connection ended because its peer broke the protocol, or went beyond what it may ask of it; false
/// if the network or the peer's silence ended it.
fn is_breach(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let of_hyper = error.downcast_ref::<hyper::Error>();
        if error.is::<io::Error>() || of_hyper.is_some_and(|error| error.is_timeout() || error.is_incomplete_message())
        {
            return false;
        }
        cause = error.source();
    }
    true
}

/// Ends when a peer has not begun to speak HTTP/2 in time; hyper pings only those that have. HTTP/1.1
/// has a time of its own for heads.
async fn silence(door: Door, heard: Arc<AtomicUsize>, time: Duration) {
    tokio::time::sleep(time).await;
    if door == Door::Http1 || heard.load(Ordering::Relaxed) >= PREFACE {
        std::future::pending::<()>().await;
    }
}

/// Speaks exactly what was agreed on by ALPN, whatever the first bytes look like.
///
/// What h2 bounds by itself: a header block that comes in many pieces (`CONTINUATION` flood) by the
/// size of the header list; answers to `PING` and `SETTINGS`, of which one of each may wait, and nothing
/// is read until it is sent. Whoever sends nothing else uses only what tokio gives every connection in
/// turn. A header block that never ends is cut off by the ping, which cannot be answered in between.
pub(crate) fn builder(door: Door, limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = match door {
        Door::Http1 => auto::Builder::new(TokioExecutor::new()).http1_only(),
        Door::Http2 | Door::Attach | Door::Bootstrap => auto::Builder::new(TokioExecutor::new()).http2_only(),
    };
    // `header_bytes` is what we answer with a reason. Twice that is refused beneath us, without one.
    let most_header_bytes = limits.header_bytes.saturating_mul(2);
    builder
        .http1()
        .timer(TokioTimer::new())
        // Runs between requests, too: the longest that an HTTP/1.1 connection idles.
        .header_read_timeout(limits.head_time)
        .max_headers(HEADERS)
        .max_buf_size(most_header_bytes.max(LEAST_HEAD));
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(limits.streams_per_connection)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_frame_size(FRAME_BYTES)
        .max_header_list_size(u32::try_from(most_header_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(OWN_RESETS);
    builder
}
