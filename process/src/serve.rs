//! Serving until the process is told to stop.

use std::fmt;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_certs::Acceptor;

use crate::exit::Exit;

/// An open port, and what will be served there.
pub struct Service {
    /// The port.
    pub acceptor: Acceptor,
    /// What is served.
    pub routes: Routes,
    /// What is served, in a few words.
    pub what: String,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({} on {})", self.what, self.acceptor.local_address())
    }
}

/// Serves all of these until SIGTERM or SIGINT, and then until the requests that run have ended.
pub(crate) async fn serve(services: Vec<Service>) -> Exit {
    let (mut terminate, mut interrupt) = match signals() {
        Ok(signals) => signals,
        Err(error) => {
            tracing::error!(%error, "signals cannot be received");
            return Exit::Failed;
        }
    };
    let shutdown = CancellationToken::new();
    let mut running = JoinSet::new();
    for Service { acceptor, routes, what } in services {
        let address = acceptor.local_address();
        running.spawn(acceptor.serve(routes, shutdown.clone()));
        tracing::info!(%address, "serving {what}");
    }
    let exit = tokio::select! {
        _ = terminate.recv() => Exit::Stopped,
        _ = interrupt.recv() => Exit::Stopped,
        _ = running.join_next() => {
            tracing::error!("a port is no longer served: stopping");
            Exit::Failed
        }
    };
    tracing::info!("stopping: requests that run are ended first");
    shutdown.cancel();
    while running.join_next().await.is_some() {}
    exit
}

fn signals() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}
