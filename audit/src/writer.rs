//! The one thread that writes: it takes whatever is queued, writes it at once, flushes once, and
//! then wakes everybody.

use std::io;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use weald_proto::{Clock, Digest, wire};

use crate::entry::Entry;
use crate::follow::Follower;
use crate::frame;
use crate::read::RecordedEntry;
use crate::refusals::Refusals;
use crate::settling::Settling;
use crate::storage::Storage;

/// Proof that an entry is durable. Only a log makes one, after the flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    sequence: u64,
    digest: Digest,
}

impl Recorded {
    /// The entry's place in the log, from 1.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The entry's digest: what a statement cites it by.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

/// Why an entry was not recorded. Nothing may leave that it would have accounted for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AuditError {
    /// The medium failed while this entry was written or flushed.
    #[error("the audit log could not be written; see to the disk, then restart to open the log again")]
    NotWritten(#[source] Arc<io::Error>),
    /// The medium failed earlier. The log refuses everything until it is opened again.
    #[error("the audit log failed earlier and takes nothing more; see to the disk, then restart to open it again")]
    Poisoned,
    /// The entry is larger than [`ENTRY_BYTES`](crate::ENTRY_BYTES).
    #[error("an audit entry of {bytes} bytes is larger than any entry may be")]
    TooLarge {
        /// Its size, encoded.
        bytes: usize,
    },
    /// The log's thread is gone.
    #[error("the audit log is closed")]
    Closed,
}

/// An entry that waits to be written, and who waits for it.
pub(crate) struct Pending {
    pub(crate) message: wire::AuditEntry,
    /// Nobody waits for a refusal that was only noted.
    pub(crate) done: Option<Done>,
    /// The entry again, for whoever follows the log.
    pub(crate) followed: Option<Box<Entry>>,
}

type Done = oneshot::Sender<Result<Recorded, AuditError>>;

/// The writing end of a log.
pub(crate) struct Writer {
    pub(crate) storage: Box<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Sequence of the last durable entry.
    pub(crate) sequence: u64,
    /// Digest of the last durable entry.
    pub(crate) head: Digest,
    /// Durable bytes.
    pub(crate) length: u64,
    /// Set once the medium has failed, for good.
    pub(crate) failed: Arc<AtomicBool>,
    /// What was counted and has no entry yet.
    pub(crate) refusals: Refusals,
    pub(crate) settling: Settling,
    /// Digest of the first entry, once there is one.
    pub(crate) first: Arc<OnceLock<Digest>>,
    pub(crate) follower: Follower,
}

impl Writer {
    /// Writes until every sender of the queue is gone and the queue is empty; then what is left of
    /// counted refusals.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Pending>, most_at_once: usize) {
        let mut pending = Vec::with_capacity(most_at_once);
        loop {
            let look_at = self.settling.looks_at(Instant::now());
            match timeout_at(look_at, queue.recv_many(&mut pending, most_at_once)).await {
                Ok(0) => break,
                Ok(_) => self.commit(&mut pending),
                Err(_) => {}
            }
            if self.settling.is_due(self.refusals.has_counted(), Instant::now()) {
                self.settle();
            }
        }
        self.settle();
    }

    /// Writes what was counted since the last time, one entry for each reason and party.
    fn settle(&mut self) {
        let counted = self.refusals.take_counted();
        if counted.is_empty() {
            return;
        }
        let refused: u64 = counted.iter().filter_map(|entry| entry.count).map(NonZeroU64::get).sum();
        if self.failed.load(Ordering::Acquire) {
            tracing::error!(refused, "refusals that were counted cannot be recorded");
            return;
        }
        tracing::warn!(refused, "too many refusals to be recorded one by one; they are recorded by their number");
        let messages =
            counted.into_iter().map(|entry| Pending { message: entry.into_message(), done: None, followed: None });
        self.commit(&mut messages.collect());
    }

    /// One group: one write, one flush; then everybody is told.
    fn commit(&mut self, pending: &mut Vec<Pending>) {
        if self.failed.load(Ordering::Acquire) {
            tell(pending.drain(..).map(|entry| (entry.done, Err(AuditError::Poisoned))));
            return;
        }
        let (mut sequence, mut head) = (self.sequence, self.head);
        let mut records = Vec::new();
        let mut waiting = Vec::with_capacity(pending.len());
        let (mut followed, mut first) = (Vec::new(), None);
        for Pending { mut message, done, followed: entry } in pending.drain(..) {
            let (recorded_at, previous_digest) = (self.clock.now(), head);
            sequence += 1;
            message.sequence = sequence;
            message.previous_digest = previous_digest.to_vec();
            message.recorded_at = Some(recorded_at.to_wire());
            head = frame::push(&mut records, &message.encode_to_vec());
            let recorded = |entry: Box<Entry>| RecordedEntry {
                sequence,
                previous_digest,
                digest: head,
                recorded_at,
                entry: *entry,
            };
            followed.extend(entry.map(recorded));
            if sequence == 1 {
                first = Some(head);
            }
            waiting.push((done, Recorded { sequence, digest: head }));
        }
        match self.storage.append(&records).and_then(|()| self.storage.flush()) {
            Ok(()) => {
                self.sequence = sequence;
                self.head = head;
                self.length += u64::try_from(records.len()).unwrap_or(u64::MAX);
                if let Some(first) = first {
                    self.first.get_or_init(|| first);
                }
                if let (Some(follower), Some(log)) = (self.follower.get(), self.first.get()) {
                    followed.into_iter().for_each(|entry| follower.recorded(*log, entry));
                }
                tell(waiting.into_iter().map(|(done, recorded)| (done, Ok(recorded))));
            }
            Err(error) => {
                let error = Arc::new(self.poison(error));
                let unheard = waiting.iter().filter(|(done, _)| done.is_none()).count();
                if unheard > 0 {
                    tracing::error!(unheard, "entries of refusals were lost with it");
                }
                tell(waiting.into_iter().map(|(done, _)| (done, Err(AuditError::NotWritten(Arc::clone(&error))))));
            }
        }
    }

    /// After a failed flush the system may forget that pages were not written and serve them from
    /// memory: what was not acknowledged must not be found by the next to open the log.
    fn poison(&mut self, error: io::Error) -> io::Error {
        self.failed.store(true, Ordering::Release);
        tracing::error!(%error, entries = self.sequence, "the audit log could not be written and takes nothing more");
        if let Err(error) = self.storage.cut(self.length) {
            tracing::error!(%error, "what was not acknowledged could not be cut off the audit log");
        }
        error
    }
}

/// Whoever no longer waits needs no answer.
fn tell(answers: impl Iterator<Item = (Option<Done>, Result<Recorded, AuditError>)>) {
    for (done, answer) in answers {
        let _ = done.map(|done| done.send(answer));
    }
}
