//! A federation that does everything there are metrics of, once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::Log;
use weald_certs::{Acceptor, AttachmentState, Entrance, Limits, Listener, LogOnly, Newcomer};
use weald_process::load::Party;
use weald_process::status::Described;
use weald_process::{Describe, Watched, WatchedLink};
use weald_proto::env::Env;
use weald_proto::network::TcpNetwork;
use weald_proto::service::GetSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{
    BirthDate, Clock as _, FamilyName, JobRole, ManualClock, NhsNumber, OdsCode, OrganisationKind, Patient, Reason,
    RelationshipKind, Section, SpiffeId, SystemRandom, Timestamp, wire,
};
use weald_tests::federation::{APP, AssertionDraft, Faults, Federation, MemberSpec, MemoryStore, Source};
use weald_tests::silence;
use weald_viewer::{View, ViewError};

use crate::exposition::Exposition;

pub(crate) const PRACTICE: &str = "G99001";
pub(crate) const HOSPITAL: &str = "RVV";
/// Every member.
pub(crate) const MEMBERS: [&str; 2] = [PRACTICE, HOSPITAL];

/// 2026-11-22T16:00:00Z.
const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);
/// The longest that a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);
/// For how long the practice's answers may be kept.
const GRANT: Duration = Duration::from_secs(20);
const ANY_PORT: &str = "127.0.0.1:0";

/// What can be read after the run, which the first to ask starts.
pub(crate) async fn counted() -> &'static Exposition {
    static COUNTED: OnceCell<Exposition> = OnceCell::const_new();
    COUNTED.get_or_init(run).await
}

async fn run() -> Exposition {
    let recorder = install();
    let mut scene = Scene::build().await;
    scene.view().await.unwrap();
    // The practice's answer is recalled, the hospital grants nothing.
    scene.view().await.unwrap();
    scene.clock.advance(GRANT);
    scene.source(HOSPITAL).broken(true);
    scene.view().await.unwrap();
    scene.source(HOSPITAL).broken(false);
    scene.leave(&recorder).await;
    assert_eq!(scene.refusal().await, Reason::AssertionMissing);
    scene.federation.publish(|draft| draft.expires_at = Some(NOW.plus(HOUR))).unwrap();
    scene.crowd_of_strangers().await;
    let watched = scene.watched().await;
    watched.iter().for_each(|watched| watched.observe(scene.clock.now()));
    scene.clock.advance(HOUR);
    assert_eq!(scene.refusal().await, Reason::RegisterExpired);
    let exposition = Exposition::parse(&recorder.render());
    drop(watched);
    scene.federation.stop().await.unwrap();
    exposition
}

/// As `[metrics]` in a configuration does, behind the watch over this process.
fn install() -> PrometheusHandle {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &[0.1, 1.0, 3.0]).unwrap();
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    silence::begin_before(recorder).unwrap();
    handle
}

/// A practice, whose answers may be kept, and a hospital, whose may not.
struct Scene {
    federation: Federation,
    clock: ManualClock,
    folder: TempDir,
}

impl Scene {
    async fn build() -> Self {
        let clock = ManualClock::at(NOW);
        let env = Env { clock: Arc::new(clock.clone()), random: Arc::new(SystemRandom), network: Arc::new(TcpNetwork) };
        let folder = tempfile::tempdir().unwrap();
        let practice = member(PRACTICE, OrganisationKind::GpPractice, u32::try_from(GRANT.as_secs()).unwrap());
        let hospital = member(HOSPITAL, OrganisationKind::Acute, 0);
        let builder =
            Federation::builder(folder.path(), env).member(practice).member(hospital).attaching(&ods(HOSPITAL));
        Scene { federation: builder.start().await.unwrap(), clock, folder }
    }

    fn source(&self, organisation: &str) -> &Faults {
        self.federation.faults(&ods(organisation)).unwrap()
    }

    /// One view of a doctor of the practice.
    async fn view(&self) -> Result<View, ViewError> {
        let role = JobRole::parse("R8000").unwrap();
        let draft = AssertionDraft::treatment(ods(PRACTICE), role, RelationshipKind::RegisteredPractice, patient());
        let token = draft.sign(&self.federation).unwrap();
        self.federation.viewer(&ods(PRACTICE)).unwrap().view(&token, &BTreeSet::new()).await
    }

    /// A view whose app hangs up while the sources are read.
    async fn leave(&self, recorder: &PrometheusHandle) {
        self.clock.advance(GRANT);
        let sources = MEMBERS.map(|organisation| self.source(organisation));
        let before = sources.map(Faults::reads);
        sources.iter().for_each(|source| source.hold());
        let reading = until(|| sources.iter().zip(&before).all(|(source, before)| source.reads() > *before));
        tokio::select! {
            _ = self.view() => panic!("the sources are held"),
            () = reading => {}
        }
        let left = || Exposition::parse(&recorder.render()).value("weald_broker_views_total", &[("end", "abandoned")]);
        until(|| left() > 0.0).await;
        sources.iter().for_each(|source| source.let_go());
    }

