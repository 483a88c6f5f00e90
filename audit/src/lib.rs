//! What happened: a log that is only ever appended to, whose entries are chained by digests, and
//! that is on disk before anything leaves.
//!
//! - [`Log::append`] returns once the entry is durable; its [`Recorded`] is the proof, and there is
//!   no other way to make one. A log that could not be written once says no until it is reopened.
//! - [`Log::record_refusal`] and [`Log::note_refusal`] take refusals, which anybody can cause: singly
//!   while they are few, and beyond that by their number, so that a flood of them fills no disk. Strangers
//!   and parties that proved their name have budgets of their own. A process that is killed loses what
//!   was counted and has no entry yet (of 5 s at first, of a minute while a flood lasts), and noted
//!   refusals that were not flushed yet; one that is stopped loses nothing.
//! - [`verify`] walks a log and names the first bad entry; [`verify_against`] also finds an end that
//!   was cut off, which a chain alone cannot show.
//! - [`entries`] and [`recent`] read a log back for reports; [`served`] tells after a restart which
//!   nonces and assertions were used, and [`viewed`] which access notices were written down.
//! - [`Log::follow`] tells of entries as they become durable, in their order.
//!
//! # The file
//!
//! One file, records back to back, nothing before, between or behind them. A record:
//!
//! | bytes | what |
//! |---|---|
//! | 4 | length *n* of the entry, little-endian; at most [`ENTRY_BYTES`] |
//! | 4 | the same number with every bit inverted |
//! | *n* | the entry: an encoded `weald.v1.AuditEntry` |
//! | 32 | its digest: SHA-256 of `weald/v1/audit`, a zero byte, and the *n* bytes |
//!
//! The entry holds the digest of the one before. The inverted length keeps a damaged length from
//! looking like an end; the digest lets the last record be checked as well as the others.
//!
//! **Torn or damaged.** A crash can leave a record that was being written and was never
//! acknowledged: the file ends inside it, or from inside it to the end there are only zeros (at
//! least the last eight bytes of the record, or all behind its length). Opening cuts that off and
//! says so. Whatever else is wrong is damage, and a damaged log is not opened. A change of a single
//! byte never looks torn.
//!
//! **Plain appends.** A preallocated file flushes a little faster at its slowest, but then its
//! length does not say where the log ends.

mod budget;
mod chain;
pub mod drill;
mod entry;
mod follow;
mod frame;
mod log;
mod message;
mod metrics;
mod pseudonym;
mod read;
mod refusals;
mod settling;
mod storage;
mod verify;
mod writer;

pub use budget::{REFUSALS_OF_ADDRESS, REFUSALS_OF_PARTIES, REFUSALS_OF_PARTY, REFUSALS_OF_STRANGERS};
pub use chain::{Bad, ChainError, Problem};
pub use entry::{AuditedOutcome, AuditedView, Entry, Inputs, Kind, Recorder};
pub use follow::Follow;
pub use frame::ENTRY_BYTES;
pub use log::{Cut, Log, OpenError, Recovery};
pub use pseudonym::{Pseudonym, PseudonymKey};
pub use read::{Entries, RecordedEntry, answered, entries, recent, served, viewed};
pub use storage::{LogFile, Storage};
pub use verify::{Verification, verify, verify_against, verify_reader};
pub use writer::{AuditError, Recorded};
