//! The log: opened once, appended to by many.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prost::Message as _;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use weald_proto::{Clock, Digest, wire};

use crate::chain::{Bad, ChainError, Problem, Walk};
use crate::entry::Entry;
use crate::follow::{Follow, Follower};
use crate::frame::ENTRY_BYTES;
use crate::metrics::Metrics;
use crate::refusals::Refusals;
use crate::settling::Settling;
use crate::storage::{LogFile, Storage};
use crate::writer::{AuditError, Pending, Recorded, Writer};

/// Entries that may wait; who comes later waits to queue.
const QUEUE: usize = 1024;
/// Entries that are written at once.
const MOST_AT_ONCE: usize = 256;
/// From the first refusal that is counted to the entry of its number.
const SETTLED_SOON: Duration = Duration::from_secs(5);
/// From there to the next, while more are counted.
const SETTLED_EVERY: Duration = Duration::from_secs(60);
/// What sequence, previous digest and time add to an encoded entry, at most.
const PLACE_BYTES: usize = 11 + 34 + 20;

/// An append-only, hash-chained log, of which one thread writes.
///
/// Share it in an `Arc`. Dropping it waits until everything queued is written and flushed.
pub struct Log {
    /// Present until the log is dropped.
    queue: Option<mpsc::Sender<Pending>>,
    writer: Option<JoinHandle<()>>,
    recovery: Recovery,
    failed: Arc<AtomicBool>,
    refusals: Refusals,
    follower: Follower,
    first: Arc<OnceLock<Digest>>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

/// What a log held when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovery {
    /// How many entries: the sequence of the last.
    pub entries: u64,
    /// Digest of the last entry; zero if there is none.
    pub head: Digest,
    /// A torn record that was cut off, if there was one.
    pub cut: Option<Cut>,
}

/// A torn record: a crash came while it was written, so it was never acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Where it began; where the log now ends.
    pub offset: u64,
    /// How many bytes were cut off.
    pub bytes: u64,
}

/// Why a log does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle of this one, has it open.
    #[error("the audit log is in use by another process; each log has one writer")]
    InUse,
    /// The file could not be opened, read, cut or flushed.
    #[error("the audit log cannot be opened; check that its folder exists, is writable and has room")]
    Storage(#[from] io::Error),
    /// It is damaged.
    #[error("the audit log is damaged: {0}; keep the file as evidence, and restore it or begin another")]
    Damaged(Bad),
}

