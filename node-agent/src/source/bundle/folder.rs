//! One folder while it is read: one thread at a time finds out what changed, and nobody waits for it for long.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weald_proto::{NhsNumber, Section, Timestamp};

use super::collect::{self, Collection};
use super::file;
use super::index::{Index, Survey, unreadable};
use super::room::Room;
use crate::source::cancel::Cancel;
use crate::source::notice::Notice;
use crate::store::{Record, StoreError};

/// How many steps a reading waits for what changed to be read; after that it says what it knows.
const STEPS: usize = 50;
/// The same, for whoever looks what has changed.
const FEW_STEPS: usize = 5;
/// How often it looks whether it is still wanted.
const STEP: Duration = Duration::from_millis(20);
/// How often a reading begins again because a file changed under it.
const ATTEMPTS: usize = 3;

/// A folder of bundles, and what is known of it.
pub(crate) struct Folder {
    path: PathBuf,
    identities: Option<PathBuf>,
    known: Mutex<Known>,
    changed: Condvar,
    room: Room,
}

struct Known {
    index: Arc<Index>,
    /// True while a thread reads what changed.
    is_read: bool,
    /// Why the folder as a whole could not be read when that was last tried.
    trouble: Option<Notice>,
}

impl Folder {
    /// Reads a folder for the first time. Blocks.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the folder cannot be listed, no file is a bundle that can be read, or the
    /// identities cannot be read.
    pub(crate) fn open(path: &Path, identities: Option<&Path>) -> Result<Folder, StoreError> {
        let index = Index::read(path, identities, Survey::of(path, identities)?, None)?;
        if !index.holds_bundle() {
            return Err(unreadable(index.no_bundle()));
        }
        log(&index);
        let known = Known { index: Arc::new(index), is_read: false, trouble: None };
        Ok(Folder {
            path: path.to_owned(),
            identities: identities.map(Path::to_owned),
            known: Mutex::new(known),
            changed: Condvar::new(),
            room: Room::default(),
        })
    }

    /// The folder's name.
    pub(crate) fn place(&self) -> String {
        self.path.display().to_string()
    }

