//! Whoever is refused at the node's door, before any query is verified, is in its audit log too.

use std::fmt;
use std::sync::Arc;

use weald_audit::{Entry, Log, Recorder};
use weald_certs::{DoorWatch, LogOnly, Refused};
use weald_proto::OdsCode;

/// Watches the door of one organisation's node. Of a crowd at the door the log holds the number (see
/// [`Log::note_refusal`]): nobody fills the disk by being refused.
pub struct DoorRecord {
    log: Arc<Log>,
    lines: LogOnly,
    organisation: OdsCode,
}

impl DoorRecord {
    /// Records in the log of that organisation.
    pub fn new(log: Arc<Log>, organisation: OdsCode) -> Self {
        DoorRecord { log, lines: LogOnly::default(), organisation }
    }
}

impl DoorWatch for DoorRecord {
    fn refused(&self, refused: &Refused) {
        self.lines.refused(refused);
        let whose = Recorder::node(self.organisation.clone());
        self.log.note_refusal(Entry::refused(whose, refused.reason, refused.from.ip(), refused.peer.clone()));
    }
}

impl fmt::Debug for DoorRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DoorRecord({})", self.organisation)
    }
}
