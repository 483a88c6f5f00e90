//! A complete register: every document verified, every target there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use weald_proto::Timestamp;

use crate::contents::Contents;
use crate::document::{Document as _, Role, SnapshotDocument, TargetsDocument, TimestampDocument};
use crate::envelope::SignedFile;
use crate::freshness::Limits;
use crate::refused::Asker;
use crate::root::Root;
use crate::target::TargetName;

/// The last complete register. Made only by an [`Update`](crate::Update), or by a [`Store`](crate::Store) that has
/// verified all of it again. Cheap to clone.
#[derive(Clone)]
pub struct Current {
    pub(crate) timestamp: SignedFile<TimestampDocument>,
    pub(crate) accepted_at: Timestamp,
    pub(crate) snapshot: SignedFile<SnapshotDocument>,
    pub(crate) targets: SignedFile<TargetsDocument>,
    pub(crate) files: BTreeMap<TargetName, Arc<[u8]>>,
    pub(crate) contents: Arc<Contents>,
}

impl Current {
    /// What it says.
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Its version: that of its targets.
    pub fn version(&self) -> u64 {
        self.targets.document().version()
    }

    /// The version of the newest timestamp that named it.
    pub fn timestamp_version(&self) -> u64 {
        self.timestamp.document().version()
    }

    pub(crate) fn limits(&self, root: &Root) -> Limits {
        let expiries = [
            (Role::Root, root.expires()),
            (Role::Timestamp, self.timestamp.document().expires().moment()),
            (Role::Snapshot, self.snapshot.document().expires().moment()),
            (Role::Targets, self.targets.document().expires().moment()),
        ];
        Limits::of(expiries, self.accepted_at)
    }

    /// True if the keys of that root have signed all of it.
    pub(crate) fn is_signed_under(&self, root: &Root) -> bool {
        is_signed_under(root, &self.timestamp)
            && is_signed_under(root, &self.snapshot)
            && is_signed_under(root, &self.targets)
    }

    /// The file of that name on a mirror, if it is one of this register's.
    pub(crate) fn file(&self, name: &str) -> Option<(u64, Arc<[u8]>)> {
        let whole = |version: u64, bytes: &Arc<[u8]>| Some((version, Arc::clone(bytes)));
        if name == "timestamp.json" {
            return whole(self.timestamp_version(), self.timestamp.bytes());
        }
        if name == versioned(Role::Snapshot, self.snapshot.document().version()) {
            return whole(self.snapshot.document().version(), self.snapshot.bytes());
        }
        if name == versioned(Role::Targets, self.version()) {
            return whole(self.version(), self.targets.bytes());
        }
        let (hash, target) = name.split_once('.')?;
        let target = TargetName::parse(target).ok()?;
        let meta = self.targets.document().targets.get(&target).filter(|meta| meta.hashes.hex() == hash)?;
        self.files.get(&target).filter(|_| meta.length > 0).and_then(|bytes| whole(self.version(), bytes))
    }
}

pub(crate) fn is_signed_under<T: crate::document::Document>(root: &Root, file: &SignedFile<T>) -> bool {
    root.keys_of(T::ROLE).and_then(|keys| file.verify(keys, Asker::KnownRoot)).is_ok()
}

/// The name of a document with its version, as it stands on a mirror.
pub(crate) fn versioned(role: Role, version: u64) -> String {
    format!("{version}.{role}.json")
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Current(version {}, timestamp {})", self.version(), self.timestamp_version())
    }
}
