//! Eight organisations with records of their own, and whatever --bundles adds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use weald_audit::Verification;
use weald_node::RecordStore;
use weald_node::source::{BundleFolder, SqliteDatabase};
use weald_proto::env::Env;
use weald_proto::{OdsCode, OrganisationKind, Patient, Section};
use weald_tests::federation::{Federation, FederationBuilder, MemberSpec, Source};
use weald_tests::population::{self, DEMO, EAST_KENT, Organisation, Person, sections_held};
use weald_tests::writer::{IDENTITIES, write_database, write_folder};
use weald_viewer::{View, ViewError};

use crate::options::{Bundles, Options};
use crate::{ask, stay};

/// The population's seed.
const SEED: u64 = 1;
/// How many people it has here.
const PEOPLE: u32 = 40;

/// The demo's federation and the people in it.
pub(crate) struct World {
    /// The federation.
    pub(crate) federation: Federation,
    /// The people; the first is the story's.
    pub(crate) people: Vec<Person>,
    /// Where everything is; removed in the end unless it was asked for.
    folder: Folder,
}

enum Folder {
    Kept(PathBuf),
    Removed(tempfile::TempDir),
}

impl World {
    /// Makes folders and databases, and starts everything.
    ///
    /// # Errors
    ///
    /// When a source cannot be written or opened, or an added code is one of the demo's own.
    pub(crate) async fn build(options: &Options) -> anyhow::Result<Self> {
        // Everything that was given is looked at before anything is written.
        let mut codes: BTreeSet<&str> = DEMO.iter().map(|organisation| organisation.ods).collect();
        let mut others = Vec::new();
        for bundles in &options.bundles {
            if !codes.insert(bundles.organisation.as_str()) {
                bail!(
                    "--bundles {}: this code is taken; use one that is not in the demo, each once",
                    bundles.organisation
                );
            }
            others.push(added(bundles, options.identities.as_deref())?);
        }
        let folder = match &options.state {
            Some(state) => {
                stay::prepare(state)?;
                Folder::Kept(state.join("federation"))
            }
            None => Folder::Removed(tempfile::tempdir().context("a temporary folder")?),
        };
        let people: Vec<Person> = population::people(SEED, PEOPLE).collect();
        let mut builder = Federation::builder(folder.path(), Env::system());
        for (index, organisation) in DEMO.iter().enumerate() {
            builder = builder.member(own(organisation, index, folder.path(), &people)?);
        }
        let builder = others.into_iter().fold(builder, FederationBuilder::member);
        Ok(World { federation: builder.start().await?, people, folder })
    }

    /// One view, for that role.
    ///
    /// # Errors
    ///
    /// Whatever the client says; an unknown role.
    pub(crate) async fn view(&self, role: &str, patient: &Patient) -> anyhow::Result<Result<View, ViewError>> {
        let draft = ask::draft(role, patient)?;
        let viewer = self.federation.viewer(&draft.organisation)?;
        Ok(viewer.view(&draft.sign(&self.federation)?, &BTreeSet::new()).await)
    }

    /// The name of an organisation.
    pub(crate) fn name_of(&self, organisation: &OdsCode) -> String {
        let register = self.federation.register();
        register.member(organisation).map_or_else(String::new, |member| member.name.clone())
    }

    /// Stops everything and verifies every audit log.
    ///
    /// # Errors
    ///
    /// When a log is damaged.
    pub(crate) async fn stop(self) -> anyhow::Result<BTreeMap<String, Verification>> {
        self.stop_and(|_, _| Ok(())).await
    }

    /// Stops everything, verifies every audit log, and lets `read` see the broker's and one node's
    /// before their folder goes.
    ///
    /// # Errors
    ///
    /// When a log is damaged; whatever `read` says.
    pub(crate) async fn stop_and(
        self,
        read: impl FnOnce(&Path, &Path) -> anyhow::Result<()>,
    ) -> anyhow::Result<BTreeMap<String, Verification>> {
        let World { federation, folder, .. } = self;
        let (broker, node) = (federation.broker_log(), federation.node_log(&OdsCode::parse(EAST_KENT.ods)?));
        let verified = federation.stop().await?;
        read(&broker, &node)?;
        drop(folder);
        Ok(verified)
    }
}

impl Folder {
    fn path(&self) -> &Path {
        match self {
            Folder::Kept(path) => path,
            Folder::Removed(folder) => folder.path(),
        }
    }
}

/// One of the eight: every other one keeps an SQLite database, the rest folders of bundles.
fn own(organisation: &Organisation, index: usize, folder: &Path, people: &[Person]) -> anyhow::Result<MemberSpec> {
    let place = folder.join(organisation.ods);
    let store: Arc<dyn RecordStore> = if index.is_multiple_of(2) {
        let mapping = write_database(&place, organisation.ods, people)?;
        Arc::new(SqliteDatabase::open(&mapping.database, &mapping.mapping)?)
    } else {
        write_folder(&place, organisation.ods, people)?;
        Arc::new(BundleFolder::open(&place, Some(&place.join(IDENTITIES)))?)
    };
    Ok(MemberSpec {
        organisation: OdsCode::parse(organisation.ods)?,
        name: organisation.name.to_owned(),
        kind: organisation.kind,
        sections: sections_held(organisation.kind).iter().copied().collect(),
        source: Source::Store(store),
        cache_seconds: 0,
        local_policies: None,
    })
}

/// An organisation that holds every section and reads other people's bundles.
fn added(bundles: &Bundles, identities: Option<&Path>) -> anyhow::Result<MemberSpec> {
    let store = BundleFolder::open(&bundles.folder, identities)?;
    Ok(MemberSpec {
        organisation: bundles.organisation.clone(),
        name: format!("Bundles in {}", bundles.folder.display()),
        kind: OrganisationKind::Acute,
        sections: Section::ALL.iter().copied().collect(),
        source: Source::Store(Arc::new(store)),
        cache_seconds: 0,
        local_policies: None,
    })
}
