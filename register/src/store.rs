//! What is believed, on disk: one folder, written so that a crash at any moment leaves what was there before or what
//! was to be there, and verified in full when it is read.
//!
//! The folder holds `state` (roots, the newest documents, and which register is complete), the targets of that register
//! under their names on a mirror, `floor` (how far `state` had come, so that an older one put back in its place is
//! noticed), and `lock`. Nothing in it is secret.

mod disk;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weald_proto::FederationName;

use crate::refused::{Fault, Refused};
use crate::trusted::Trusted;
use crate::update::stored;

use disk::Step;
use state::{FloorFile, StateFile};

const STATE: &str = "state";
const FLOOR: &str = "floor";
const LOCK: &str = "lock";
/// What ends the name of a file that is still being written.
const PART: &str = ".part";

/// A folder that keeps what is believed. One process has it at a time.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// How often it has been saved.
    sequence: u64,
    /// The targets that are there and were verified, by file name.
    targets: BTreeSet<String>,
    _lock: File,
}

impl Store {
    /// Opens the folder, which is made if it does not exist, and verifies all that is in it against the root of the
    /// configuration. In an empty folder everything begins with that root.
    ///
    /// # Errors
    ///
    /// [`StoreError`], which names the file and what to do. Nothing is begun anew by itself: what is damaged, missing in
    /// part, older than it was, or of another federation is refused.
    pub fn open(folder: &Path, federation: &FederationName, root: &[u8]) -> Result<(Self, Trusted), StoreError> {
        let begun = Trusted::begin(federation, root)?;
        std::fs::create_dir_all(folder).map_err(|source| StoreError::file(folder, source))?;
        let lock = lock(folder)?;
        disk::remove_parts(folder)?;
        let mut store = Store { folder: folder.to_owned(), sequence: 0, targets: BTreeSet::new(), _lock: lock };
        let floor = store.read(FLOOR)?.map(|bytes| FloorFile::read(&bytes)).transpose();
        let floor = floor.map_err(|reason| store.damaged(FLOOR, &reason))?;
        let Some(bytes) = store.read(STATE)? else {
            return match floor {
                Some(_) => Err(store.damaged(STATE, "it is missing")),
                None => Ok((store, begun)),
            };
        };
        let state = StateFile::read(&bytes).map_err(|reason| store.damaged(STATE, &reason))?;
        if floor.is_some_and(|floor| state.sequence < floor.sequence) {
            return Err(StoreError::Older { path: folder.join(STATE), folder: folder.to_owned() });
        }
        store.sequence = state.sequence;
        let trusted = store.load(&state, begun)?;
        Ok((store, trusted))
    }

    /// Writes what is believed. Returns when it is on the disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`]: what was there before is still there, or all that was to be.
    pub fn save(&mut self, trusted: &Trusted) -> Result<(), StoreError> {
        let sequence = self.sequence.saturating_add(1);
        let (steps, targets) = self.plan(trusted, sequence)?;
        for step in &steps {
            disk::perform(&self.folder, step)?;
        }
        self.sequence = sequence;
        disk::remove_others(&self.folder, &targets);
        self.targets = targets;
        Ok(())
    }

    /// The steps that a save takes, and the targets that are there afterwards.
    fn plan(&self, trusted: &Trusted, sequence: u64) -> Result<(Vec<Step>, BTreeSet<String>), StoreError> {
        let mut steps = Vec::new();
        let mut targets = BTreeSet::new();
        if let Some(current) = &trusted.current {
            for (name, meta) in &current.targets.document().targets {
                let file = stored(name, meta);
                if !self.targets.contains(&file)
                    && let Some(bytes) = current.files.get(name)
                {
                    steps.extend(Step::put(&file, Arc::clone(bytes)));
                }
                targets.insert(file);
            }
        }
        steps.push(Step::SyncFolder);
        let unwritable = |reason: String| self.damaged(STATE, &reason);
        let state = StateFile::of(trusted, sequence).and_then(|state| state.write()).map_err(unwritable)?;
        steps.extend(Step::put(STATE, Arc::from(state)));
        steps.push(Step::SyncFolder);
        let floor = FloorFile { sequence }.write().map_err(unwritable)?;
        steps.extend(Step::put(FLOOR, Arc::from(floor)));
        steps.push(Step::SyncFolder);
        Ok((steps, targets))
    }

