//! What is believed, and what may take its place.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use weald_proto::{FederationName, Timestamp};

use crate::contents::Contents;
use crate::current::{Current, is_signed_under, versioned};
use crate::document::{Document, DocumentMeta, Hashes, Role, SnapshotDocument, TargetsDocument, TimestampDocument};
use crate::envelope::SignedFile;
use crate::freshness::{Freshness, Stopped};
use crate::refused::{Asker, Fault, Refused};
use crate::root::Root;
use crate::target::TargetName;

/// What a party believes: the roots that lead from the one of its configuration to the newest, the newest document that
/// it has accepted of each role, and the last complete register.
///
/// It accepts nothing older than it has accepted before, whatever became of the register that this belonged to. Only a
/// root can have it forget, by withdrawing keys: what they alone had signed no longer counts for anything.
#[derive(Clone)]
pub struct Trusted {
    pub(crate) anchor: Root,
    /// Those after the anchor, in order of their versions, without gaps.
    pub(crate) later: Vec<Root>,
    pub(crate) timestamp: Option<SignedFile<TimestampDocument>>,
    /// When the timestamp was accepted.
    pub(crate) accepted_at: Timestamp,
    pub(crate) snapshot: Option<SignedFile<SnapshotDocument>>,
    pub(crate) targets: Option<SignedFile<TargetsDocument>>,
    pub(crate) current: Option<Current>,
    pub(crate) latest: Timestamp,
}

/// What a timestamp turned out to be.
pub(crate) enum Told {
    /// Newer than the one that was known; it is accepted.
    Newer,
    /// The one that is known.
    Same,
    /// It says that there is a newer root. It was not accepted.
    NewerRoot(u64),
}

impl Trusted {
    /// Begins with a root that configuration gives, and with no register.
    ///
    /// # Errors
    ///
    /// [`Refused`] if the root does not hold, or is that of another federation.
    pub fn begin(federation: &FederationName, root: &[u8]) -> Result<Self, Refused> {
        let anchor = Root::read(root)?;
        if anchor.federation() != federation {
            return Err(Refused::new("root.json", Fault::OtherFederation));
        }
        Ok(Trusted {
            anchor,
            later: Vec::new(),
            timestamp: None,
            accepted_at: Timestamp::from_millis(0),
            snapshot: None,
            targets: None,
            current: None,
            latest: Timestamp::from_millis(0),
        })
    }

    /// The newest root.
    pub fn root(&self) -> &Root {
        self.later.last().unwrap_or(&self.anchor)
    }

    /// The federation.
    pub fn federation(&self) -> &FederationName {
        self.anchor.federation()
    }

    /// The version of the newest timestamp that was accepted; none if there is none yet.
    pub fn timestamp_version(&self) -> Option<u64> {
        self.timestamp.as_ref().map(|file| file.document().version())
    }

    /// Remembers that it was `now`, so that a clock that goes back makes nothing fresh again. No moment beyond the one
    /// at which the register must stop is remembered: a clock that was years ahead does no harm once it is set right and
    /// a newer timestamp has come.
    pub fn observe(&mut self, now: Timestamp) {
        if let Some(current) = &self.current {
            self.latest = self.latest.max(now.min(current.limits(self.root()).stops()));
        }
    }

