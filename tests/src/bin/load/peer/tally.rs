//! What a peer did: proof that it did anything at all.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Counts while a peer runs.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    connections: AtomicU64,
    acts: AtomicU64,
    refused: AtomicU64,
}

/// What a peer said in the end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Connections that it opened.
    pub(crate) connections: u64,
    /// What it is there to do: bytes dribbled, streams opened, calls made, handshakes begun.
    pub(crate) acts: u64,
    /// Connections or calls that were refused, cut off or failed.
    pub(crate) refused: u64,
}

impl Tally {
    /// One more connection.
    pub(crate) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    /// That many more of what it is there to do.
    pub(crate) fn did(&self, acts: u64) {
        self.acts.fetch_add(acts, Ordering::Relaxed);
    }

    /// One more refusal.
    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts so far.
    pub(crate) fn told(&self) -> Told {
        Told {
            connections: self.connections.load(Ordering::Relaxed),
            acts: self.acts.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}

impl std::ops::AddAssign for Told {
    fn add_assign(&mut self, other: Told) {
        self.connections += other.connections;
        self.acts += other.acts;
        self.refused += other.refused;
    }
}
