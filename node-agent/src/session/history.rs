//! Up to where a node has written down what brokers showed again from memory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use weald_audit::ChainError;
use weald_proto::{Digest, SpiffeId};

/// What a node's own audit log holds of access notices. The default is that of no log.
#[derive(Debug, Default)]
pub struct History {
    log: Option<PathBuf>,
    recorded: BTreeMap<(SpiffeId, Digest), u64>,
}

impl History {
    /// Reads it from the node's log, which is open.
    ///
    /// # Errors
    ///
    /// [`ChainError`] for anything in the log that is not sound.
    pub fn read(log: &Path) -> Result<Self, ChainError> {
        Ok(History { log: Some(log.to_owned()), recorded: weald_audit::viewed(log)? })
    }
}

/// Which access notices are written down.
pub(super) struct Recording {
    /// The node's log.
    pub(super) log: Option<PathBuf>,
    /// Up to where, of each broker's log.
    recorded: Mutex<BTreeMap<(SpiffeId, Digest), u64>>,
}

impl Recording {
    pub(super) fn after(history: History) -> Self {
        Recording { log: history.log, recorded: Mutex::new(history.recorded) }
    }

    /// Up to where that log of that broker is written down, durably.
    pub(super) fn recorded(&self, broker: &SpiffeId, log: Digest) -> u64 {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.get(&(broker.clone(), log)).copied().unwrap_or(0)
    }

    /// The notice of that number is durable.
    pub(super) fn note(&self, broker: &SpiffeId, log: Digest, sequence: u64) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let highest = recorded.entry((broker.clone(), log)).or_insert(0);
        *highest = sequence.max(*highest);
    }
}