impl Log {
    /// Opens or creates the log in the file `path`, whose folder must exist. Reads all of it: a
    /// torn last record is cut off (see [`Log::recovery`]), any other damage is an error.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let file = LogFile::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => OpenError::InUse,
            _ => OpenError::Storage(error),
        })?;
        Log::open_on(Box::new(file), clock)
    }

    /// Opens the log that a storage holds, like [`Log::open`].
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open_on(storage: Box<dyn Storage>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        Log::open_settling(storage, clock, Settling::new(SETTLED_SOON, SETTLED_EVERY))
    }

    /// The same, with other times between the entries of counted refusals.
    pub(crate) fn open_settling(
        mut storage: Box<dyn Storage>,
        clock: Arc<dyn Clock>,
        settling: Settling,
    ) -> Result<Self, OpenError> {
        let (first, follower) = (Arc::new(OnceLock::new()), Follower::default());
        let (recovery, length) = recover(&mut *storage, &first)?;
        let failed = Arc::new(AtomicBool::new(false));
        let refusals = Refusals::default();
        let writer = Writer {
            storage,
            clock: Arc::clone(&clock),
            sequence: recovery.entries,
            head: recovery.head,
            length,
            failed: Arc::clone(&failed),
            refusals: refusals.clone(),
            first: Arc::clone(&first),
            follower: Arc::clone(&follower),
            settling,
        };
        let (queue, entries) = mpsc::channel(QUEUE);
        let timer = runtime::Builder::new_current_thread().enable_time().build()?;
        let writer = thread::Builder::new()
            .name("audit".to_owned())
            .stack_size(256 * 1024)
            .spawn(move || timer.block_on(writer.run(entries, MOST_AT_ONCE)))?;
        let (queue, writer) = (Some(queue), Some(writer));
        Ok(Log { queue, writer, recovery, failed, refusals, follower, first, clock, metrics: Metrics::new() })
    }

    /// What the log held when it was opened.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Digest of the first entry, which tells this log from every other; none while there is none.
    pub fn first(&self) -> Option<Digest> {
        self.first.get().copied()
    }

    /// Tells `follower` of what is appended from now on. A log has one; false if it had one before.
    pub fn follow(&self, follower: Arc<dyn Follow>) -> bool {
        self.follower.set(follower).is_ok()
    }

    /// True until a write or a flush has failed, after which the log takes nothing more.
    pub fn is_writable(&self) -> bool {
        !self.failed.load(Ordering::Acquire)
    }

    /// Appends an entry and returns once it is durable. Waits while the queue is full. If the
    /// future is dropped the entry may still be written.
    ///
    /// # Errors
    ///
    /// [`AuditError`]: then nothing may leave that the entry would have accounted for. After a
    /// failed write or flush every later append fails too, until the log is opened again.
    pub async fn append(&self, entry: Entry) -> Result<Recorded, AuditError> {
        let began = Instant::now();
        let ended = self.hand_over(entry).await;
        self.metrics.append_ended(&ended, began.elapsed());
        ended
    }

    async fn hand_over(&self, entry: Entry) -> Result<Recorded, AuditError> {
        let followed = self.follower.get().filter(|follower| follower.wants(&entry)).map(|_| Box::new(entry.clone()));
        let message = fitting(entry)?;
        let (done, recorded) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(AuditError::Closed)?;
        queue.send(Pending { message, done: Some(done), followed }).await.map_err(|_| AuditError::Closed)?;
        recorded.await.map_err(|_| AuditError::Closed)?
    }

    /// Appends a refusal, and returns once it is durable, as long as there are not too many of them;
    /// beyond that counts it, and returns at once with nothing. What was counted gets an entry 5 s
    /// after the first, then each minute while more are counted, and at the latest when the log is
    /// closed. A process that is killed in between loses those numbers.
    ///
    /// Anybody can cause refusals, and each entry costs a flush and disk: see
    /// [`REFUSALS_OF_ADDRESS`](crate::REFUSALS_OF_ADDRESS) and the budgets beside it.
    ///
    /// # Errors
    ///
    /// [`AuditError`], as [`Log::append`].
    pub async fn record_refusal(&self, refusal: Entry) -> Result<Option<Recorded>, AuditError> {
        if !self.refusals.take_up(&refusal, self.clock.now()) {
            return Ok(None);
        }
        self.append(refusal).await.map(Some)
    }

    /// The same for whoever can neither wait nor be told: what cannot be queued at once is counted. A
    /// process that is killed loses what is queued and not flushed yet.
    pub fn note_refusal(&self, refusal: Entry) {
        if !self.refusals.take_up(&refusal, self.clock.now()) {
            return;
        }
        let room = self.queue.as_ref().filter(|_| self.is_writable()).and_then(|queue| queue.try_reserve().ok());
        match room.zip(fitting(refusal.clone()).ok()) {
            Some((room, message)) => room.send(Pending { message, done: None, followed: None }),
            None => self.refusals.count(&refusal),
        }
    }
}

/// The entry as a message, if it is not too large.
fn fitting(entry: Entry) -> Result<wire::AuditEntry, AuditError> {
    let message = entry.into_message();
    let bytes = message.encoded_len().saturating_add(PLACE_BYTES);
    if bytes > ENTRY_BYTES { Err(AuditError::TooLarge { bytes }) } else { Ok(message) }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the audit log's thread ended badly");
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("recovery", &self.recovery).finish_non_exhaustive()
    }
}

/// Walks the chain, cuts a torn end off, and makes what is left durable. Returns its length too.
fn recover(storage: &mut dyn Storage, first: &OnceLock<Digest>) -> Result<(Recovery, u64), OpenError> {
    let (recovery, length) = survey(storage, first)?;
    if let Some(cut) = recovery.cut {
        tracing::warn!(entries = recovery.entries, bytes = cut.bytes, "a torn record was cut off the audit log");
        storage.cut(cut.offset)?;
    }
    storage.flush()?;
    Ok((recovery, length))
}

fn survey(storage: &mut dyn Storage, first: &OnceLock<Digest>) -> Result<(Recovery, u64), OpenError> {
    let mut walk = Walk::new(storage.read()?);
    let (length, cut) = loop {
        match walk.step() {
            Ok(Some(link)) => {
                first.get_or_init(|| link.digest);
            }
            Ok(None) => break (walk.position(), None),
            Err(ChainError::Bad(Bad { offset, problem: Problem::Torn, .. })) => {
                break (offset, Some(Cut { offset, bytes: walk.position().saturating_sub(offset) }));
            }
            Err(ChainError::Bad(bad)) => return Err(OpenError::Damaged(bad)),
            Err(ChainError::Unreadable(error)) => return Err(OpenError::Storage(error)),
        }
    };
    Ok((Recovery { entries: walk.sequence(), head: walk.head(), cut }, length))
}
