//! A practice that is well and a hospital whose input breaks, and what a doctor and the hospital's staff see of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use weald_node::RecordStore;
use weald_node::source::{BundleFolder, Notice, SqliteDatabase};
use weald_proto::env::Env;
use weald_proto::{
    JobRole, OdsCode, OrganisationKind, Outcome, RelationshipKind, RolledState, Section, SectionState, UnavailableCause,
};
use weald_tests::federation::{AssertionDraft, Federation, MemberSpec, Source};
use weald_tests::silence::{Channel, Recorder};
use weald_viewer::{SectionView, View};

use crate::record::{BORN, FAMILY, NUMBER, WORDS, of_person, person};

/// The sections that the hospital holds.
pub(crate) const HELD: [Section; 3] = [Section::Allergies, Section::Conditions, Section::Procedures];
/// The condition that the practice tells of in every view.
const OF_PRACTICE: &str = "Condition/practice";
/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often what is waited for is looked at.
const STEP: Duration = Duration::from_millis(20);

/// Everything that this process writes.
static RECORDER: LazyLock<Recorder> = LazyLock::new(|| Recorder::beside_the_watch().expect("nobody else listens"));

/// What was written until now.
static WRITTEN: Mutex<String> = Mutex::new(String::new());

pub(crate) struct World {
    federation: Federation,
    notices: Box<dyn Fn() -> Vec<Notice> + Send + Sync>,
    home: TempDir,
}

fn practice() -> OdsCode {
    OdsCode::parse("G99001").unwrap()
}

fn hospital() -> OdsCode {
    OdsCode::parse("RVV").unwrap()
}

fn member(organisation: OdsCode, kind: OrganisationKind, store: Arc<dyn RecordStore>) -> MemberSpec {
    MemberSpec {
        name: organisation.to_string(),
        organisation,
        kind,
        sections: BTreeSet::from(HELD),
        source: Source::Store(store),
        cache_seconds: 0,
        local_policies: None,
    }
}

impl World {
    /// The hospital reads bundles from [`World::folder`], where these files lie.
    pub(crate) async fn of_bundles(files: &[(&str, String)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("hospital");
        std::fs::create_dir(&own).unwrap();
        for (name, text) in files {
            std::fs::write(own.join(name), text).unwrap();
        }
        let store = BundleFolder::open(&own, None).unwrap();
        let own_store = store.clone();
        World::of(home, Arc::new(store), Box::new(move || own_store.notices())).await
    }

    /// The hospital reads the database `ehr.sqlite` in [`World::folder`], made by `schema`.
    pub(crate) async fn of_database(schema: &str, mapping: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let own = home.path().join("hospital");
        std::fs::create_dir(&own).unwrap();
        let (database, declared) = (own.join("ehr.sqlite"), own.join("mapping.toml"));
        rusqlite::Connection::open(&database).unwrap().execute_batch(schema).unwrap();
        std::fs::write(&declared, mapping).unwrap();
        let store = SqliteDatabase::open(&database, &declared).unwrap();
        let own_store = store.clone();
        World::of(home, Arc::new(store), Box::new(move || own_store.notices())).await
    }

    async fn of(
        home: TempDir,
        store: Arc<dyn RecordStore>,
        notices: Box<dyn Fn() -> Vec<Notice> + Send + Sync>,
    ) -> Self {
        LazyLock::force(&RECORDER);
        let well = home.path().join("practice");
        std::fs::create_dir(&well).unwrap();
        std::fs::write(well.join("a.json"), of_person("practice")).unwrap();
        let of_practice = Arc::new(BundleFolder::open(&well, None).unwrap());
        let federation = Federation::builder(home.path(), Env::system())
            .member(member(practice(), OrganisationKind::GpPractice, of_practice))
            .member(member(hospital(), OrganisationKind::Acute, store));
        World { federation: federation.start().await.unwrap(), notices, home }
    }

    /// Where the hospital's input lies.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("hospital")
    }

