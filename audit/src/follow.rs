//! Hearing of entries as they become durable.

use std::sync::{Arc, OnceLock};

use weald_proto::Digest;

use crate::entry::Entry;
use crate::read::RecordedEntry;

/// Hears of the entries of a log, in their order and each once it is durable: before whoever appended it.
pub trait Follow: Send + Sync {
    /// True for an entry that is to be heard of.
    fn wants(&self, entry: &Entry) -> bool;

    /// Such an entry of the log whose first entry has that digest is durable. Called on the log's own thread,
    /// which waits: it must be quick.
    fn recorded(&self, log: Digest, entry: RecordedEntry);
}

/// Who follows a log, if anybody does.
pub(crate) type Follower = Arc<OnceLock<Arc<dyn Follow>>>;
