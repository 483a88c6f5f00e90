//! The way from what is believed to what is newest: sections 5.3 to 5.7 of the TUF specification, in their order.

use std::collections::BTreeMap;
use std::sync::Arc;

use weald_proto::Timestamp;

use crate::current::versioned;
use crate::document::{DocumentMeta, Role, TargetMeta};
use crate::limit;
use crate::refused::{Fault, Refused};
use crate::target::TargetName;
use crate::trusted::{Told, Trusted, is_what_was_said};

/// One update, file by file. It says what it needs ([`wants`](Self::wants)); whoever drives it gives the bytes
/// ([`take`](Self::take)), or says that there is no such file ([`absent`](Self::absent)), and ends it
/// ([`finish`](Self::finish)) when nothing is wanted any more, or when the bytes cannot be had.
///
/// Each file that is accepted is believed at once and for good, whatever becomes of the rest: a new root counts though
/// the register that it leads to is withheld.
#[derive(Debug, Clone)]
pub struct Update {
    trusted: Trusted,
    now: Timestamp,
    step: Step,
    roots: usize,
    files: BTreeMap<TargetName, Arc<[u8]>>,
}

/// Which file comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The root after the newest; it must exist if a timestamp said so.
    Root {
        promised: Option<u64>,
    },
    Timestamp,
    Snapshot,
    Targets,
    Files,
    Done,
}

/// A file that is needed next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Its name on a mirror: of 1 to 128 of `a-z 0-9 - _ .`, never a path.
    pub name: String,
    /// The most bytes that it may have; no more need be read.
    pub longest: usize,
    /// The version that is known already, of a file whose name does not say its version: who offers no newer one
    /// answers [`Update::unchanged`].
    pub known: Option<u64>,
}

impl Wanted {
    fn new(name: String, longest: usize) -> Self {
        Wanted { name, longest, known: None }
    }

    fn said(name: String, length: u64) -> Self {
        Wanted::new(name, usize::try_from(length).unwrap_or(0))
    }
}

impl Update {
    /// Begins at `now`, which stays the time of this update to its end.
    pub fn begin(mut trusted: Trusted, now: Timestamp) -> Self {
        trusted.observe(now);
        Update { trusted, now, step: Step::Root { promised: None }, roots: 0, files: BTreeMap::new() }
    }

    /// The file that is needed next; none when the update is at its end.
    pub fn wants(&self) -> Option<Wanted> {
        match self.step {
            Step::Root { .. } => Some(Wanted::new(self.next_root(), limit::ROOT_BYTES)),
            Step::Timestamp => {
                let known = self.trusted.timestamp_version();
                Some(Wanted { known, ..Wanted::new("timestamp.json".to_owned(), limit::TIMESTAMP_BYTES) })
            }
            Step::Snapshot => self.trusted.wanted_snapshot().map(|meta| document(Role::Snapshot, &meta)),
            Step::Targets => self.trusted.wanted_targets().map(|meta| document(Role::Targets, &meta)),
            Step::Files => self.wanted_file().map(|(name, meta)| Wanted::said(stored(&name, &meta), meta.length)),
            Step::Done => None,
        }
    }

