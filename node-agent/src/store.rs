//! The port to the local system.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use weald_policy::Permitted;
use weald_proto::{NhsNumber, Section, SectionState, Timestamp, UnavailableCause, wire};

/// A reading under way. Dropping it cancels it: that is how the deadline bounds a source.
pub type Reading<'a> = Pin<Box<dyn Future<Output = Result<Record, StoreError>> + Send + 'a>>;

/// A local system, read-only.
pub trait RecordStore: Send + Sync {
    /// Reads what the local system holds of the permitted patient, in the permitted sections and
    /// no others. One broken section is that section's state, not an error.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the local system cannot be read at all.
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a>;

    /// Whether the local system as a whole can be read now; nothing if that cannot be told. May block.
    fn is_readable(&self) -> Option<bool> {
        None
    }

    /// Sees what changes in the local system from now on; nothing for one of which nobody can see that. Without
    /// it no answer may be kept.
    fn watch(&self) -> Option<Box<dyn Watch>> {
        None
    }

    /// How many things in the local system cannot be used, as far as is known. May block.
    fn notices(&self) -> usize {
        0
    }
}

/// Sees what changes in a local system.
///
/// Between two looks a change may be missed by no means: what a reading after the first of them has given, and
/// is different by the second, is told by that. Too much may be told.
pub trait Watch: Send {
    /// What may have changed since the last look. Blocks. `now` is by the clock that files are stamped with.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when nobody can tell.
    fn look(&mut self, now: Timestamp) -> Result<Change, StoreError>;
}

/// What may have changed in a local system.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Nothing that could change an answer.
    Nothing,
    /// Answers about these people.
    People(BTreeSet<NhsNumber>),
    /// Any answer.
    Anything,
}

/// Prints nothing of whom it is about.
impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Change::Nothing => f.write_str("Nothing"),
            Change::People(people) => write!(f, "People({})", people.len()),
            Change::Anything => f.write_str("Anything"),
        }
    }
}

/// What a local system holds of one person.
#[derive(Debug)]
pub struct Record {
    /// How fresh the local system's data are.
    pub as_of: Timestamp,
    /// The person; none if the local system does not know the NHS number.
    pub person: Option<Person>,
}

/// A person as a local system knows them, before anything was redacted.
pub struct Person {
    /// Who the local system says this is (its `salt` is empty here).
    pub identity: wire::IdentityBlock,
    /// One reading for each permitted section.
    pub sections: BTreeMap<Section, SectionReading>,
    /// Records of this person that belong to no section, by kind.
    pub unmapped: BTreeMap<String, u32>,
    /// Records that were dropped because their subject is somebody else.
    pub dropped: u32,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Person({} sections)", self.sections.len())
    }
}

/// What a local system holds in one section, before anything was redacted.
pub struct SectionReading {
    /// `Present`, `AssertedNone`, `NoneRecorded`, `Withheld`, `InTransit`, `NotHeld`, `Unavailable` or `Stale`.
    pub state: SectionState,
    /// Why it is unavailable, if it is.
    pub cause: Option<UnavailableCause>,
    /// The items, in the source's order.
    pub items: Vec<wire::Item>,
}

/// Why a local system could not be read at all. Names files, tables and columns; never values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The local system, or its file, is missing or unreadable.
    #[error("the source {place} cannot be read: {problem}")]
    Unreadable {
        /// File, folder, table.
        place: String,
        /// What is wrong, and the remedy.
        problem: String,
    },
}

impl StoreError {
    /// A look that came to no end.
    pub(crate) fn unseen() -> Self {
        StoreError::Unreadable { place: "source".to_owned(), problem: "looking at it ended before it was done".into() }
    }
}
