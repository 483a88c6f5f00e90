//! What may go wrong at an organisation's source, and on the way from it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use prost::bytes::Bytes;
use tokio::sync::watch;
use weald_node::{Reading, RecordStore, StoreError, Watch};
use weald_policy::Permitted;

use crate::silence;

/// Switches for one organisation's source. Clones turn the same switches.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Switches>);

#[derive(Debug, Default)]
struct Switches {
    slow_ms: AtomicU64,
    broken: AtomicBool,
    held: watch::Sender<bool>,
    reads: AtomicU64,
}

impl Faults {
    /// The source takes that much longer for every reading.
    pub fn slow_by(&self, delay: Duration) {
        self.0.slow_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// The source cannot be read at all, or can again.
    pub fn broken(&self, broken: bool) {
        self.0.broken.store(broken, Ordering::SeqCst);
    }

    /// From now on every reading waits until the source is let go.
    pub fn hold(&self) {
        self.0.held.send_replace(true);
    }

    /// Lets the readings that wait go on, and those to come.
    pub fn let_go(&self) {
        self.0.held.send_replace(false);
    }

    /// How often the source was read.
    pub fn reads(&self) -> u64 {
        self.0.reads.load(Ordering::SeqCst)
    }
}

/// A real source behind the switches.
pub(super) struct Faulty {
    pub(super) store: Arc<dyn RecordStore>,
    pub(super) faults: Faults,
}

impl RecordStore for Faulty {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        Box::pin(async move {
            let switches = &self.faults.0;
            switches.reads.fetch_add(1, Ordering::SeqCst);
            let delay = switches.slow_ms.load(Ordering::SeqCst);
            if delay > 0 {
                tokio::time::sleep(Duration::from_millis(delay)).await;
            }
            // The sender is among the switches, so that it outlives this.
            let _ = switches.held.subscribe().wait_for(|held| !held).await;
            if switches.broken.load(Ordering::SeqCst) {
                let problem = "switched off by the test".to_owned();
                return Err(StoreError::Unreadable { place: "source".into(), problem });
            }
            let record = self.store.read(permitted).await?;
            let known =
                silence::know(|secrets| record.person.iter().try_for_each(|person| secrets.add_reading(person)));
            known.map_err(|error| StoreError::Unreadable { place: "source".into(), problem: error.to_string() })?;
            Ok(record)
        })
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        self.store.watch()
    }
}

/// Alters the last byte of a part that is on its way. There must be one.
pub fn alter(content: &mut Bytes) {
    let mut bytes = content.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    *content = bytes.into();
}
