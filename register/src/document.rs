//! What the four roles say, field by field. Fields stand in the order of their names, which is their canonical order.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weald_proto::Digest;

use crate::expiry::Expiry;
use crate::hex::Hex;
use crate::key::{KeyDocument, RoleKeyId};
use crate::limit;
use crate::refused::Fault;
use crate::target::TargetName;

/// A role of the TUF specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Says who has which role. Its keys are offline, and several must sign.
    Root,
    /// Says which snapshot is the newest, every few minutes.
    Timestamp,
    /// Says which targets belong together.
    Snapshot,
    /// Says what the register consists of.
    Targets,
}

impl Role {
    /// All four, the root first.
    pub const ALL: [Role; 4] = [Role::Root, Role::Timestamp, Role::Snapshot, Role::Targets];

    /// Its name in metadata.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Root => "root",
            Role::Timestamp => "timestamp",
            Role::Snapshot => "snapshot",
            Role::Targets => "targets",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A document that can be signed.
pub(crate) trait Document: Serialize + DeserializeOwned {
    const ROLE: Role;
    const LONGEST: usize;

    fn version(&self) -> u64;
    fn expires(&self) -> Expiry;

    /// Checks what the types do not say.
    fn check(&self) -> Result<(), Fault>;
}

/// The version of the specification that all documents are written by. Another one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Specification {
    #[serde(rename = "1.0.31")]
    V1_0_31,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootDocument {
    #[serde(rename = "_type")]
    pub(crate) kind: Role,
    pub(crate) consistent_snapshot: bool,
    pub(crate) expires: Expiry,
    pub(crate) keys: BTreeMap<RoleKeyId, KeyDocument>,
    pub(crate) roles: RolesDocument,
    pub(crate) spec_version: Specification,
    pub(crate) version: NonZeroU64,
    #[serde(rename = "x-weald-federation")]
    pub(crate) federation: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RolesDocument {
    pub(crate) root: RoleDocument,
    pub(crate) snapshot: RoleDocument,
    pub(crate) targets: RoleDocument,
    pub(crate) timestamp: RoleDocument,
}

impl RolesDocument {
    pub(crate) fn of(&self, role: Role) -> &RoleDocument {
        match role {
            Role::Root => &self.root,
            Role::Timestamp => &self.timestamp,
            Role::Snapshot => &self.snapshot,
            Role::Targets => &self.targets,
        }
    }
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleDocument {
    pub(crate) keyids: Vec<RoleKeyId>,
    pub(crate) threshold: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hashes {
    sha256: Hex<32>,
}

impl Hashes {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Hashes { sha256: Hex(*Digest::of(bytes).as_bytes()) }
    }

    /// In hexadecimal digits, as it stands before the name of a target on a mirror.
    pub(crate) fn hex(&self) -> String {
        self.sha256.to_string()
    }
}

/// What is said of another document.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DocumentMeta {
    pub(crate) hashes: Hashes,
    pub(crate) length: u64,
    pub(crate) version: NonZeroU64,
}

/// What is said of a target.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetMeta {
    pub(crate) hashes: Hashes,
    pub(crate) length: u64,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimestampDocument {
    #[serde(rename = "_type")]
    pub(crate) kind: Role,
    pub(crate) expires: Expiry,
    pub(crate) meta: SnapshotMeta,
    pub(crate) spec_version: Specification,
    pub(crate) version: NonZeroU64,
    /// The newest root that exists, so that one that is withheld is missed.
    #[serde(rename = "x-weald-root")]
    pub(crate) root: NonZeroU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotMeta {
    #[serde(rename = "snapshot.json")]
    pub(crate) snapshot: DocumentMeta,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnapshotDocument {
    #[serde(rename = "_type")]
    pub(crate) kind: Role,
    pub(crate) expires: Expiry,
    pub(crate) meta: TargetsMeta,
    pub(crate) spec_version: Specification,
    pub(crate) version: NonZeroU64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetsMeta {
    #[serde(rename = "targets.json")]
    pub(crate) targets: DocumentMeta,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TargetsDocument {
    #[serde(rename = "_type")]
    pub(crate) kind: Role,
    pub(crate) expires: Expiry,
    pub(crate) spec_version: Specification,
    pub(crate) targets: BTreeMap<TargetName, TargetMeta>,
    pub(crate) version: NonZeroU64,
}

/// No length that is said may exceed what such a file may have, or zero.
fn fits(length: u64, longest: usize) -> Result<(), Fault> {
    let longest_u64 = u64::try_from(longest).unwrap_or(u64::MAX);
    if (1..=longest_u64).contains(&length) { Ok(()) } else { Err(Fault::TooLong { longest }) }
}

impl Document for RootDocument {
    const ROLE: Role = Role::Root;
    const LONGEST: usize = limit::ROOT_BYTES;

    fn version(&self) -> u64 {
        self.version.get()
    }

    fn expires(&self) -> Expiry {
        self.expires
    }

    fn check(&self) -> Result<(), Fault> {
        crate::root::check(self).map_err(Fault::from)
    }
}

impl Document for TimestampDocument {
    const ROLE: Role = Role::Timestamp;
    const LONGEST: usize = limit::TIMESTAMP_BYTES;

    fn version(&self) -> u64 {
        self.version.get()
    }

    fn expires(&self) -> Expiry {
        self.expires
    }

    fn check(&self) -> Result<(), Fault> {
        fits(self.meta.snapshot.length, limit::SNAPSHOT_BYTES)
    }
}

impl Document for SnapshotDocument {
    const ROLE: Role = Role::Snapshot;
    const LONGEST: usize = limit::SNAPSHOT_BYTES;

    fn version(&self) -> u64 {
        self.version.get()
    }

    fn expires(&self) -> Expiry {
        self.expires
    }

    fn check(&self) -> Result<(), Fault> {
        fits(self.meta.targets.length, limit::TARGETS_BYTES)
    }
}

impl Document for TargetsDocument {
    const ROLE: Role = Role::Targets;
    const LONGEST: usize = limit::TARGETS_BYTES;

    fn version(&self) -> u64 {
        self.version.get()
    }

    fn expires(&self) -> Expiry {
        self.expires
    }

    fn check(&self) -> Result<(), Fault> {
        if self.targets.len() > limit::TARGETS {
            return Err(Fault::Unreadable(format!("field `targets`: at most {}", limit::TARGETS)));
        }
        let complete = TargetName::required().find(|name| !self.targets.contains_key(name));
        if let Some(missing) = complete {
            return Err(Fault::Unreadable(format!("field `targets`: `{missing}` is missing")));
        }
        self.targets.iter().try_for_each(|(name, meta)| fits(meta.length, name.longest()))
    }
}
