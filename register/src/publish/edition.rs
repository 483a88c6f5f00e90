//! One edition of the register: targets, snapshot and timestamp, signed by online keys, with the files that they name.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use weald_proto::{OdsCode, Timestamp};

use crate::contents::{Contents, ContentsFault};
use crate::current::versioned;
use crate::document::{
    DocumentMeta, Hashes, Role, SnapshotDocument, SnapshotMeta, Specification, TargetMeta, TargetsDocument,
    TargetsMeta, TimestampDocument,
};
use crate::envelope::SignedFile;
use crate::expiry::Expiry;
use crate::freshness::FRESH_FOR;
use crate::key::RoleKey;
use crate::refused::{Asker, Fault, Refused};
use crate::root::Root;
use crate::target::{SHARDS, TargetName, shard_of};
use crate::update::stored;

/// The keys that sign editions. Where the keys of a role change, give the old and the new until the root has changed.
#[derive(Debug, Clone, Copy)]
pub struct EditionKeys<'a> {
    /// They sign timestamps.
    pub timestamp: &'a [&'a RoleKey],
    /// They sign snapshots.
    pub snapshot: &'a [&'a RoleKey],
    /// They sign targets.
    pub targets: &'a [&'a RoleKey],
}

/// How long what is signed holds. A timestamp holds for 15 minutes, always.
#[derive(Debug, Clone, Copy)]
pub struct EditionTerms {
    /// When it is made.
    pub now: Timestamp,
    /// How long targets and snapshot hold.
    pub life: Duration,
}

/// The versions of what was published before; all zero if nothing was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Previous {
    /// Of the timestamp.
    pub timestamp: u64,
    /// Of the snapshot.
    pub snapshot: u64,
    /// Of the targets.
    pub targets: u64,
}

/// A file of an edition, by its name on a mirror.
#[derive(Clone, PartialEq, Eq)]
pub struct PublishedFile {
    /// Its name.
    pub name: String,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// A complete edition.
#[derive(Clone)]
pub struct Edition {
    files: BTreeMap<TargetName, Arc<[u8]>>,
    targets: SignedFile<TargetsDocument>,
    snapshot: SignedFile<SnapshotDocument>,
    timestamp: SignedFile<TimestampDocument>,
}

impl Edition {
    /// Makes the edition that follows what was published before, under `root`.
    ///
    /// # Errors
    ///
    /// [`Refused`] if a file does not hold, or the keys are not as many of the root's as it asks for: nothing is made
    /// that would not be accepted.
    pub fn make(
        root: &Root,
        files: BTreeMap<TargetName, Arc<[u8]>>,
        previous: Previous,
        terms: EditionTerms,
        keys: EditionKeys<'_>,
    ) -> Result<Self, Refused> {
        let at = |role: Role| move |fault| Refused::new(format!("{role}.json"), fault);
        let contents =
            Contents::read(&files).map_err(|(name, fault)| Refused::new(name.to_string(), Fault::Contents(fault)))?;
        if contents.federation() != root.federation() {
            return Err(Refused::new(TargetName::Federation.to_string(), Fault::OtherFederation));
        }
        let targets = targets(&files, previous, terms).and_then(|document| signed(root, document, keys.targets));
        let targets = targets.map_err(at(Role::Targets))?;
        let snapshot = snapshot(&targets, previous, terms).and_then(|document| signed(root, document, keys.snapshot));
        let snapshot = snapshot.map_err(at(Role::Snapshot))?;
        let timestamp = timestamp(root, &snapshot, previous.timestamp, terms.now)
            .and_then(|document| signed(root, document, keys.timestamp))
            .map_err(at(Role::Timestamp))?;
        Ok(Edition { files, targets, snapshot, timestamp })
    }

    /// The same edition under a newer timestamp, and perhaps a newer root.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the keys are not as many of the root's as it asks for.
    pub fn renew(&self, root: &Root, now: Timestamp, keys: &[&RoleKey]) -> Result<Self, Refused> {
        let known = self.timestamp.document().version.get();
        let timestamp = timestamp(root, &self.snapshot, known, now).and_then(|document| signed(root, document, keys));
        let timestamp = timestamp.map_err(|fault| Refused::new("timestamp.json", fault))?;
        Ok(Edition { timestamp, ..self.clone() })
    }

    /// Its versions, for the edition that follows.
    pub fn versions(&self) -> Previous {
        Previous {
            timestamp: self.timestamp.document().version.get(),
            snapshot: self.snapshot.document().version.get(),
            targets: self.targets.document().version.get(),
        }
    }

