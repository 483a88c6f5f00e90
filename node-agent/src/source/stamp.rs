//! What a file looks like from outside.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use weald_proto::Timestamp;

/// Longer than any tick of a clock that stamps files.
const TICK: Duration = Duration::from_secs(1);

/// What changes when a file does: also when another is put in its place, or it is written without
/// a change of its size and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    changed: (i64, i64),
    file: (u64, u64),
    bytes: u64,
}

impl Stamp {
    /// The stamp of a file; of a link to nowhere, the link's own.
    pub(crate) fn of(path: &Path) -> std::io::Result<Stamp> {
        Stamp::of_metadata(&std::fs::metadata(path).or_else(|_| std::fs::symlink_metadata(path))?)
    }

    /// The same, of what is known of an open file.
    ///
    /// # Errors
    ///
    /// When the system keeps no times.
    pub(crate) fn of_metadata(metadata: &Metadata) -> std::io::Result<Stamp> {
        Ok(Stamp {
            modified: metadata.modified()?,
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            file: (metadata.dev(), metadata.ino()),
            bytes: metadata.len(),
        })
    }

    /// True if the file was changed about then: another change may leave the same stamp, because a clock that
    /// stamps files goes in ticks.
    pub(crate) fn is_near(&self, now: Timestamp) -> bool {
        let changed =
            Timestamp::from_millis(self.changed.0.saturating_mul(1000).saturating_add(self.changed.1 / 1_000_000));
        now.since(changed).max(changed.since(now)) < TICK
    }

    /// How large the file is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When the file was last written.
    pub(crate) fn modified(&self) -> Timestamp {
        let since = self.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
