//! A folder of FHIR R4 bundles as a local system.
//!
//! A bundle may hold several people, and a person may be in several bundles. People are known by an
//! NHS number on the Patient, or by a local identifier that a CSV file maps to one.

mod collect;
mod file;
mod identities;
mod index;
mod owner;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use weald_policy::Permitted;
use weald_proto::{NhsNumber, Section, Timestamp};

use self::collect::Collection;
use self::index::{Index, unreadable};
use super::cancel::{Cancel, blocking};
use super::notice::Notice;
use crate::store::{Reading, Record, RecordStore, StoreError};

/// A folder of FHIR R4 bundles: every `*.json` directly in it.
///
/// Bundles of type document, transaction, batch, collection or searchset are read; whatever else is
/// there is named by [`BundleFolder::notices`]. Each reading looks at the files' times and sizes first,
/// and reads again what changed. While a file cannot be read, or is an export in another form (XML, lines
/// of JSON, packed), no section of anybody is called empty or complete. While no file is a bundle that can
/// be read, nobody is called unknown: the reading is an error. A person is as fresh as the oldest of the files that hold them.
#[derive(Clone)]
pub struct BundleFolder(Arc<Folder>);

struct Folder {
    path: PathBuf,
    identities: Option<PathBuf>,
    index: Mutex<Arc<Index>>,
}

impl BundleFolder {
    /// Opens a folder and finds out who is in it. `identities` is a CSV file with the header
    /// `system,value,nhs_number,birth_date`; without it people are known by their NHS numbers only.
    /// Blocks: it reads every file.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the folder cannot be listed, when no file in it is a bundle that can be read, or
    /// when the CSV file cannot be read or has another header. Other files and rows that cannot be used are
    /// no error but notices.
    pub fn open(folder: &Path, identities: Option<&Path>) -> Result<BundleFolder, StoreError> {
        let index = Index::look(folder, identities, None)?;
        log(&index);
        if !index.holds_bundle() {
            return Err(unreadable(index.no_bundle()));
        }
        Ok(BundleFolder(Arc::new(Folder {
            path: folder.to_owned(),
            identities: identities.map(Path::to_owned),
            index: Mutex::new(index),
        })))
    }

    /// What could not be used when the folder was last looked at: files, rows, and counts of what is
    /// nobody's. Each names a place and a remedy, and no value.
    pub fn notices(&self) -> Vec<Notice> {
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner).notices()
    }

    pub(crate) async fn read_sections(
        &self,
        number: NhsNumber,
        sections: BTreeSet<Section>,
    ) -> Result<Record, StoreError> {
        let folder = Arc::clone(&self.0);
        blocking(self.place(), move |cancel| folder.read(&number, &sections, cancel)).await
    }

    fn place(&self) -> String {
        self.0.path.display().to_string()
    }
}

impl RecordStore for BundleFolder {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        let sections = permitted.permit().grants().keys().copied().collect();
        Box::pin(self.read_sections(permitted.patient().nhs_number.clone(), sections))
    }

    fn notices(&self) -> usize {
        BundleFolder::notices(self).len()
    }
}

impl std::fmt::Debug for BundleFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BundleFolder({})", self.place())
    }
}

impl Folder {
    fn read(&self, number: &NhsNumber, wanted: &BTreeSet<Section>, cancel: &Cancel) -> Result<Record, StoreError> {
        let index = self.look()?;
        let files = index.files_of(number);
        let doubt = index.doubt(number);
        if files.is_empty() {
            return match doubt {
                Some(notice) => Err(unreadable(notice)),
                None => Ok(Record { as_of: newest(&index)?, person: None }),
            };
        }
        let mut collection = Collection::of(number, wanted, index.identities());
        collection.doubt(index.doubtful_sections());
        if doubt.is_some() {
            collection.doubt(Section::ALL.iter().copied());
        }
        let mut as_of = None;
        let mut broken = None;
        for path in files {
            if cancel.is_cancelled() {
                return Err(StoreError::Unreadable {
                    place: path.display().to_string(),
                    problem: "not in time".to_owned(),
                });
            }
            match file::load(path) {
                Ok(bundle) => {
                    let of_file = collect::as_of(&bundle).or_else(|| index.modified(Some(path)));
                    as_of = as_of.into_iter().chain(of_file).min();
                    collection.add(&bundle);
                }
                // It was well when it was indexed, and is being written just now.
                Err(problem) => {
                    collection.doubt(Section::ALL.iter().copied());
                    broken = Some(StoreError::Unreadable {
                        place: path.display().to_string(),
                        problem: problem.to_string(),
                    });
                }
            }
        }
        if let (None, Some(error)) = (as_of, broken) {
            return Err(error);
        }
        let as_of = as_of.map_or_else(|| newest(&index), Ok)?;
        Ok(Record { as_of, person: Some(collection.into_person()) })
    }

    fn look(&self) -> Result<Arc<Index>, StoreError> {
        let before = Arc::clone(&self.index.lock().unwrap_or_else(PoisonError::into_inner));
        // Others go on reading what has not changed while this parses what has.
        let index = Index::look(&self.path, self.identities.as_deref(), Some(&before))?;
        if !Arc::ptr_eq(&index, &before) {
            log(&index);
            let mut current = self.index.lock().unwrap_or_else(PoisonError::into_inner);
            // Whoever looked at the same time and was quicker may have seen something newer.
            if Arc::ptr_eq(&current, &before) {
                *current = Arc::clone(&index);
            }
        }
        Ok(index)
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
