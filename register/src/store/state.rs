//! The files `state` and `floor`: a SHA-256, a line feed, and JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use weald_proto::{Digest, Timestamp};

use crate::document::{SnapshotDocument, TargetMeta, TargetsDocument, TimestampDocument};
use crate::envelope::SignedFile;
use crate::refused::Fault;
use crate::root::Root;
use crate::target::TargetName;
use crate::trusted::{Trusted, is_what_was_said};

/// The one format that is read.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "weald-register-state-1")]
    V1,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StateFile {
    format: Format,
    pub(super) sequence: u64,
    /// All roots from the one of the configuration to the newest.
    roots: Vec<String>,
    newest: Newest,
    complete: Option<CompleteFile>,
    latest_ms: i64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Newest {
    timestamp: Option<String>,
    accepted_at_ms: i64,
    snapshot: Option<String>,
    targets: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompleteFile {
    timestamp: String,
    accepted_at_ms: i64,
    snapshot: String,
    targets: String,
}

/// How often the state has been saved: less in a state means that an older one was put in its place.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FloorFile {
    pub(super) sequence: u64,
}

/// Why the roots of a state are not believed.
pub(super) enum RootsFault {
    Foreign,
    Later { given: u64, begins: u64 },
    Refused(Fault),
}

/// The documents of a complete register, verified; its files are not yet.
pub(super) struct Complete {
    timestamp: SignedFile<TimestampDocument>,
    accepted_at: Timestamp,
    snapshot: SignedFile<SnapshotDocument>,
    targets: SignedFile<TargetsDocument>,
}

impl StateFile {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        read(bytes)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        write(self)
    }

    pub(super) fn of(trusted: &Trusted, sequence: u64) -> Result<Self, String> {
        let roots: Result<Vec<String>, String> =
            std::iter::once(&trusted.anchor).chain(&trusted.later).map(|root| text(root.bytes())).collect();
        let complete = trusted.current.as_ref().map(|current| {
            Ok::<_, String>(CompleteFile {
                timestamp: text(current.timestamp.bytes())?,
                accepted_at_ms: current.accepted_at.as_millis(),
                snapshot: text(current.snapshot.bytes())?,
                targets: text(current.targets.bytes())?,
            })
        });
        Ok(StateFile {
            format: Format::V1,
            sequence,
            roots: roots?,
            newest: Newest {
                timestamp: trusted.timestamp.as_ref().map(|file| text(file.bytes())).transpose()?,
                accepted_at_ms: trusted.accepted_at.as_millis(),
                snapshot: trusted.snapshot.as_ref().map(|file| text(file.bytes())).transpose()?,
                targets: trusted.targets.as_ref().map(|file| text(file.bytes())).transpose()?,
            },
            complete: complete.transpose()?,
            latest_ms: trusted.latest.as_millis(),
        })
    }

    /// Walks from the configuration's root to the newest. A configured root that is newer than all of them stands
    /// alone: whoever configures it vouches for it.
    pub(super) fn roots(&self, begun: Trusted) -> Result<Trusted, RootsFault> {
        let roots: Result<Vec<Root>, Fault> = self.roots.iter().map(|root| Root::parse(root.as_bytes())).collect();
        let roots = roots.map_err(RootsFault::Refused)?;
        let given = begun.anchor.version();
        let begins = roots.first().map(Root::version).ok_or(RootsFault::Foreign)?;
        if roots.iter().any(|root| root.federation() != begun.federation()) {
            return Err(RootsFault::Foreign);
        }
        if given < begins {
            return Err(RootsFault::Later { given, begins });
        }
        let mut trusted = begun;
        for root in roots {
            if root.version() == given && !root.says_the_same(&trusted.anchor) {
                return Err(RootsFault::Foreign);
            }
            if root.version() > given {
                let next = trusted.root().succeed(root.bytes()).map_err(RootsFault::Refused)?;
                trusted.later.push(next);
            }
        }
        Ok(trusted)
    }

    /// Verifies the documents under the newest root, and gives those of the complete register. Under a configured root
    /// that is newer than the state, what it has withdrawn is forgotten, as if it had come as an update.
    pub(super) fn documents(&self, trusted: &mut Trusted) -> Result<Option<Complete>, Fault> {
        let known = self.roots.last().map(|root| Root::parse(root.as_bytes())).transpose()?;
        let forgives = known.is_none_or(|known| known.version() < trusted.root().version());
        trusted.latest = Timestamp::from_millis(self.latest_ms);
        trusted.accepted_at = Timestamp::from_millis(self.newest.accepted_at_ms);
        let newest = &self.newest;
        trusted.timestamp = forgive(forgives, optional(trusted, newest.timestamp.as_ref()))?;
        trusted.snapshot = forgive(forgives, optional(trusted, newest.snapshot.as_ref()))?;
        trusted.targets = forgive(forgives, optional(trusted, newest.targets.as_ref()))?;
        let withdrawn = trusted.timestamp.is_some() != newest.timestamp.is_some()
            || trusted.snapshot.is_some() != newest.snapshot.is_some();
        if withdrawn {
            trusted.timestamp = None;
            trusted.snapshot = None;
        }
        let complete = self.complete.as_ref().map(|file| file.read(trusted)).transpose();
        forgive(forgives, complete)
    }
}

