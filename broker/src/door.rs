//! Whoever is refused at the broker's door, before any view begins, is in its audit log too.

use std::fmt;
use std::sync::Arc;

use weald_audit::{Entry, Log, Recorder};
use weald_certs::{DoorWatch, LogOnly, Refused};
use weald_proto::SpiffeId;

/// Watches a broker's door. Of a crowd at the door the log holds the number (see
/// [`Log::note_refusal`]): nobody fills the disk by being refused.
pub struct DoorRecord {
    log: Arc<Log>,
    lines: LogOnly,
    name: SpiffeId,
}

impl DoorRecord {
    /// Records in the log of the broker called `name`.
    pub fn new(log: Arc<Log>, name: SpiffeId) -> Self {
        DoorRecord { log, lines: LogOnly::default(), name }
    }
}

impl DoorWatch for DoorRecord {
    fn refused(&self, refused: &Refused) {
        self.lines.refused(refused);
        let whose = Recorder::broker(self.name.clone());
        self.log.note_refusal(Entry::refused(whose, refused.reason, refused.from.ip(), refused.peer.clone()));
    }
}

impl fmt::Debug for DoorRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DoorRecord({})", self.name)
    }
}
