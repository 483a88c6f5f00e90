//! Seeing what changes in a folder.

use std::sync::Arc;

use weald_proto::Timestamp;

use super::folder::Folder;
use super::index::Index;
use crate::store::{Change, StoreError, Watch};

/// Compares the folder with what it was at the last look.
pub(crate) struct FolderWatch {
    folder: Arc<Folder>,
    before: Option<Arc<Index>>,
}

impl FolderWatch {
    /// Of that folder.
    pub(crate) fn of(folder: Arc<Folder>) -> Self {
        FolderWatch { folder, before: None }
    }
}

impl Watch for FolderWatch {
    fn look(&mut self, now: Timestamp) -> Result<Change, StoreError> {
        // After a look that saw nothing, anything may have happened.
        let before = self.before.take();
        let index = self.folder.survey()?;
        let change = before.map_or(Change::Anything, |before| index.change_since(&before, now));
        self.before = Some(index);
        Ok(change)
    }
}