    /// Verifies a state, from the root of the configuration to the last target.
    fn load(&mut self, state: &StateFile, begun: Trusted) -> Result<Trusted, StoreError> {
        let path = || self.folder.join(STATE);
        let refused = |fault: Fault| self.damaged(STATE, &fault.to_string());
        let mut trusted = state.roots(begun).map_err(|fault| match fault {
            state::RootsFault::Foreign => StoreError::OtherRoot { path: path(), folder: self.folder.clone() },
            state::RootsFault::Later { given, begins } => StoreError::EarlierRoot { path: path(), given, begins },
            state::RootsFault::Refused(fault) => refused(fault),
        })?;
        let Some(complete) = state.documents(&mut trusted).map_err(refused)? else { return Ok(trusted) };
        let mut files = BTreeMap::new();
        let mut names = BTreeSet::new();
        for (name, meta) in complete.metas() {
            let file = stored(name, meta);
            let bytes = self.read(&file)?.ok_or_else(|| self.damaged(&file, "it is missing"))?;
            files.insert(name.clone(), (file.clone(), Arc::<[u8]>::from(bytes)));
            names.insert(file);
        }
        let on_disk: BTreeMap<String, String> =
            files.iter().map(|(name, (file, _))| (name.to_string(), file.clone())).collect();
        let files = files.into_iter().map(|(name, (_, bytes))| (name, bytes)).collect();
        complete.verify(&mut trusted, files).map_err(|(name, fault)| {
            self.damaged(on_disk.get(&name).map_or(STATE, String::as_str), &fault.to_string())
        })?;
        self.targets = names;
        Ok(trusted)
    }

    /// A file of the folder, if it is there.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.folder.join(name);
        disk::read(&path).map_err(|fault| match fault {
            disk::ReadFault::TooLong => self.damaged(name, "it is longer than such a file can be"),
            disk::ReadFault::Io(source) => StoreError::file(&path, source),
        })
    }

    fn damaged(&self, name: &str, reason: &str) -> StoreError {
        let (path, reason) = (self.folder.join(name), reason.to_owned());
        StoreError::Damaged { path, reason, folder: self.folder.clone() }
    }
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK);
    let lock = File::create(&path).map_err(|source| StoreError::file(&path, source))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::file(&path, source)),
    }
}

/// Why what is on the disk is not believed, or cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("cannot read or write `{}`: look at its permissions, and whether the disk is full", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another process has the folder.
    #[error("`{}` is in use by another process: give each a folder of its own", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The root of the configuration does not hold.
    #[error("the root in the configuration does not hold")]
    Root(#[from] Refused),
    /// A file is not as it was written.
    #[error(
        "`{}` is damaged: {reason}. Restore the whole folder, or remove `{}` to begin again from the root in the configuration",
        path.display(), folder.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// The folder.
        folder: PathBuf,
    },
    /// The state is an older one than the last that was written.
    #[error(
        "`{}` is older than the last that was written: it was put back. Find out by whom; then remove `{}` to begin again from the root in the configuration",
        path.display(), folder.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The state does not begin with the root of the configuration.
    #[error(
        "`{}` goes back to another root than the one in the configuration: it is another federation's, or the wrong root is configured. Correct the configuration, or remove `{}`",
        path.display(), folder.display()
    )]
    OtherRoot {
        /// The file.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// The configuration gives an earlier root than the one that the state begins with.
    #[error("`{}` begins with root version {begins}, and version {given} is configured: configure version {begins} or a newer one", path.display())]
    EarlierRoot {
        /// The file.
        path: PathBuf,
        /// The version that is configured.
        given: u64,
        /// The version that the state begins with.
        begins: u64,
    },
}

impl StoreError {
    fn file(path: &Path, source: std::io::Error) -> Self {
        StoreError::File { path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod crash;
