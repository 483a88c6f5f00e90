//! Hearing of entries as they become durable.

use std::sync::{Arc, OnceLock};

use crate::entry::Entry;
use crate::read::RecordedEntry;

/// Hears of the entries of a log, in their order and each once it is durable: before whoever appended it.
pub trait Follow: Send + Sync {
    /// True for an entry that is to be heard of.
    fn wants(&self, entry: &Entry) -> bool;

    /// Such an entry is durable. Called on the log's own thread, which waits: it must be quick.
    fn recorded(&self, entry: RecordedEntry);
}

/// Who follows a log, if anybody does.
pub(crate) type Follower = Arc<OnceLock<Arc<dyn Follow>>>;