    /// How far the register may be relied on. Time that was [observed](Self::observe) does not come back.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        match &self.current {
            Some(current) => current.limits(self.root()).at(self.latest.max(now)),
            None => Freshness::Stopped(Stopped::Nothing),
        }
    }

    /// The register, if it may be used now. Whoever uses one that is stale marks what is done under it.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if none may be used.
    pub fn register(&self, now: Timestamp) -> Result<(&Current, Freshness), Stopped> {
        let current = self.current.as_ref().ok_or(Stopped::Nothing)?;
        match self.freshness(now) {
            Freshness::Stopped(stopped) => Err(stopped),
            freshness => Ok((current, freshness)),
        }
    }

    /// The last complete register, whether or not it may still be used: for whoever passes on files, which prove
    /// themselves, and for whoever says what is known.
    pub fn last(&self) -> Option<&Current> {
        self.current.as_ref()
    }

    /// The file of that name on a mirror, with its version: of the last complete register, or a root.
    pub fn file(&self, name: &str) -> Option<(u64, Arc<[u8]>)> {
        let mut roots = std::iter::once(&self.anchor).chain(&self.later);
        match roots.find(|root| name == versioned(Role::Root, root.version())) {
            Some(root) => Some((root.version(), Arc::clone(root.bytes()))),
            None => self.current.as_ref()?.file(name),
        }
    }

    /// Takes the next root, and forgets what its keys have not signed.
    pub(crate) fn accept_root(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let next = self.root().succeed(bytes)?;
        let online = self.timestamp.as_ref().is_none_or(|file| is_signed_under(&next, file))
            && self.snapshot.as_ref().is_none_or(|file| is_signed_under(&next, file));
        if !online {
            // A withdrawn key may have signed any version: none of them may stand in the way of the next.
            self.timestamp = None;
            self.snapshot = None;
        }
        self.targets = self.targets.take().filter(|file| is_signed_under(&next, file));
        self.current = self.current.take().filter(|current| current.is_signed_under(&next));
        self.later.push(next);
        Ok(())
    }

    /// Takes a timestamp, if it is newer.
    pub(crate) fn accept_timestamp(&mut self, bytes: &[u8], now: Timestamp) -> Result<Told, Fault> {
        let offered: SignedFile<TimestampDocument> = self.read(bytes)?;
        let (version, meta) = (offered.document().version(), offered.document().meta.snapshot);
        if let Some(known) = &self.timestamp {
            not_older(Role::Timestamp, known.document().version(), version)?;
            if known.document().version() == version {
                let same = known.says_the_same(&offered);
                return if same { Ok(Told::Same) } else { Err(Fault::Other { what: Role::Timestamp, version }) };
            }
            not_another(Role::Snapshot, &known.document().meta.snapshot, &meta)?;
        }
        if let Some(known) = &self.snapshot {
            not_older(Role::Snapshot, known.document().version(), meta.version.get())?;
        }
        if offered.document().root.get() > self.root().version() {
            return Ok(Told::NewerRoot(offered.document().root.get()));
        }
        self.accepted_at = self.latest.max(now);
        if let Some(current) = self.current.as_mut().filter(|current| fits(&meta, current.snapshot.bytes())) {
            current.timestamp = offered.clone();
            current.accepted_at = self.accepted_at;
        }
        self.timestamp = Some(offered);
        Ok(Told::Newer)
    }

    /// The snapshot that the timestamp names, unless it is known already.
    pub(crate) fn wanted_snapshot(&self) -> Option<DocumentMeta> {
        let meta = self.timestamp.as_ref()?.document().meta.snapshot;
        self.snapshot.as_ref().is_none_or(|file| !fits(&meta, file.bytes())).then_some(meta)
    }

    pub(crate) fn accept_snapshot(&mut self, meta: &DocumentMeta, bytes: &[u8]) -> Result<(), Fault> {
        is_what_was_said(meta.length, &meta.hashes, bytes)?;
        let offered: SignedFile<SnapshotDocument> = self.read(bytes)?;
        is_the_version(meta, &offered)?;
        let targets = offered.document().meta.targets;
        if let Some(known) = &self.snapshot {
            not_another(Role::Targets, &known.document().meta.targets, &targets)?;
        }
        if let Some(known) = &self.targets {
            not_older(Role::Targets, known.document().version(), targets.version.get())?;
        }
        self.snapshot = Some(offered);
        Ok(())
    }

    /// The targets that the snapshot names, unless they are known already.
    pub(crate) fn wanted_targets(&self) -> Option<DocumentMeta> {
        let meta = self.snapshot.as_ref()?.document().meta.targets;
        self.targets.as_ref().is_none_or(|file| !fits(&meta, file.bytes())).then_some(meta)
    }

    pub(crate) fn accept_targets(&mut self, meta: &DocumentMeta, bytes: &[u8]) -> Result<(), Fault> {
        is_what_was_said(meta.length, &meta.hashes, bytes)?;
        let offered: SignedFile<TargetsDocument> = self.read(bytes)?;
        is_the_version(meta, &offered)?;
        if let Some(known) = &self.targets {
            let (was, is) = (known.document().version(), offered.document().version());
            not_older(Role::Targets, was, is)?;
            if was == is && !known.says_the_same(&offered) {
                return Err(Fault::Other { what: Role::Targets, version: is });
            }
        }
        self.targets = Some(offered);
        Ok(())
    }

    /// True if the newest documents are those of the last complete register.
    pub(crate) fn is_complete(&self) -> bool {
        let newest = (&self.timestamp, &self.snapshot, &self.targets);
        let (Some(timestamp), Some(snapshot), Some(targets)) = newest else { return false };
        self.current.as_ref().is_some_and(|current| {
            current.timestamp.bytes() == timestamp.bytes()
                && current.snapshot.bytes() == snapshot.bytes()
                && current.targets.bytes() == targets.bytes()
        })
    }

    /// Takes the files that the targets name, each already held against its hash, as the register from now on.
    pub(crate) fn complete(&mut self, files: BTreeMap<TargetName, Arc<[u8]>>) -> Result<(), (String, Fault)> {
        let newest = (&self.timestamp, &self.snapshot, &self.targets);
        let (Some(timestamp), Some(snapshot), Some(targets)) = newest else {
            return Err(("targets.json".to_owned(), Fault::Missing));
        };
        for (name, meta) in &targets.document().targets {
            let bytes = files.get(name).ok_or_else(|| (name.to_string(), Fault::Missing))?;
            is_what_was_said(meta.length, &meta.hashes, bytes).map_err(|fault| (name.to_string(), fault))?;
        }
        let extraneous = files.keys().find(|name| !targets.document().targets.contains_key(name));
        if let Some(name) = extraneous {
            return Err((name.to_string(), Fault::NotAskedFor));
        }
        let contents = Contents::read(&files).map_err(|(name, fault)| (name.to_string(), Fault::Contents(fault)))?;
        if contents.federation() != self.federation() {
            return Err((TargetName::Federation.to_string(), Fault::OtherFederation));
        }
        self.current = Some(Current {
            timestamp: timestamp.clone(),
            accepted_at: self.accepted_at,
            snapshot: snapshot.clone(),
            targets: targets.clone(),
            files,
            contents: Arc::new(contents),
        });
        Ok(())
    }

    /// Reads a document and checks that the newest root's keys have signed it.
    pub(crate) fn read<T: Document>(&self, bytes: &[u8]) -> Result<SignedFile<T>, Fault> {
        let file = SignedFile::read(bytes)?;
        file.verify(self.root().keys_of(T::ROLE)?, Asker::KnownRoot)?;
        Ok(file)
    }
}