    /// Takes the file that is wanted.
    ///
    /// # Errors
    ///
    /// [`Refused`]: the file is not accepted, and the update is at its end. What was accepted before it stays.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let wanted = self.wants().ok_or_else(|| Refused::new("file", Fault::NotAskedFor))?;
        if bytes.len() > wanted.longest {
            return self.end(wanted.name, Fault::TooLong { longest: wanted.longest });
        }
        match self.accept(bytes) {
            Ok(next) => {
                self.step = next;
                self.skip_what_is_known()
            }
            Err((file, fault)) => self.end(file.unwrap_or(wanted.name), fault),
        }
    }

    /// Whoever was asked says that it has no such file. (Not for a file that could not be fetched for another reason:
    /// then the update is [finished](Self::finish) as it is.)
    ///
    /// # Errors
    ///
    /// [`Refused`] unless it is the next root, which need not exist; but it must if the timestamp says that it does.
    pub fn absent(&mut self) -> Result<(), Refused> {
        let wanted = self.wants().ok_or_else(|| Refused::new("file", Fault::NotAskedFor))?;
        match self.step {
            Step::Root { promised: Some(promised) } if promised > self.trusted.root().version() => {
                self.end(wanted.name, Fault::Withheld { promised })
            }
            Step::Root { .. } => {
                self.step = Step::Timestamp;
                Ok(())
            }
            _ => self.end(wanted.name, Fault::Missing),
        }
    }

    /// Whoever was asked has nothing newer than the [known](Wanted::known) version: as if that had come again.
    ///
    /// # Errors
    ///
    /// [`Refused`] if no version of the file that is wanted is known.
    pub fn unchanged(&mut self) -> Result<(), Refused> {
        match self.wants() {
            Some(Wanted { known: Some(_), .. }) => {
                self.step = Step::Snapshot;
                self.skip_what_is_known()
            }
            Some(wanted) => self.end(wanted.name, Fault::Missing),
            None => Err(Refused::new("file", Fault::NotAskedFor)),
        }
    }

    /// What is believed so far: to be stored before more is fetched, or at the end.
    pub fn trusted(&self) -> &Trusted {
        &self.trusted
    }

    /// Ends the update, wherever it stands.
    pub fn finish(self) -> Trusted {
        self.trusted
    }

    /// Takes the file, and says which step follows. An error names a file of its own if another than this is at fault.
    fn accept(&mut self, bytes: &[u8]) -> Result<Step, (Option<String>, Fault)> {
        let here = |fault| (None, fault);
        match self.step {
            Step::Root { promised } => {
                if self.roots >= limit::ROOTS_OF_UPDATE {
                    return Err(here(Fault::TooManyRoots));
                }
                self.trusted.accept_root(bytes).map_err(here)?;
                self.roots = self.roots.saturating_add(1);
                Ok(Step::Root { promised })
            }
            Step::Timestamp => match self.trusted.accept_timestamp(bytes, self.now).map_err(here)? {
                Told::Newer | Told::Same => Ok(Step::Snapshot),
                Told::NewerRoot(promised) => Ok(Step::Root { promised: Some(promised) }),
            },
            Step::Snapshot => {
                let meta = self.trusted.wanted_snapshot().ok_or((None, Fault::NotAskedFor))?;
                self.trusted.accept_snapshot(&meta, bytes).map_err(here).map(|()| Step::Targets)
            }
            Step::Targets => {
                let meta = self.trusted.wanted_targets().ok_or((None, Fault::NotAskedFor))?;
                self.trusted.accept_targets(&meta, bytes).map_err(here).map(|()| Step::Files)
            }
            Step::Files => {
                let (name, meta) = self.wanted_file().ok_or((None, Fault::NotAskedFor))?;
                is_what_was_said(meta.length, &meta.hashes, bytes).map_err(here)?;
                self.files.insert(name, Arc::from(bytes));
                Ok(Step::Files)
            }
            Step::Done => Err(here(Fault::NotAskedFor)),
        }
    }

    /// Goes on to the next file that is not known already; completes the register when it has all.
    fn skip_what_is_known(&mut self) -> Result<(), Refused> {
        if self.step == Step::Snapshot && self.trusted.wanted_snapshot().is_none() {
            self.step = Step::Targets;
        }
        if self.step == Step::Targets && self.trusted.wanted_targets().is_none() {
            self.step = Step::Files;
        }
        if self.step != Step::Files {
            return Ok(());
        }
        if self.trusted.is_complete() {
            self.step = Step::Done;
            return Ok(());
        }
        self.keep_files();
        if self.wanted_file().is_some() {
            return Ok(());
        }
        match self.trusted.complete(std::mem::take(&mut self.files)) {
            Ok(()) => {
                self.trusted.observe(self.now);
                self.step = Step::Done;
                Ok(())
            }
            Err((file, fault)) => self.end(file, fault),
        }
    }

    /// Takes over the files of the last register that have not changed.
    fn keep_files(&mut self) {
        let (Some(current), Some(targets)) = (&self.trusted.current, &self.trusted.targets) else { return };
        for (name, meta) in &targets.document().targets {
            if current.targets.document().targets.get(name) == Some(meta)
                && let Some(bytes) = current.files.get(name)
            {
                self.files.entry(name.clone()).or_insert_with(|| Arc::clone(bytes));
            }
        }
    }

    /// The first target that is still missing; the revocations before all others.
    fn wanted_file(&self) -> Option<(TargetName, TargetMeta)> {
        let targets = &self.trusted.targets.as_ref()?.document().targets;
        let missing = |name: &TargetName| !self.files.contains_key(name);
        let revocations = targets.get_key_value(&TargetName::Revocations).filter(|(name, _)| missing(name));
        revocations.or_else(|| targets.iter().find(|(name, _)| missing(name))).map(|(name, meta)| (name.clone(), *meta))
    }

    fn next_root(&self) -> String {
        versioned(Role::Root, self.trusted.root().version().saturating_add(1))
    }

    fn end(&mut self, file: String, fault: Fault) -> Result<(), Refused> {
        self.step = Step::Done;
        Err(Refused::new(file, fault))
    }
}

fn document(role: Role, meta: &DocumentMeta) -> Wanted {
    Wanted::said(versioned(role, meta.version.get()), meta.length)
}

/// The name of a target on a mirror, which begins with its hash.
pub(crate) fn stored(name: &TargetName, meta: &TargetMeta) -> String {
    format!("{}.{name}", meta.hashes.hex())
}
