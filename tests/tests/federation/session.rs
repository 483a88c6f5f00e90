//! The session: with it answers may be kept, and what has changed is not shown again.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::{SessionRequest, SessionResponse};
use weald_proto::session::{Availability, BrokerNotice, NodeNotice, Ping};
use weald_proto::{Outcome, Reason, Section, SpiffeId, wire};
use weald_viewer::View;

use crate::notices::hello_of;
use crate::world::{NOW, PATIENCE, World, allergic_to, doctor, hospital, practice, reason, shown, store, three, until};

/// Three members, of which the hospital lets its answers be kept.
async fn lending() -> World {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members[1].cache_seconds = 30;
    World::of(members).await
}

fn is_cached(view: &View) -> bool {
    view.organisations()[&hospital()].is_cached()
}

/// Another broker's end of a session with the hospital, in the test's own hands.
pub(crate) struct Hand {
    tell: mpsc::UnboundedSender<SessionRequest>,
    told: Streaming<SessionResponse>,
}

/// Puts another broker into the register.
pub(crate) fn admit_another(world: &mut World) -> SpiffeId {
    let id = SpiffeId::broker(world.federation.name(), "b2").unwrap();
    let broker = weald_certs::Broker { id: id.clone(), address: None, keys: Vec::new() };
    world.federation.publish(|draft| draft.brokers.push(broker)).unwrap();
    id
}

impl Hand {
    pub(crate) async fn open(world: &World, broker: &SpiffeId) -> Self {
        let links = world.federation.links(broker).unwrap();
        let register = world.federation.register();
        let address = register.member(&hospital()).unwrap().address.clone().unwrap();
        let id = SpiffeId::node(world.federation.name(), &hospital());
        let link = links.link(&address, &id).await.unwrap();
        let (tell, said) = mpsc::unbounded_channel();
        let begun = NodeAgentServiceClient::new(link).session(UnboundedReceiverStream::new(said)).await;
        Hand { tell, told: begun.unwrap().into_inner() }
    }

    pub(crate) fn say(&self, notice: &BrokerNotice) {
        // The node may have ended it by now, and says why.
        self.tell.send(SessionRequest { notice: Some(notice.to_wire()) }).ok();
    }

    pub(crate) async fn hear(&mut self) -> Result<NodeNotice, Status> {
        let heard = tokio::time::timeout(PATIENCE, self.told.message()).await.expect("a node that says something");
        let heard = heard?.expect("a session that goes on");
        Ok(NodeNotice::from_wire(heard.notice.unwrap()).unwrap())
    }

    /// The node's first words: up to where it has written down what we said before.
    pub(crate) async fn hello(&mut self) -> u64 {
        let Ok(NodeNotice::Hello(hello)) = self.hear().await else { panic!("a hello") };
        assert!(matches!(self.hear().await, Ok(NodeNotice::State(_))));
        hello.recorded
    }

