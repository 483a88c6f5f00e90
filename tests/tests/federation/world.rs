//! What every test here stands on: a small federation, a person, and ways to ask about them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tonic::Status;
use weald_audit::{Kind, RecordedEntry};
use weald_proto::env::Env;
use weald_proto::network::TcpNetwork;
use weald_proto::service::GetSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{
    BirthDate, FamilyName, JobRole, ManualClock, NhsNumber, OdsCode, OrganisationKind, Patient, Reason,
    RelationshipKind, Section, SpiffeId, SystemRandom, Timestamp, wire,
};
use weald_tests::federation::{APP, AssertionDraft, Federation, FederationBuilder, MemberSpec, MemoryStore, Source};
use weald_viewer::{SectionView, Told, View, ViewError};

/// 2026-11-22T16:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

/// The longest that a condition is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

/// A general practice.
pub(crate) fn practice() -> OdsCode {
    ods("G99001")
}

/// An acute trust.
pub(crate) fn hospital() -> OdsCode {
    ods("RVV")
}

/// A community provider.
pub(crate) fn community() -> OdsCode {
    ods("RYY")
}

/// The person.
pub(crate) fn patient() -> Patient {
    person("9990000018", "1950-04-01", "Ashenhurst")
}

/// Another person.
pub(crate) fn other_patient() -> Patient {
    person("9990000026", "1961-12-24", "Brockwell")
}

fn person(number: &str, birth_date: &str, family_name: &str) -> Patient {
    Patient {
        nhs_number: NhsNumber::parse(number).unwrap(),
        birth_date: BirthDate::parse(birth_date).unwrap(),
        family_name: FamilyName::parse(family_name).unwrap(),
    }
}

/// A clinician of the practice, who treats the person and wants to see everything.
pub(crate) fn doctor() -> AssertionDraft {
    professional("R8000")
}

/// Somebody of the practice in that job role.
pub(crate) fn professional(role: &str) -> AssertionDraft {
    let role = JobRole::parse(role).unwrap();
    AssertionDraft::treatment(practice(), role, RelationshipKind::RegisteredPractice, patient())
}

/// The same, wanting only these sections.
pub(crate) fn only(draft: AssertionDraft, sections: &[Section]) -> AssertionDraft {
    AssertionDraft { sections: sections.iter().copied().collect(), ..draft }
}

/// A record of one thing.
pub(crate) fn item(id: &str, text: &str) -> wire::Item {
    wire::Item {
        source_record_id: id.into(),
        text: text.into(),
        status: "active".into(),
        recorded_at: "2026-01-10".into(),
        ..wire::Item::default()
    }
}

/// A source that knows the person and holds nothing yet.
pub(crate) fn store() -> MemoryStore {
    MemoryStore::new(NOW).knows(&patient())
}

/// A source with one allergy of the person.
pub(crate) fn allergic_to(what: &str) -> MemoryStore {
    store().holds(&patient(), Section::Allergies, vec![item("a1", what)])
}

/// A member that holds every section, and lets nobody keep its answers.
pub(crate) fn member(organisation: OdsCode, kind: OrganisationKind, source: MemoryStore) -> MemberSpec {
    MemberSpec {
        name: organisation.to_string(),
        organisation,
        kind,
        sections: Section::ALL.iter().copied().collect(),
        source: Source::Store(Arc::new(source)),
        cache_seconds: 0,
        local_policies: None,
    }
}

/// Practice, hospital and community provider, each with that source.
pub(crate) fn three(practice_: MemoryStore, hospital_: MemoryStore, community_: MemoryStore) -> Vec<MemberSpec> {
    vec![
        member(practice(), OrganisationKind::GpPractice, practice_),
        member(hospital(), OrganisationKind::Acute, hospital_),
        member(community(), OrganisationKind::Community, community_),
    ]
}

/// A running federation on a clock that only the test moves.
pub(crate) struct World {
    pub(crate) federation: Federation,
    pub(crate) clock: ManualClock,
    _folder: TempDir,
}

impl World {
    /// Of these members.
    pub(crate) async fn of(members: Vec<MemberSpec>) -> Self {
        World::built(members, |builder| builder).await
    }

    /// Of these members, with more said to the builder.
    pub(crate) async fn built(
        members: Vec<MemberSpec>,
        more: impl FnOnce(FederationBuilder) -> FederationBuilder,
    ) -> Self {
        World::attempted(members, more).await.unwrap()
    }