    /// Why a request without an assertion is refused.
    async fn refusal(&self) -> Reason {
        let id = SpiffeId::viewer(self.federation.name(), &ods(PRACTICE), APP).unwrap();
        let links = self.federation.links(&id).unwrap();
        let link = links.link(&self.federation.broker_address(), self.federation.broker_id()).await.unwrap();
        let mut client = RecordServiceClient::with_origin(link, http::Uri::from_static("http://broker.weald"));
        let status = client.get_summary(GetSummaryRequest::default()).await.err().unwrap();
        Reason::of_status(&status).unwrap()
    }

    /// More strangers from one address than the broker has room for, until one is turned away.
    async fn crowd_of_strangers(&self) {
        let newcomer = Newcomer::new(Arc::clone(self.federation.trust()), self.federation.env().clone());
        let (address, broker) = (self.federation.broker_address(), self.federation.broker_id());
        let mut held = Vec::new();
        while let Ok(link) = newcomer.connect(&address, broker, PATIENCE).await {
            held.push(link);
        }
        let reason = Reason::TooManyConnections;
        assert_eq!((held.len(), self.federation.strangers().unwrap().refused(reason)), (4, 1));
    }

    /// The broker and the hospital's node as their processes watch them, each with a port at which
    /// somebody who speaks no TLS was refused.
    async fn watched(&self) -> [Watched; 2] {
        let (broker, node) =
            (Arc::clone(self.federation.broker()), Arc::clone(self.federation.node(&ods(HOSPITAL)).unwrap()));
        let node_id = SpiffeId::node(self.federation.name(), &ods(HOSPITAL));
        let attached = self.federation.attached().clone();
        let strangers = Arc::clone(self.federation.strangers().unwrap());
        [
            self.watch(
                Listener::Broker,
                self.federation.broker_id(),
                Box::new(move || {
                    broker.observe();
                    attached.observe();
                    weald_certs::metrics::strangers(&strangers);
                }),
            )
            .await,
            self.watch(Listener::Node, &node_id, Box::new(move || node.observe())).await,
        ]
    }

    async fn watch(&self, listener: Listener, id: &SpiffeId, observe: Box<dyn Fn() + Send + Sync>) -> Watched {
        let credentials = Arc::new(self.federation.authority().credentials(id, self.clock.now()).unwrap());
        let party = Party { credentials, trust: Arc::clone(self.federation.trust()) };
        let entrance = Entrance {
            attach: Arc::new(weald_certs::AttachNobody),
            listener,
            credentials: Arc::clone(&party.credentials),
            trust: Arc::clone(&party.trust),
            clock: Arc::new(self.clock.clone()),
            watch: Arc::new(LogOnly::default()),
            limits: Limits::default(),
            strangers: None,
        };
        let acceptor = Acceptor::bind(ANY_PORT.parse().unwrap(), entrance).await.unwrap();
        let (address, occupancy) = (acceptor.local_address(), acceptor.occupancy());
        acceptor.serve(Routes::default(), CancellationToken::new());
        let mut stranger = TcpStream::connect(address).await.unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        until(|| occupancy.refused(Reason::HandshakeFailed) == 1).await;
        let log = self.folder.path().join(format!("{listener:?}.audit"));
        let log = Arc::new(Log::open(&log, Arc::new(self.clock.clone())).unwrap());
        let register = Arc::new(ArcSwap::from(self.federation.register()));
        let (_, state) = watch::channel(AttachmentState::Attached { since: self.clock.now() });
        let (broker, address) = (self.federation.broker_id().clone(), self.federation.broker_address());
        let links = match listener {
            Listener::Node => vec![WatchedLink { broker, address, state }],
            Listener::Broker | Listener::Authority => Vec::new(),
        };
        let describe: Describe = Box::new(|_, _| Described::default());
        Watched { register, log, party, occupancy: Some(occupancy), links, describe, observe }
    }
}

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

fn patient() -> Patient {
    Patient {
        nhs_number: NhsNumber::parse("9990000018").unwrap(),
        birth_date: BirthDate::parse("1950-04-01").unwrap(),
        family_name: FamilyName::parse("Ashenhurst").unwrap(),
    }
}

/// A member that holds every section, and an allergy of the person.
fn member(code: &str, kind: OrganisationKind, cache_seconds: u32) -> MemberSpec {
    let allergy = wire::Item { source_record_id: "a1".into(), text: "Penicillin".into(), ..wire::Item::default() };
    let store = MemoryStore::new(NOW).knows(&patient()).holds(&patient(), Section::Allergies, vec![allergy]);
    MemberSpec {
        organisation: ods(code),
        name: code.to_owned(),
        kind,
        sections: Section::ALL.iter().copied().collect(),
        source: Source::Store(Arc::new(store)),
        cache_seconds,
        local_policies: None,
    }
}

/// Waits until that holds.
async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("a condition that comes true");
}