/// A version that was accepted is a floor.
fn not_older(what: Role, known: u64, offered: u64) -> Result<(), Fault> {
    if offered < known { Err(Fault::Older { what, known, offered }) } else { Ok(()) }
}

/// What is said of a document is of the same version only if it is the same document.
fn not_another(what: Role, known: &DocumentMeta, offered: &DocumentMeta) -> Result<(), Fault> {
    not_older(what, known.version.get(), offered.version.get())?;
    let another = known.version == offered.version && known != offered;
    if another { Err(Fault::Other { what, version: offered.version.get() }) } else { Ok(()) }
}

fn is_the_version<T: Document>(meta: &DocumentMeta, file: &SignedFile<T>) -> Result<(), Fault> {
    let (expected, offered) = (meta.version.get(), file.document().version());
    if expected == offered { Ok(()) } else { Err(Fault::OtherVersion { what: T::ROLE, expected, offered }) }
}

/// Checks bytes against what was said of them under a signature.
pub(crate) fn is_what_was_said(length: u64, hashes: &Hashes, bytes: &[u8]) -> Result<(), Fault> {
    if u64::try_from(bytes.len()) != Ok(length) {
        return Err(Fault::Length { expected: length, offered: bytes.len() });
    }
    if Hashes::of(bytes) == *hashes { Ok(()) } else { Err(Fault::Digest) }
}

fn fits(meta: &DocumentMeta, bytes: &[u8]) -> bool {
    is_what_was_said(meta.length, &meta.hashes, bytes).is_ok()
}

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let register = self.current.as_ref().map(Current::version);
        write!(f, "Trusted({:?}, timestamp {:?}, register {register:?})", self.root(), self.timestamp_version())
    }
}
