//! Who is in which file, kept up to date by looking at the files' stamps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use weald_proto::{NhsNumber, Section, Timestamp};

use super::contents::Contents;
use super::file::{self, Listing};
use super::identities::Identities;
use crate::source::fhir::bundle::NotReadable;
use crate::source::notice::Notice;
use crate::source::stamp::Stamp;
use crate::store::{Change, StoreError};

/// What a folder looks like from outside: names and stamps, before any file is opened.
pub(crate) struct Survey {
    listing: Listing,
    identities: Option<Stamp>,
}

impl Survey {
    /// Looks at a folder, and at the file of the identities, from outside.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the folder cannot be listed, or the identities are not there.
    pub(crate) fn of(folder: &Path, identities: Option<&Path>) -> Result<Survey, StoreError> {
        Ok(Survey { listing: file::list(folder, identities)?, identities: identities.map(stamp).transpose()? })
    }
}

/// What a folder held when it was last looked at.
pub(crate) struct Index {
    folder: PathBuf,
    identities: Arc<Identities>,
    identities_stamp: Option<Stamp>,
    files: BTreeMap<PathBuf, Arc<Indexed>>,
    others: BTreeSet<PathBuf>,
    folders: Vec<PathBuf>,
    /// True if some files are not read yet.
    is_unfinished: bool,
}

struct Indexed {
    stamp: Stamp,
    contents: Result<Contents, NotReadable>,
}

impl Index {
    /// Reads a folder for the first time, or again: only the files that changed since.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the identities cannot be read.
    pub(crate) fn read(
        folder: &Path,
        identities: Option<&Path>,
        survey: Survey,
        before: Option<&Index>,
    ) -> Result<Index, StoreError> {
        let same_identities = before.filter(|index| index.identities_stamp == survey.identities);
        let known = match (same_identities, identities) {
            (Some(index), _) => Arc::clone(&index.identities),
            (None, Some(path)) => Arc::new(Identities::read(path).map_err(unreadable)?),
            (None, None) => Arc::default(),
        };
        let read = |path: &Path, stamp: Stamp| Indexed::of(path, stamp, &known);
        Ok(Index {
            folder: folder.to_owned(),
            files: files(survey.listing.files, same_identities, read),
            identities: Arc::clone(&known),
            identities_stamp: survey.identities,
            others: survey.listing.others,
            folders: survey.listing.folders,
            is_unfinished: false,
        })
    }

    /// What is known of a folder while somebody else reads what changed: of those files nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the identities changed, because then nobody can tell who is in any file.
    pub(crate) fn unfinished(&self, survey: Survey, identities: Option<&Path>) -> Result<Index, StoreError> {
        if let (true, Some(path)) = (self.identities_stamp != survey.identities, identities) {
            return Err(unreadable(Notice::new(place(path), BEING_READ)));
        }
        let pending = |_: &Path, stamp: Stamp| Indexed { stamp, contents: Err(NotReadable(BEING_READ.to_owned())) };
        Ok(Index {
            folder: self.folder.clone(),
            files: files(survey.listing.files, Some(self), pending),
            identities: Arc::clone(&self.identities),
            identities_stamp: self.identities_stamp,
            others: survey.listing.others,
            folders: survey.listing.folders,
            is_unfinished: true,
        })
    }

    /// True if nothing in the folder changed since.
    pub(crate) fn is_of(&self, survey: &Survey) -> bool {
        let Survey { listing, identities } = survey;
        let stamps = self.files.iter().map(|(path, indexed)| (path, &indexed.stamp));
        stamps.eq(listing.files.iter())
            && self.others == listing.others
            && self.folders == listing.folders
            && self.identities_stamp == *identities
    }

    /// Answers about whom may differ from those of an index before this, or from those that were given since.
    /// `now` is by the clock that files are stamped with.
    pub(crate) fn change_since(&self, before: &Index, now: Timestamp) -> Change {
        let is_near = |stamp: &Stamp| stamp.is_near(now);
        let concerns_all = self.identities_stamp != before.identities_stamp
            || self.identities_stamp.as_ref().is_some_and(is_near)
            || self.others != before.others
            || self.folders != before.folders
            || self.is_unfinished
            || before.is_unfinished
            || self.holds_bundle() != before.holds_bundle();
        if concerns_all {
            return Change::Anything;
        }
        let mut people = BTreeSet::new();
        for path in self.files.keys().chain(before.files.keys()) {
            let (now_there, there_before) = (self.files.get(path), before.files.get(path));
            let stamp = now_there.map(|indexed| indexed.stamp);
            if stamp == there_before.map(|indexed| indexed.stamp) && !stamp.as_ref().is_some_and(is_near) {
                continue;
            }
            for indexed in now_there.into_iter().chain(there_before) {
                match &indexed.contents {
                    Ok(contents) if contents.concerns_only_its_people() => {
                        people.extend(contents.people.iter().chain(&contents.contested).cloned());
                    }
                    _ => return Change::Anything,
                }
            }
        }
        if people.is_empty() { Change::Nothing } else { Change::People(people) }
    }