/// Nothing in the place of what a newer root does not vouch for.
fn forgive<T>(forgives: bool, read: Result<Option<T>, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Err(_) if forgives => Ok(None),
        read => read,
    }
}

fn optional<T: crate::document::Document>(
    trusted: &Trusted,
    file: Option<&String>,
) -> Result<Option<SignedFile<T>>, Fault> {
    file.map(|text| trusted.read(text.as_bytes())).transpose()
}

impl CompleteFile {
    fn read(&self, trusted: &Trusted) -> Result<Complete, Fault> {
        let complete = Complete {
            timestamp: trusted.read(self.timestamp.as_bytes())?,
            accepted_at: Timestamp::from_millis(self.accepted_at_ms),
            snapshot: trusted.read(self.snapshot.as_bytes())?,
            targets: trusted.read(self.targets.as_bytes())?,
        };
        let named = complete.timestamp.document().meta.snapshot;
        is_what_was_said(named.length, &named.hashes, complete.snapshot.bytes())?;
        let named = complete.snapshot.document().meta.targets;
        is_what_was_said(named.length, &named.hashes, complete.targets.bytes())?;
        Ok(complete)
    }
}

impl Complete {
    /// What is said of its files.
    pub(super) fn metas(&self) -> impl Iterator<Item = (&TargetName, &TargetMeta)> {
        self.targets.document().targets.iter()
    }

    /// Verifies the files, and makes this the last complete register of `trusted`. An error names the target.
    pub(super) fn verify(
        self,
        trusted: &mut Trusted,
        files: BTreeMap<TargetName, Arc<[u8]>>,
    ) -> Result<(), (String, Fault)> {
        let mut alone = trusted.clone();
        alone.timestamp = Some(self.timestamp);
        alone.accepted_at = self.accepted_at;
        alone.snapshot = Some(self.snapshot);
        alone.targets = Some(self.targets);
        alone.complete(files)?;
        trusted.current = alone.current;
        Ok(())
    }
}

impl FloorFile {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        read(bytes)
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        write(self)
    }
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let (digest, json) = bytes.split_at_checked(65).ok_or("it is cut short")?;
    if digest != format!("{}\n", Digest::of(json)).as_bytes() {
        return Err("its contents are not those that were written".to_owned());
    }
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

fn write(value: &impl Serialize) -> Result<Vec<u8>, String> {
    let json = serde_json::to_vec(value).map_err(|error| error.to_string())?;
    let mut bytes = format!("{}\n", Digest::of(&json)).into_bytes();
    bytes.extend_from_slice(&json);
    Ok(bytes)
}
