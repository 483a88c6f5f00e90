//! A folder of FHIR R4 bundles as a local system.
//!
//! A bundle may hold several people, and a person may be in several bundles. People are known by an
//! NHS number on the Patient, or by a local identifier that a CSV file maps to one.

mod collect;
mod contents;
mod file;
mod folder;
mod identities;
mod index;
mod owner;
mod room;
mod watch;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use weald_policy::Permitted;
use weald_proto::{NhsNumber, Section};

use self::folder::Folder;
use self::watch::FolderWatch;
use super::cancel::blocking;
use super::notice::Notice;
use crate::store::{Reading, Record, RecordStore, StoreError, Watch};

/// A folder of FHIR R4 bundles: every `*.json` directly in it.
///
/// Bundles of type document, transaction, batch, collection or searchset are read; whatever else is
/// there is named by [`BundleFolder::notices`]. Each reading looks at the files' times and sizes first,
/// and reads again what changed. While a file cannot be read, or is an export in another form (XML, lines
/// of JSON, packed), no section of anybody is called empty or complete. While no file is a bundle that can
/// be read, nobody is called unknown: the reading is an error. What changed is read once, whoever asks
/// meanwhile; a reading that would have to wait for it too long says that those files could not be read.
/// A person is as fresh as the oldest of the files that hold them.
#[derive(Clone)]
pub struct BundleFolder(Arc<Folder>);

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
        Ok(BundleFolder(Arc::new(Folder::open(folder, identities)?)))
    }

    /// What could not be used when the folder was last looked at: files, rows, and counts of what is
    /// nobody's. Each names a place and a remedy, and no value.
    pub fn notices(&self) -> Vec<Notice> {
        self.0.notices()
    }

    pub(crate) async fn read_sections(
        &self,
        number: NhsNumber,
        sections: BTreeSet<Section>,
    ) -> Result<Record, StoreError> {
        let folder = Arc::clone(&self.0);
        blocking(self.0.place(), move |cancel| folder.read(&number, &sections, cancel)).await
    }
}

impl RecordStore for BundleFolder {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        let sections = permitted.permit().grants().keys().copied().collect();
        Box::pin(self.read_sections(permitted.patient().nhs_number.clone(), sections))
    }

    fn is_readable(&self) -> Option<bool> {
        Some(self.0.is_readable())
    }

    fn watch(&self) -> Option<Box<dyn Watch>> {
        Some(Box::new(FolderWatch::of(Arc::clone(&self.0))))
    }

    fn notices(&self) -> usize {
        BundleFolder::notices(self).len()
    }
}

impl std::fmt::Debug for BundleFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BundleFolder({})", self.0.place())
    }
}