    /// The local system's own index of people.
    pub(crate) fn identities(&self) -> &Identities {
        &self.identities
    }

    /// The files that hold something of a person, in order of their names.
    pub(crate) fn files_of(&self, number: &NhsNumber) -> Vec<&Path> {
        let holds =
            |indexed: &Indexed| indexed.contents.as_ref().is_ok_and(|contents| contents.people.contains(number));
        self.files.iter().filter(|(_, indexed)| holds(indexed)).map(|(path, _)| path.as_path()).collect()
    }

    /// Why it cannot be said that something of a person is in no other file, if it cannot.
    pub(crate) fn doubt(&self, number: &NhsNumber) -> Option<Notice> {
        let contests = |indexed: &Indexed| match &indexed.contents {
            Err(problem) => Some(problem.to_string()),
            Ok(Contents { unreadable_patient: Some(path), .. }) => Some(format!("{path} {MISFIT}")),
            Ok(contents) if contents.is_partial => Some(PARTIAL.to_owned()),
            Ok(contents) if self.lacks_next_page(contents) => Some(NO_NEXT_PAGE.to_owned()),
            Ok(contents) if contents.contested.contains(number) => Some(CONTESTED.to_owned()),
            Ok(_) => None,
        };
        let of_files = self.files.iter().find_map(|(path, file)| Some(Notice::new(place(path), contests(file)?)));
        let of_others = || self.others.iter().find(|path| file::is_other_export(path)).map(|path| not_read(path));
        let of_identities = || self.identities.notices.first().cloned();
        let none = (!self.holds_bundle() && !self.is_unfinished).then(|| self.no_bundle());
        none.or(of_files).or_else(of_others).or_else(of_identities)
    }

    /// True if a file is a bundle that can be read. If none is, this is the wrong folder, or one that was
    /// emptied: not one of a local system that knows nobody.
    pub(crate) fn holds_bundle(&self) -> bool {
        self.files.values().any(|indexed| indexed.contents.is_ok())
    }

    /// What is said of a folder in which no file is a bundle that can be read.
    pub(crate) fn no_bundle(&self) -> Notice {
        let first = self.unread().next().map(|notice| format!("; {notice}")).unwrap_or_default();
        Notice::new(place(&self.folder), format!("{NO_BUNDLE}{first}"))
    }

    /// Sections that hold something of which nobody can tell whose it is.
    pub(crate) fn doubtful_sections(&self) -> BTreeSet<Section> {
        let contents = self.files.values().filter_map(|indexed| indexed.contents.as_ref().ok());
        contents.flat_map(|contents| contents.doubtful.iter().copied()).collect()
    }

    /// What a file looked like when it was read.
    pub(crate) fn stamp(&self, path: &Path) -> Option<Stamp> {
        self.files.get(path).map(|indexed| indexed.stamp)
    }

    /// When a file was last written; of the newest file, if none is named.
    pub(crate) fn modified(&self, path: Option<&Path>) -> Option<Timestamp> {
        match path {
            Some(path) => self.files.get(path).map(|indexed| indexed.stamp.modified()),
            None => self.files.values().map(|indexed| indexed.stamp.modified()).max(),
        }
    }

    /// Everything that could not be used.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let of_files = self.files.iter().flat_map(|(path, indexed)| indexed.notices(&place(path)));
        let of_pages = self.files.iter().filter_map(|(path, indexed)| {
            let contents = indexed.contents.as_ref().ok()?;
            self.lacks_next_page(contents).then(|| Notice::new(place(path), NO_NEXT_PAGE))
        });
        let none = (!self.holds_bundle()).then(|| Notice::new(place(&self.folder), NO_BUNDLE));
        none.into_iter()
            .chain(of_files)
            .chain(of_pages)
            .chain(self.not_bundles())
            .chain(self.identities.notices.iter().cloned())
            .collect()
    }

    /// Everything in the folder of which nothing was read.
    fn unread(&self) -> impl Iterator<Item = Notice> {
        let broken = self.files.iter().filter_map(|(path, indexed)| {
            let problem = indexed.contents.as_ref().err()?;
            Some(Notice::new(place(path), problem.to_string()))
        });
        broken.chain(self.not_bundles())
    }

    /// What does not even have the name of a bundle.
    fn not_bundles(&self) -> impl Iterator<Item = Notice> {
        let folders = self.folders.iter().map(|path| Notice::new(place(path), "is a folder: put its files beside it"));
        self.others.iter().map(|path| not_read(path)).chain(folders)
    }

    /// True for a page of a search whose next page is in no file: what follows was not fetched.
    fn lacks_next_page(&self, contents: &Contents) -> bool {
        let mut all = self.files.values().filter_map(|indexed| indexed.contents.as_ref().ok());
        !contents.next_page.is_empty() && !all.any(|other| other.own_page == contents.next_page)
    }
}