    /// As [`World::built`], for a federation that may not start.
    pub(crate) async fn attempted(
        members: Vec<MemberSpec>,
        more: impl FnOnce(FederationBuilder) -> FederationBuilder,
    ) -> anyhow::Result<Self> {
        let clock = ManualClock::at(NOW);
        let env = Env { clock: Arc::new(clock.clone()), random: Arc::new(SystemRandom), network: Arc::new(TcpNetwork) };
        let folder = tempfile::tempdir()?;
        let builder = members.into_iter().fold(Federation::builder(folder.path(), env), FederationBuilder::member);
        Ok(World { federation: more(builder).start().await?, clock, _folder: folder })
    }

    /// One view under a new assertion, by the app of the organisation that vouches.
    pub(crate) async fn view(&self, draft: &AssertionDraft) -> Result<View, ViewError> {
        let token = draft.sign(&self.federation).unwrap();
        self.federation.viewer(&draft.organisation).unwrap().view(&token, &BTreeSet::new()).await
    }

    /// One call without the client library: any app of any organisation, any token.
    pub(crate) async fn call(
        &self,
        organisation: &OdsCode,
        app: &str,
        token: Option<&str>,
        sections: &[i32],
    ) -> Result<wire::Summary, Status> {
        let id = SpiffeId::viewer(self.federation.name(), organisation, app).unwrap();
        let links = self.federation.links(&id).unwrap();
        let link = links.link(&self.federation.broker_address(), self.federation.broker_id()).await.unwrap();
        let origin = http::Uri::from_static("http://broker.weald");
        let mut client = RecordServiceClient::with_origin(link, origin);
        let mut request = tonic::Request::new(GetSummaryRequest { sections: sections.to_vec() });
        if let Some(token) = token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", bearer);
        }
        client.get_summary(request).await.map(|answered| answered.into_inner().summary.unwrap())
    }

    /// The same by the usual app of the practice.
    pub(crate) async fn present(&self, token: &str) -> Result<wire::Summary, Status> {
        self.call(&practice(), APP, Some(token), &[]).await
    }

    /// How often the organisation's source was read.
    pub(crate) fn reads(&self, organisation: &OdsCode) -> u64 {
        self.federation.faults(organisation).unwrap().reads()
    }

    /// How often any source was read.
    pub(crate) fn all_reads(&self) -> u64 {
        let register = self.federation.register();
        register
            .active_members()
            .filter_map(|member| self.federation.faults(&member.organisation))
            .map(|f| f.reads())
            .sum()
    }

    /// The broker's audit log.
    pub(crate) fn broker_entries(&self) -> Vec<RecordedEntry> {
        weald_audit::entries(&self.federation.broker_log()).unwrap().map(Result::unwrap).collect()
    }

    /// An organisation's audit log.
    pub(crate) fn node_entries(&self, organisation: &OdsCode) -> Vec<RecordedEntry> {
        weald_audit::entries(&self.federation.node_log(organisation)).unwrap().map(Result::unwrap).collect()
    }

    /// The broker's entries of one kind.
    pub(crate) fn broker_entries_of(&self, kind: Kind) -> Vec<RecordedEntry> {
        self.broker_entries().into_iter().filter(|entry| entry.entry.kind == kind).collect()
    }

    /// Stops everything and verifies every log.
    pub(crate) async fn end(self) {
        self.federation.stop().await.unwrap();
    }
}

/// Waits until that holds.
pub(crate) async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a condition that comes true");
}

/// The reason with which a view was refused.
pub(crate) fn refusal(result: Result<View, ViewError>) -> (Reason, String) {
    match result {
        Err(ViewError::Refused { reason, text }) => (reason, text),
        other => panic!("not a refusal: {other:?}"),
    }
}

/// The reason in a status.
pub(crate) fn reason<T: std::fmt::Debug>(result: Result<T, Status>) -> Reason {
    let status = result.expect_err("a refusal");
    Reason::of_status(&status).unwrap_or_else(|| panic!("no reason of ours: {status:?}"))
}

/// Every item that a section shows, among the entries or set aside, with whose it is and its id.
pub(crate) fn shown(view: &View, section: Section) -> Vec<(String, String)> {
    let id = |told: &Told<'_>| (told.organisation.to_string(), told.item.source_record_id.clone());
    match view.section(section).unwrap() {
        SectionView::Complete { entries, set_aside, .. } | SectionView::Incomplete { entries, set_aside, .. } => {
            let mut ids: Vec<_> = entries.iter().flat_map(|entry| &entry.told).map(id).collect();
            ids.extend(set_aside.iter().map(|(told, _)| id(told)));
            ids.sort();
            ids
        }
        SectionView::NotPermitted(_) | SectionView::NobodyHoldsIt => Vec::new(),
    }
}
