//! Links that are open, one for each party and address.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use weald_proto::SpiffeId;

use crate::connect_error::ConnectError;
use crate::connector::Connector;
use crate::link::Link;

/// Keeps one [`Link`] for each party and address, and dials again when it has closed.
///
/// Callers that want the same link while it is dialled wait for the one dial and share what comes of it,
/// failure too. A caller that gives up does not end the dial. Failures are not remembered.
#[derive(Clone)]
pub struct Links {
    connector: Connector,
    timeout: Duration,
    open: Arc<Mutex<HashMap<Key, Place>>>,
}

type Key = (String, SpiffeId);
type Dialled = Option<Result<Link, ConnectError>>;

/// What is known of one link.
enum Place {
    Open(Link),
    Dialling(watch::Receiver<Dialled>),
}

impl Links {
    /// No link yet. Each dial has `timeout`.
    pub fn new(connector: Connector, timeout: Duration) -> Self {
        Links { connector, timeout, open: Arc::default() }
    }

    /// The open link to `expected` at `address` (`host:port`), or a new one.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] of the dial.
    pub async fn link(&self, address: &str, expected: &SpiffeId) -> Result<Link, ConnectError> {
        let mut dialled = match self.open_or_dialling((address.to_owned(), expected.clone())) {
            Place::Open(link) => return Ok(link),
            Place::Dialling(dialled) => dialled,
        };
        match dialled.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Err(ConnectError::HungUp)),
            // The dialling task is gone without a word: the runtime is shutting down.
            Err(_) => Err(ConnectError::HungUp),
        }
    }

    fn open_or_dialling(&self, key: Key) -> Place {
        let mut open = self.lock();
        match open.get(&key) {
            Some(Place::Open(link)) if !link.is_closed() => return Place::Open(link.clone()),
            Some(Place::Dialling(dialled)) if dialled.has_changed().is_ok() => {
                return Place::Dialling(dialled.clone());
            }
            _ => {}
        }
        open.retain(|_, place| !matches!(place, Place::Open(link) if link.is_closed()));
        let (report, dialled) = watch::channel(None);
        open.insert(key.clone(), Place::Dialling(dialled.clone()));
        tokio::spawn(self.clone().dial(key, report));
        Place::Dialling(dialled)
    }

    async fn dial(self, key: Key, report: watch::Sender<Dialled>) {
        let outcome = self.connector.connect(&key.0, &key.1, self.timeout).await;
        {
            let mut open = self.lock();
            match &outcome {
                Ok(link) => open.insert(key, Place::Open(link.clone())),
                Err(_) => open.remove(&key),
            };
        }
        report.send_replace(Some(outcome));
    }

    /// A panic cannot leave the map half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Place>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Links({:?}, {} places)", self.connector, self.lock().len())
    }
}
