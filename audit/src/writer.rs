//! The one thread that writes: it takes whatever is queued, writes it at once, flushes once, and
//! then wakes everybody.

use std::io;
use std::sync::Arc;

use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use weald_proto::{Clock, Digest, wire};

use crate::frame;
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
    pub(crate) done: oneshot::Sender<Result<Recorded, AuditError>>,
}

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
    pub(crate) poisoned: bool,
}

impl Writer {
    /// Writes until every sender of the queue is gone and the queue is empty.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Pending>, most_at_once: usize) {
        let mut pending = Vec::with_capacity(most_at_once);
        while queue.blocking_recv_many(&mut pending, most_at_once) > 0 {
            self.commit(&mut pending);
        }
    }

    /// One group: one write, one flush; then everybody is told.
    fn commit(&mut self, pending: &mut Vec<Pending>) {
        if self.poisoned {
            tell(pending.drain(..).map(|entry| (entry.done, Err(AuditError::Poisoned))));
            return;
        }
        let (mut sequence, mut head) = (self.sequence, self.head);
        let mut records = Vec::new();
        let mut waiting = Vec::with_capacity(pending.len());
        for Pending { mut message, done } in pending.drain(..) {
            sequence += 1;
            message.sequence = sequence;
            message.previous_digest = head.to_vec();
            message.recorded_at = Some(self.clock.now().to_wire());
            head = frame::push(&mut records, &message.encode_to_vec());
            waiting.push((done, Recorded { sequence, digest: head }));
        }
        match self.storage.append(&records).and_then(|()| self.storage.flush()) {
            Ok(()) => {
                self.sequence = sequence;
                self.head = head;
                self.length += u64::try_from(records.len()).unwrap_or(u64::MAX);
                tell(waiting.into_iter().map(|(done, recorded)| (done, Ok(recorded))));
            }
            Err(error) => {
                let error = Arc::new(self.poison(error));
                tell(waiting.into_iter().map(|(done, _)| (done, Err(AuditError::NotWritten(Arc::clone(&error))))));
            }
        }
    }

    /// After a failed flush the system may forget that pages were not written and serve them from
    /// memory: what was not acknowledged must not be found by the next to open the log.
    fn poison(&mut self, error: io::Error) -> io::Error {
        self.poisoned = true;
        tracing::error!(%error, entries = self.sequence, "the audit log could not be written and takes nothing more");
        if let Err(error) = self.storage.cut(self.length) {
            tracing::error!(%error, "what was not acknowledged could not be cut off the audit log");
        }
        error
    }
}

/// Whoever no longer waits needs no answer.
fn tell(answers: impl Iterator<Item = (oneshot::Sender<Result<Recorded, AuditError>>, Result<Recorded, AuditError>)>) {
    for (done, answer) in answers {
        let _ = done.send(answer);
    }
}
