//! Serving until the process is told to stop.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_certs::Acceptor;
use weald_proto::Clock;

use crate::exit::Exit;
use crate::metrics::{Listener, Watched};

/// An open port, and what will be served there.
pub struct Service {
    /// The port.
    pub acceptor: Acceptor,
    /// What is served.
    pub routes: Routes,
    /// What is served, in a few words.
    pub what: String,
    /// What can be read of it from outside.
    pub watched: Watched,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({} on {})", self.what, self.acceptor.local_address())
    }
}

/// Serves all of these until SIGTERM or SIGINT, and then until the requests that run have ended. What can be read of
/// them is served at `metrics`, to the very end.
pub(crate) async fn serve(services: Vec<Service>, metrics: Option<Listener>, clock: Arc<dyn Clock>) -> Exit {
    let (mut terminate, mut interrupt) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received");
            return Exit::Failed;
        }
    };
    let shutdown = CancellationToken::new();
    let mut running = JoinSet::new();
    let mut all_watched = Vec::new();
    for Service { acceptor, routes, what, watched } in services {
        let address = acceptor.local_address();
        running.spawn(acceptor.serve(routes, shutdown.clone()));
        tracing::info!(%address, "serving {what}");
        all_watched.push(watched);
    }
    let (serving, end) = (Arc::new(AtomicBool::new(true)), CancellationToken::new());
    let read = metrics.map(|port| tokio::spawn(port.serve(all_watched, clock, Arc::clone(&serving), end.clone())));
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Stopped,
        _ = interrupt.recv() => Exit::Stopped,
        _ = running.join_next() => {
            tracing::error!("a port is no longer served: stopping");
            Exit::Failed
        }
    };
    serving.store(false, Ordering::Release);
    tracing::info!("stopping: requests that run are ended first");
    shutdown.cancel();
    while running.join_next().await.is_some() {}
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
