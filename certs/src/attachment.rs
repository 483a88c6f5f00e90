//! A node's side of attaching: one connection to one broker, kept.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tower::ServiceExt as _;
use weald_proto::network::Connection;
use weald_proto::{Random, SpiffeId, Timestamp};

use crate::acceptor::{self, Arriving, Cut, Limits};
use crate::backoff::Backoff;
use crate::connect_error::ConnectError;
use crate::connector::Connector;
use crate::diagnosis::Diagnosis;
use crate::door::{Door, Listener};
use crate::peer::PeerIdentity;

/// For proxy, TCP and TLS together, until the broker's first word: a stopped broker's kernel still
/// accepts connections.
const DIAL_DEADLINE: Duration = Duration::from_secs(10);
/// A connection that ended sooner counts as a failure: the next waits longer.
const LASTING: Duration = Duration::from_secs(30);
/// How often a silent broker is asked whether it is there; proxies cut connections on which nothing
/// moves, some after a minute.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// How long it has to say so: a link that is half open is noticed within 25 s.
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// For calls that run when the process is told to stop; after that they are cut off.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Links that a node keeps to each broker: while one is replaced, the other serves.
pub const LINKS: usize = 2;

/// Keeps one connection to one broker, which asks on it as if it had dialled: dials, serves, and when
/// the connection has ended dials again, later each time until one lasts.
pub struct Attachment {
    /// Dials.
    pub connector: Connector,
    /// Where the broker is, as `host:port`.
    pub address: String,
    /// Who must answer there, and nobody else.
    pub broker: SpiffeId,
    /// What the broker may call.
    pub routes: Routes,
    /// Shared by the attachments of one process to one broker: when one is accepted, the others need not
    /// wait for their turn.
    pub company: Arc<Notify>,
}

/// How an [`Attachment`] does.
#[derive(Debug, Clone)]
pub enum AttachmentState {
    /// It dials.
    Dialling {
        /// What went wrong the last time, if that is why it dials again.
        after: Option<DialFault>,
    },
    /// The broker has accepted the connection.
    Attached {
        /// When.
        since: Timestamp,
    },
    /// It waits before it dials again.
    Waiting {
        /// What went wrong last; nothing if a connection ended that had been accepted.
        fault: Option<ConnectError>,
        /// When that was.
        at: Timestamp,
        /// For how long; less if another link to the same broker is accepted.
        wait: Duration,
    },
}

/// A dial that failed.
#[derive(Debug, Clone)]
pub struct DialFault {
    /// Why.
    pub fault: ConnectError,
    /// When.
    pub at: Timestamp,
}

impl AttachmentState {
    /// True while the broker has the connection.
    pub fn is_attached(&self) -> bool {
        matches!(self, AttachmentState::Attached { .. })
    }
}

impl Attachment {
    /// Begins, and goes on until `shutdown`: then no connection is made, and what runs on the open one
    /// ends first.
    pub fn keep(self, shutdown: CancellationToken) -> (watch::Receiver<AttachmentState>, JoinHandle<()>) {
        let (tell, state) = watch::channel(AttachmentState::Dialling { after: None });
        (state, tokio::spawn(self.run(tell, shutdown)))
    }

    async fn run(self, tell: watch::Sender<AttachmentState>, shutdown: CancellationToken) {
        let (mut backoff, mut after) = (Backoff::default(), None);
        while !shutdown.is_cancelled() {
            tell.send_replace(AttachmentState::Dialling { after: after.take() });
            let fault = tokio::select! {
                () = shutdown.cancelled() => break,
                stream = self.connector.attach(&self.address, &self.broker, DIAL_DEADLINE) => match stream {
                    Ok(stream) => {
                        self.serve(stream, &tell, &shutdown, &mut backoff).await;
                        None
                    }
                    Err(fault) => Some(fault),
                },
            };
            let wait = backoff.wait(&*self.connector.env.random);
            if let Some(fault) = &fault {
                let diagnosis = Diagnosis::of(fault);
                tracing::warn!(broker = %self.broker, address = self.address, %diagnosis, ?wait, "cannot attach");
            }
            let at = self.connector.env.clock.now();
            after = fault.clone().map(|fault| DialFault { fault, at });
            tell.send_replace(AttachmentState::Waiting { fault, at, wait });
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = turn(wait, &self.company, &*self.connector.env.random) => {}
            }
        }
    }

    async fn serve(
        &self,
        stream: impl Connection + 'static,
        tell: &watch::Sender<AttachmentState>,
        shutdown: &CancellationToken,
        backoff: &mut Backoff,
    ) {
        let (since, began) = (self.connector.env.clock.now(), Instant::now());
        tracing::info!(broker = %self.broker, "attached");
        tell.send_replace(AttachmentState::Attached { since });
        self.company.notify_waiters();
        let peer = PeerIdentity::dialled(self.broker.clone());
        answer(stream, peer, self.routes.clone(), shutdown).await;
        tracing::info!(broker = %self.broker, "no longer attached");
        if began.elapsed() >= LASTING {
            backoff.reset();
        }
    }
}

/// Ends after the wait, or soon after somebody else of the company was accepted: "soon" is drawn at
/// random, so that they do not come in step.
async fn turn(wait: Duration, company: &Notify, random: &dyn Random) {
    tokio::select! {
        () = tokio::time::sleep(wait) => {}
        () = company.notified() => tokio::time::sleep(Backoff::default().wait(random).min(wait)).await,
    }
}

/// Is the HTTP/2 server of a broker, within the limits of a node's port for one connection, until the connection ends or, at `shutdown`, what runs on it has.
async fn answer(stream: impl Connection + 'static, peer: PeerIdentity, routes: Routes, shutdown: &CancellationToken) {
    let caller = peer.clone();
    let limits = Limits::default();
    let bounds = limits.clone();
    let service = routes.prepare().into_axum_router().map_request(move |mut request: http::Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        let lasts = Listener::Node.long_calls().contains(&request.uri().path());
        request.map(|body| Arriving::new(body, (!lasts).then_some(&bounds), Cut::default()))
    });
    let mut builder = acceptor::builder(Door::Attach, &limits);
    builder.http2().keep_alive_interval(PING_INTERVAL).keep_alive_timeout(PING_TIMEOUT);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(DRAIN_TIMEOUT, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::info!(broker = %peer, "link ended with calls under way"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(broker = %peer, %error, "link ended");
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({} at {})", self.broker, self.address)
    }
}

#[cfg(test)]
mod tests {
    use weald_proto::SystemRandom;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_does_not_wait_on_when_another_link_was_accepted() {
        let (company, began) = (Arc::new(Notify::new()), Instant::now());
        let waiting = {
            let company = Arc::clone(&company);
            tokio::spawn(async move { turn(Duration::from_secs(60), &company, &SystemRandom).await })
        };
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!waiting.is_finished());
        company.notify_waiters();
        waiting.await.unwrap();
        assert!(began.elapsed() <= Duration::from_millis(5500), "{:?}", began.elapsed());

        turn(Duration::from_secs(60), &company, &SystemRandom).await;
        assert!(began.elapsed() >= Duration::from_secs(65), "an earlier acceptance is no reason to hurry");
    }
}
