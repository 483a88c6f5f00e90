//! Serving until the process is told to stop.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_certs::{Acceptor, Attachment};
use weald_proto::Clock;

use crate::exit::Exit;
use crate::metrics::{Listener, Watched, WatchedLink};
use crate::status::Facts;

/// What will be served, and how others reach it.
pub struct Service {
    /// How others reach it.
    pub way: Way,
    /// What is served, in a few words.
    pub what: String,
    /// What can be read of it from outside.
    pub watched: Watched,
    /// What runs beside it.
    pub beside: Beside,
}

/// How others reach what is served.
pub enum Way {
    /// At an open port.
    Port {
        /// The port.
        acceptor: Acceptor,
        /// What is served there.
        routes: Routes,
    },
    /// On connections that this process makes to brokers.
    Links(Vec<Attachment>),
}

/// Begins what runs beside a service, and ends when that token is cancelled: when the process is told to
/// stop, before requests that run have ended.
pub type Beside = Box<dyn FnOnce(CancellationToken) -> JoinHandle<()> + Send>;

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.way {
            Way::Port { acceptor, .. } => write!(f, "Service({} on {})", self.what, acceptor.local_address()),
            Way::Links(links) => write!(f, "Service({} on {} links)", self.what, links.len()),
        }
    }
}

/// Serves all of these until SIGTERM or SIGINT, and then until the requests that run have ended. What can be read of
/// them is served at `metrics`, to the very end.
pub(crate) async fn serve(
    program: &'static str,
    services: Vec<Service>,
    metrics: Option<Listener>,
    clock: Arc<dyn Clock>,
) -> Exit {
    let (mut terminate, mut interrupt) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received");
            return Exit::Failed;
        }
    };
    let shutdown = CancellationToken::new();
    let mut running = JoinSet::new();
    let (mut all_watched, mut beside_all) = (Vec::new(), Vec::new());
    for Service { way, what, mut watched, beside } in services {
        match way {
            Way::Port { acceptor, routes } => {
                let address = acceptor.local_address();
                running.spawn(acceptor.serve(routes, shutdown.clone()));
                tracing::info!(%address, "serving {what}");
            }
            Way::Links(attachments) => {
                for attachment in attachments {
                    let (broker, address) = (attachment.broker.clone(), attachment.address.clone());
                    let (state, kept) = attachment.keep(shutdown.clone());
                    running.spawn(kept);
                    tracing::info!(%broker, address, "attaching {what}");
                    watched.links.push(WatchedLink { broker, address, state });
                }
            }
        }
        beside_all.push(beside(shutdown.clone()));
        all_watched.push(watched);
    }
    let (serving, end) = (Arc::new(AtomicBool::new(true)), CancellationToken::new());
    let facts = Facts { program, running_since: clock.now() };
    let sight = |port: Listener| port.sight(facts, all_watched, clock, Arc::clone(&serving));
    let read = metrics.map(|port| tokio::spawn(sight(port).serve(end.clone())));
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Stopped,
        _ = interrupt.recv() => Exit::Stopped,
        _ = running.join_next() => {
            tracing::error!("a port or a link is no longer served: stopping");
            Exit::Failed
        }
    };
    serving.store(false, Ordering::Release);
    tracing::info!("stopping: requests that run are ended first");
    shutdown.cancel();
    while running.join_next().await.is_some() {}
    for beside in beside_all {
        if let Err(error) = beside.await {
            tracing::error!(%error, "what ran beside a port failed");
        }
    }
    end.cancel();
    if let Some(read) = read {
        // It was cancelled: there is nothing to learn from how it ended.
        let _ = read.await;
    }
    exit
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}