    /// Writes a file among the hospital's.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.folder().join(name), bytes).unwrap();
    }

    /// Takes a file of the hospital's away.
    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.folder().join(name)).unwrap();
    }

    /// One view by a doctor of the practice. Whatever happens at the hospital, the practice's record is in it.
    pub(crate) async fn view(&self) -> View {
        let role = JobRole::parse("R8000").unwrap();
        let draft = AssertionDraft {
            sections: BTreeSet::from(HELD),
            ..AssertionDraft::treatment(practice(), role, RelationshipKind::RegisteredPractice, person())
        };
        let token = draft.sign(&self.federation).unwrap();
        let view = self.federation.viewer(&practice()).unwrap().view(&token, &BTreeSet::new()).await.unwrap();
        assert_eq!(view.organisations()[&practice()].outcome(), Outcome::Answered, "the practice goes on");
        assert!(shown(&view, Section::Conditions).contains(&OF_PRACTICE.to_owned()), "its record is there");
        view
    }

    /// A view in which the hospital tells these conditions, and everything is complete.
    pub(crate) async fn is_well(&self, conditions: &[&str]) {
        let view = self.view().await;
        assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);
        for section in HELD {
            assert!(
                matches!(view.section(section), Some(SectionView::Complete { .. })),
                "{section}: {:?}",
                self.notices()
            );
        }
        assert_eq!(of_hospital(&view), conditions);
        assert_eq!(view.completeness()[&Section::Procedures].state, RolledState::NoneRecorded);
    }

    /// As [`World::is_well`], as soon as that is so: what was mended may have to be read.
    pub(crate) async fn heals(&self, conditions: &[&str]) {
        self.until_answered(&HELD).await;
        self.is_well(conditions).await;
        assert_eq!(self.notices(), Vec::<String>::new());
    }

    /// Waits until the hospital gives its word on these sections: what changed may have to be read first.
    async fn until_answered(&self, sections: &[Section]) {
        let answering = async {
            while !self.has_answered(sections).await {
                tokio::time::sleep(STEP).await;
            }
        };
        tokio::time::timeout(PATIENCE, answering).await.expect("what changed is read");
    }

    async fn has_answered(&self, sections: &[Section]) -> bool {
        let view = self.view().await;
        sections.iter().all(|section| view.completeness()[section].answered.contains(&hospital()))
    }

    /// A view in which the hospital's node answers, these of its sections could not be read, the others are
    /// complete, and of its conditions these are told.
    pub(crate) async fn is_in_doubt(&self, doubtful: &[Section], conditions: &[&str]) {
        let certain: Vec<Section> = HELD.into_iter().filter(|section| !doubtful.contains(section)).collect();
        self.until_answered(&certain).await;
        let view = self.view().await;
        let came = &view.organisations()[&hospital()];
        assert_eq!(came.outcome(), Outcome::Answered, "its node answers for it: {:?}", self.notices());
        for section in HELD {
            let stated = &came.statement().unwrap().sections[&section];
            let completeness = &view.completeness()[&section];
            if doubtful.contains(&section) {
                assert_eq!(stated.state, SectionState::Unavailable, "{section}");
                assert_eq!(stated.unavailable_cause, Some(UnavailableCause::SourceError), "{section}");
                assert!(matches!(view.section(section), Some(SectionView::Incomplete { .. })), "{section}");
                let is_none = matches!(completeness.state, RolledState::NoneRecorded | RolledState::AssertedNone);
                assert!(!is_none, "{section}: {}", completeness.state);
                assert!(!completeness.answered.contains(&hospital()), "{section}");
            } else {
                assert!(completeness.answered.contains(&hospital()), "{section} is not concerned: {}", stated.state);
            }
        }
        assert_eq!(of_hospital(&view), conditions);
    }

    /// A view in which the hospital tells so many conditions and all is complete, or in which nothing of its
    /// own is called complete.
    pub(crate) async fn is_whole_or_in_doubt(&self, conditions: usize) {
        let view = self.view().await;
        let is_whole = of_hospital(&view).len() == conditions;
        for section in HELD {
            let has_answered = view.completeness()[&section].answered.contains(&hospital());
            assert!(!has_answered || is_whole, "{section} is called complete, with {:?}", of_hospital(&view));
        }
    }

    /// What the hospital's staff are told: in the notices and in the log there is a line with all of these
    /// words, and nothing that either says is about the person.
    pub(crate) async fn names(&self, words: &[&str]) {
        let has_all = |line: &String| words.iter().all(|word| line.contains(word));
        let naming = async {
            while !self.notices().iter().any(has_all) || !self.logged().iter().any(has_all) {
                tokio::time::sleep(STEP).await;
            }
        };
        if tokio::time::timeout(PATIENCE, naming).await.is_err() {
            panic!("no notice and log line with {words:?} in {:#?} and {:#?}", self.notices(), self.logged());
        }
        for line in self.notices().iter().chain(&self.logged()) {
            for secret in [NUMBER, BORN, FAMILY, WORDS] {
                assert!(!line.contains(secret), "{line}");
            }
        }
    }

    pub(crate) fn notices(&self) -> Vec<String> {
        (self.notices)().iter().map(ToString::to_string).collect()
    }

    /// The lines of the log that are about this hospital.
    fn logged(&self) -> Vec<String> {
        let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        written.push_str(RECORDER.take().text(Channel::Log));
        let own = self.home.path().display().to_string();
        written.lines().filter(|line| line.contains(&own)).map(str::to_owned).collect()
    }

    /// Stops everything and verifies every audit log.
    pub(crate) async fn end(self) {
        self.federation.stop().await.unwrap();
    }
}

fn shown(view: &View, section: Section) -> Vec<String> {
    told(view, section).into_iter().map(|(_, id)| id).collect()
}

/// The conditions that the hospital tells of.
fn of_hospital(view: &View) -> Vec<String> {
    let told = told(view, Section::Conditions).into_iter();
    told.filter(|(organisation, _)| *organisation == hospital()).map(|(_, id)| id).collect()
}

fn told(view: &View, section: Section) -> Vec<(OdsCode, String)> {
    let (SectionView::Complete { entries, .. } | SectionView::Incomplete { entries, .. }) =
        view.section(section).unwrap()
    else {
        panic!("{section} is not shown")
    };
    let told = entries.iter().flat_map(|entry| &entry.told);
    let mut told: Vec<_> = told.map(|told| (told.organisation.clone(), told.item.source_record_id.clone())).collect();
    told.sort();
    told
}

/// A path as it stands in a message.
pub(crate) fn name(path: &Path) -> String {
    path.display().to_string()
}