/// The files of a listing: those that did not change as they were known, the others by `read`.
fn files(
    listed: BTreeMap<PathBuf, Stamp>,
    before: Option<&Index>,
    read: impl Fn(&Path, Stamp) -> Indexed,
) -> BTreeMap<PathBuf, Arc<Indexed>> {
    let look_at = |(path, stamp): (PathBuf, Stamp)| {
        let unchanged = before.and_then(|index| index.files.get(&path)).filter(|file| file.stamp == stamp);
        let indexed = unchanged.map(Arc::clone).unwrap_or_else(|| Arc::new(read(&path, stamp)));
        (path, indexed)
    };
    listed.into_iter().map(look_at).collect()
}

const BEING_READ: &str = "has changed and is being read: wait for the next view, and keep files small";
const MISFIT: &str = "is not of the type that FHIR R4 gives it, and nothing can be told of that resource: correct it";
/// So many of them are named for each file.
const MISFITS: usize = 3;
const PARTIAL: &str = "holds the answer of a search that failed in part: search again";
const NO_NEXT_PAGE: &str = "is a page of a search, and no file is the page after it: fetch all pages";
const CONTESTED: &str =
    "holds a Patient whose identifiers or birth date contradict each other: correct the Patient or the identities";

const NO_BUNDLE: &str = "no file in it is a bundle that can be read: name the folder of the FHIR R4 JSON bundles, \
    or put one there (one without entries if nobody is known)";
const OTHER_EXPORT: &str = "is not a .json file: only FHIR R4 JSON bundles are read; \
    it may hold anybody, so nothing counts as none while it is there: export it as a .json bundle, or move it away";
const OTHER_FILE: &str = "is not a .json file: only FHIR R4 JSON bundles are read: \
    name it .json if it is one, else move it away";

impl Indexed {
    fn of(path: &Path, stamp: Stamp, identities: &Identities) -> Indexed {
        match file::load(path) {
            Ok(loaded) => Indexed { stamp: loaded.stamp, contents: Ok(Contents::of(&loaded.bundle, identities)) },
            Err(problem) => Indexed { stamp, contents: Err(problem) },
        }
    }

    fn notices(&self, place: &str) -> Vec<Notice> {
        let contents = match &self.contents {
            Ok(contents) => contents,
            Err(problem) => return vec![Notice::new(place, problem.to_string())],
        };
        let counted =
            |count: usize, problem: &str| (count > 0).then(|| Notice::new(place, format!("{count} {problem}")));
        let misfits = contents.misfits.iter().take(MISFITS).map(|path| Notice::new(place, format!("{path} {MISFIT}")));
        let further =
            counted(contents.misfits.len().saturating_sub(MISFITS), "more of its elements are not of their type");
        let partial = contents.is_partial.then(|| Notice::new(place, PARTIAL));
        let contested = (!contents.contested.is_empty()).then(|| Notice::new(place, CONTESTED));
        let unknown = counted(contents.unknown_patients, "of its Patients have no NHS number that may be used");
        let orphans = counted(contents.orphans, "of its resources have a subject that the bundle does not hold");
        misfits.chain([further, partial, contested, unknown, orphans].into_iter().flatten()).collect()
    }
}

fn not_read(path: &Path) -> Notice {
    Notice::new(place(path), if file::is_other_export(path) { OTHER_EXPORT } else { OTHER_FILE })
}

fn stamp(path: &Path) -> Result<Stamp, StoreError> {
    Stamp::of(path).map_err(|error| unreadable(Notice::new(place(path), error.kind().to_string())))
}

/// The error of a place that must be readable and is not.
pub(crate) fn unreadable(notice: Notice) -> StoreError {
    StoreError::Unreadable { place: notice.place, problem: notice.problem }
}

fn place(path: &Path) -> String {
    path.display().to_string()
}