    /// Its files in the order in which they must appear on a mirror: what is named before what names it, the timestamp
    /// last. A new root goes before all of them.
    pub fn published(&self) -> Vec<PublishedFile> {
        let of = |name: String, bytes: &Arc<[u8]>| PublishedFile { name, bytes: Arc::clone(bytes) };
        let versions = self.versions();
        let targets = &self.targets.document().targets;
        let named = targets.iter().filter_map(|(name, meta)| Some(of(stored(name, meta), self.files.get(name)?)));
        let mut files: Vec<PublishedFile> = named.collect();
        files.push(of(versioned(Role::Targets, versions.targets), self.targets.bytes()));
        files.push(of(versioned(Role::Snapshot, versions.snapshot), self.snapshot.bytes()));
        files.push(of("timestamp.json".to_owned(), self.timestamp.bytes()));
        files
    }
}

/// All shards of members, each entry as JSON under its code.
///
/// # Errors
///
/// [`ContentsFault`] for an entry that is no JSON.
pub fn member_shards(members: &BTreeMap<OdsCode, String>) -> Result<BTreeMap<TargetName, Arc<[u8]>>, ContentsFault> {
    #[derive(Serialize)]
    struct Shard {
        members: Vec<Box<RawValue>>,
        shard: u8,
    }
    let mut shards: BTreeMap<u8, Vec<Box<RawValue>>> = (0..SHARDS).map(|shard| (shard, Vec::new())).collect();
    for (organisation, entry) in members {
        let entry = RawValue::from_string(entry.clone())
            .map_err(|error| ContentsFault::new(format!("member {organisation}"), error))?;
        shards.entry(shard_of(organisation)).or_default().push(entry);
    }
    let mut files = BTreeMap::new();
    for (shard, members) in shards {
        let bytes = serde_json::to_vec(&Shard { members, shard })
            .map_err(|error| ContentsFault::new(format!("shard {shard}"), error))?;
        files.insert(TargetName::Members(shard), Arc::from(bytes));
    }
    Ok(files)
}

fn targets(
    files: &BTreeMap<TargetName, Arc<[u8]>>,
    previous: Previous,
    terms: EditionTerms,
) -> Result<TargetsDocument, Fault> {
    let meta = |bytes: &Arc<[u8]>| TargetMeta { hashes: Hashes::of(bytes), length: length(bytes) };
    Ok(TargetsDocument {
        kind: Role::Targets,
        expires: Expiry::at(terms.now.plus(terms.life)),
        spec_version: Specification::V1_0_31,
        targets: files.iter().map(|(name, bytes)| (name.clone(), meta(bytes))).collect(),
        version: after(previous.targets, Role::Targets)?,
    })
}

fn snapshot(
    targets: &SignedFile<TargetsDocument>,
    previous: Previous,
    terms: EditionTerms,
) -> Result<SnapshotDocument, Fault> {
    Ok(SnapshotDocument {
        kind: Role::Snapshot,
        expires: Expiry::at(terms.now.plus(terms.life)),
        meta: TargetsMeta { targets: meta_of(targets.bytes(), targets.document().version) },
        spec_version: Specification::V1_0_31,
        version: after(previous.snapshot, Role::Snapshot)?,
    })
}

fn timestamp(
    root: &Root,
    snapshot: &SignedFile<SnapshotDocument>,
    previous: u64,
    now: Timestamp,
) -> Result<TimestampDocument, Fault> {
    Ok(TimestampDocument {
        kind: Role::Timestamp,
        expires: Expiry::at(now.plus(FRESH_FOR)),
        meta: SnapshotMeta { snapshot: meta_of(snapshot.bytes(), snapshot.document().version) },
        spec_version: Specification::V1_0_31,
        version: after(previous, Role::Timestamp)?,
        root: root.document().version,
    })
}

fn signed<T: crate::document::Document>(root: &Root, document: T, keys: &[&RoleKey]) -> Result<SignedFile<T>, Fault> {
    let file = SignedFile::sign(document, keys)?;
    file.verify(root.keys_of(T::ROLE)?, Asker::KnownRoot)?;
    Ok(file)
}

fn after(version: u64, what: Role) -> Result<NonZeroU64, Fault> {
    let next = version.checked_add(1).and_then(NonZeroU64::new);
    next.ok_or(Fault::OtherVersion { what, expected: version, offered: version })
}

fn meta_of(bytes: &[u8], version: NonZeroU64) -> DocumentMeta {
    DocumentMeta { hashes: Hashes::of(bytes), length: length(bytes), version }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