    /// Everything that could not be used when the folder was last looked at.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let known = self.lock();
        known.trouble.iter().cloned().chain(known.index.notices()).collect()
    }

    /// True if the folder can be listed, and what is in it could be read when that was last tried. Blocks.
    pub(crate) fn is_readable(&self) -> bool {
        let Ok(survey) = Survey::of(&self.path, self.identities.as_deref()) else { return false };
        let known = self.lock();
        known.index.holds_bundle() && (known.trouble.is_none() || known.index.is_of(&survey))
    }

    /// Reads a person, and says so if a file changes under the reading and does not stop to.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when nothing can be said of the person.
    pub(crate) fn read(
        self: &Arc<Self>,
        number: &NhsNumber,
        wanted: &BTreeSet<Section>,
        cancel: &Cancel,
    ) -> Result<Record, StoreError> {
        let mut attempt = 1;
        loop {
            let index = self.look(STEPS, cancel)?;
            let (read, changed) = self.collect(&index, number, wanted, cancel);
            if !changed || attempt == ATTEMPTS {
                return read;
            }
            attempt += 1;
        }
    }

    /// The index of the folder as it is now, for whoever looks what has changed: does not wait long.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the folder cannot be listed, or nothing can be said of anybody.
    pub(crate) fn survey(self: &Arc<Self>) -> Result<Arc<Index>, StoreError> {
        self.look(FEW_STEPS, &Cancel::default())
    }

    /// What the files of the index hold of a person, and true if one of them changed since.
    fn collect(
        &self,
        index: &Index,
        number: &NhsNumber,
        wanted: &BTreeSet<Section>,
        cancel: &Cancel,
    ) -> (Result<Record, StoreError>, bool) {
        let files = index.files_of(number);
        let doubt = index.doubt(number);
        if files.is_empty() {
            let nobody = match doubt {
                Some(notice) => Err(unreadable(notice)),
                None => newest(index).map(|as_of| Record { as_of, person: None }),
            };
            return (nobody, false);
        }
        let mut collection = Collection::of(number, wanted, index.identities());
        collection.doubt(index.doubtful_sections());
        if doubt.is_some() {
            collection.doubt(Section::ALL.iter().copied());
        }
        let (mut as_of, mut broken, mut changed) = (None, None, false);
        for path in files {
            let place = path.display().to_string();
            let stamp = index.stamp(path);
            let room = self.room.take(stamp.map_or(0, |stamp| stamp.bytes()), cancel);
            if room.is_none() || cancel.is_cancelled() {
                return (Err(unreadable(Notice::new(place, "not in time"))), false);
            }
            match file::load(path).and_then(|loaded| loaded.if_still(stamp)) {
                Ok(bundle) => {
                    let of_file = collect::as_of(&bundle).or_else(|| index.modified(Some(path)));
                    as_of = as_of.into_iter().chain(of_file).min();
                    collection.add(&bundle);
                }
                // It was well when the index was made.
                Err(problem) => {
                    collection.doubt(Section::ALL.iter().copied());
                    changed = true;
                    broken = Some(unreadable(Notice::new(place, problem.to_string())));
                }
            }
        }
        if let (None, Some(error)) = (as_of, broken) {
            return (Err(error), changed);
        }
        let as_of = as_of.map_or_else(|| newest(index), Ok);
        (as_of.map(|as_of| Record { as_of, person: Some(collection.into_person()) }), changed)
    }

    /// The index of the folder as it is now; while what changed is read, and that takes long, an index
    /// in which those files could not be read.
    fn look(self: &Arc<Self>, most: usize, cancel: &Cancel) -> Result<Arc<Index>, StoreError> {
        let mut steps = 0;
        loop {
            let survey = Survey::of(&self.path, self.identities.as_deref()).inspect_err(|error| self.trouble(error))?;
            let mut known = self.lock();
            if known.index.is_of(&survey) {
                known.trouble = None;
                return Ok(Arc::clone(&known.index));
            }
            if !known.is_read {
                self.begin(&mut known)?;
            }
            while known.is_read && steps < most && !cancel.is_cancelled() {
                (known, _) = self.changed.wait_timeout(known, STEP).unwrap_or_else(PoisonError::into_inner);
                steps += 1;
            }
            if known.is_read || steps >= most {
                return known.index.unfinished(survey, self.identities.as_deref()).map(Arc::new);
            }
            if let Some(trouble) = &known.trouble {
                return Err(unreadable(trouble.clone()));
            }
        }
    }

    /// Begins to read what changed, in a thread of its own: the next reading wants it even if this one
    /// is given up.
    fn begin(self: &Arc<Self>, known: &mut Known) -> Result<(), StoreError> {
        let (folder, before) = (Arc::clone(self), Arc::clone(&known.index));
        let thread = std::thread::Builder::new().name("bundles".to_owned()).spawn(move || folder.reread(&before));
        let _runs_by_itself = thread.map_err(|error| {
            unreadable(Notice::new(self.place(), format!("no thread can be started to read it: {}", error.kind())))
        })?;
        known.is_read = true;
        known.trouble = None;
        Ok(())
    }

    fn reread(&self, before: &Index) {
        let _done = Done(self);
        let identities = self.identities.as_deref();
        let read = Survey::of(&self.path, identities)
            .and_then(|survey| Index::read(&self.path, identities, survey, Some(before)));
        match read {
            Ok(index) => {
                log(&index);
                self.lock().index = Arc::new(index);
            }
            Err(error) => self.trouble(&error),
        }
    }

    fn trouble(&self, error: &StoreError) {
        let StoreError::Unreadable { place, problem } = error;
        self.lock().trouble = Some(Notice::new(place.clone(), problem.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says that what changed is read, or that reading it failed, however that ended.
struct Done<'a>(&'a Folder);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.lock().is_read = false;
        self.0.changed.notify_all();
    }
}

/// When the newest bundle was written: a folder without any is as fresh as nothing, and says nothing.
fn newest(index: &Index) -> Result<Timestamp, StoreError> {
    index.modified(None).ok_or_else(|| unreadable(index.no_bundle()))
}

fn log(index: &Index) {
    for notice in index.notices() {
        tracing::warn!(place = %notice.place, problem = %notice.problem, "part of a bundle folder is not used");
    }
}