    /// Up to where it has written down what we say.
    pub(crate) async fn recorded(&mut self) -> u64 {
        match self.hear().await {
            Ok(NodeNotice::Recorded(sequence)) => sequence,
            other => panic!("not recorded: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_knows_of_each_node_since_when_it_is_there_and_with_which_versions() {
    let world = lending().await;
    let sessions = world.federation.broker().sessions();
    until(|| sessions.all().len() == 3 && sessions.all().values().all(|one| one.round_trip.is_some())).await;
    for state in sessions.all().values() {
        assert_eq!(state.register_version, world.federation.register().version());
        assert_eq!((state.availability.availability, state.is_attached), (Availability::Serving, false));
        assert!(state.clock_ahead_ms.abs() < 1000, "one clock, give or take the round trip");
        assert!(!state.policy_version.is_empty() && !state.software.is_empty());
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_changed_is_asked_for_again_within_a_second_and_nothing_else_is() {
    let world = lending().await;
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    let node = world.federation.node(&hospital()).unwrap();
    node.changed(&crate::world::other_patient().nhs_number);
    assert!(is_cached(&world.view(&doctor()).await.unwrap()), "nothing about that person is kept");
    node.changed(&crate::world::patient().nhs_number);
    let began = Instant::now();
    while is_cached(&world.view(&doctor()).await.unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    assert_eq!(world.reads(&hospital()), 2);
    assert!(is_cached(&world.view(&doctor()).await.unwrap()), "and may be kept again");
    node.all_changed();
    let began = Instant::now();
    while is_cached(&world.view(&doctor()).await.unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_on_its_way_when_it_changed_is_shown_and_not_kept() {
    let world = lending().await;
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let draft = doctor();
    let (first, ()) = tokio::join!(world.view(&draft), async {
        until(|| held.reads() == 1).await;
        world.federation.node(&hospital()).unwrap().changed(&crate::world::patient().nhs_number);
        held.let_go();
    });
    assert_eq!(shown(&first.unwrap(), Section::Allergies).len(), 2);
    assert!(!is_cached(&world.view(&doctor()).await.unwrap()));
    assert_eq!(world.reads(&hospital()), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_forgotten_with_the_session() {
    let mut world = lending().await;
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    let before = world.federation.broker().sessions().of(&hospital()).unwrap().instance;
    world.federation.stop_node(&hospital()).await;
    until(|| !world.federation.broker().sessions().has(&hospital())).await;
    let gone = world.view(&doctor()).await.unwrap();
    assert_eq!(gone.organisations()[&hospital()].outcome(), Outcome::Unreachable, "not shown from memory");
    world.federation.restart_node(&hospital()).await.unwrap();
    until(|| world.federation.broker().sessions().has(&hospital())).await;
    assert_ne!(world.federation.broker().sessions().of(&hospital()).unwrap().instance, before);
    assert!(!is_cached(&world.view(&doctor()).await.unwrap()));
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_node_says_so_signed_and_nothing_is_shown_from_memory() {
    let world = lending().await;
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    let node = world.federation.node(&hospital()).unwrap();
    let sessions = world.federation.broker().sessions();
    let availability = || sessions.of(&hospital()).map(|state| state.availability);
    node.pause("the record system is being moved");
    let began = Instant::now();
    until(|| availability().is_some_and(|state| state.availability == Availability::Paused)).await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(availability().unwrap().reason, "the record system is being moved");
    let reads = world.reads(&hospital());
    let view = world.view(&doctor()).await.unwrap();
    let came = &view.organisations()[&hospital()];
    assert_eq!((came.outcome(), came.is_cached()), (Outcome::Paused, false));
    assert_eq!(came.statement().unwrap().reason_code, "PAUSED");
    assert_eq!(came.statement().unwrap().reason_text, "the record system is being moved");
    assert_eq!(world.reads(&hospital()), reads, "nothing was read");
    node.resume();
    until(|| availability().is_some_and(|state| state.availability == Availability::Serving)).await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_about_to_end_ends_its_sessions_and_without_one_answers_and_grants_nothing() {
    let world = lending().await;
    let granted = |view: &View| view.organisations()[&hospital()].statement().unwrap().cache_seconds;
    assert_eq!(granted(&world.view(&doctor()).await.unwrap()), 30);
    world.federation.node(&hospital()).unwrap().drain();
    until(|| world.federation.node(&hospital()).unwrap().sessions() == 0).await;
    until(|| !world.federation.broker().sessions().has(&hospital())).await;
    let view = world.view(&doctor()).await.unwrap();
    let came = &view.organisations()[&hospital()];
    assert_eq!((came.outcome(), came.is_cached()), (Outcome::Answered, false));
    assert_eq!(granted(&view), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_says_what_nobody_knows_is_told_why_its_session_ends() {
    let mut world = lending().await;
    let other = admit_another(&mut world);
    let hello = hello_of(None, NOW);
    let ping = BrokerNotice::Ping(Ping { number: 1, register_version: 1 });
    let unknown = SessionRequest { notice: Some(wire::BrokerNotice::default()) };
    // A hello comes first, and once.
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&ping);
    assert_eq!(reason(hand.hear().await), Reason::RequestMalformed);
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello);
    assert!(matches!(hand.hear().await, Ok(NodeNotice::Hello(_))));
    assert!(matches!(hand.hear().await, Ok(NodeNotice::State(_))));
    hand.say(&ping);
    assert!(matches!(hand.hear().await, Ok(NodeNotice::Pong(pong)) if pong.number == 1));
    hand.say(&hello);
    assert_eq!(reason(hand.hear().await), Reason::RequestMalformed);
    for request in [SessionRequest::default(), unknown] {
        let mut hand = Hand::open(&world, &other).await;
        hand.tell.send(request).unwrap();
        assert_eq!(reason(hand.hear().await), Reason::RequestMalformed);
    }
    let stranger = SpiffeId::broker(world.federation.name(), "b3").unwrap();
    let mut hand = Hand::open(&world, &stranger).await;
    hand.say(&hello);
    assert_eq!(reason(hand.hear().await), Reason::WrongParty, "a broker that the register does not name");
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&practice()].outcome(), Outcome::Answered, "nobody else noticed");
    world.end().await;
}
