//! Answers so large that they do not fit beside each other: into one summary, or into the broker's memory. The broker
//! here has less room than one that serves, so that its limits are met with little data, in time on a busy machine.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, mpsc};

use prost::Message as _;
use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tonic::Request;
use weald_audit::Kind;
use weald_broker::ask::{Answering, AskNode};
use weald_broker::locate::Located;
use weald_broker::room::{Allowance, Capacity};
use weald_certs::Link;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::service::{GetSummaryRequest, WatchSummaryRequest};
use weald_proto::{
    JobRole, Level, NoAnswer, OdsCode, OrganisationKind, Outcome, OutcomeReason, RelationshipKind, RolledState,
    Section, SpiffeId, limit, wire,
};
use weald_tests::federation::{APP, AssertionDraft, MemberSpec, MemoryStore};
use weald_viewer::{SectionView, View};

use crate::impostor::SilentNode;
use crate::world::{
    World, allergic_to, community, doctor, hospital, item, member, ods, only, patient, practice, store, three, until,
};

/// Questions of one viewer app that are under way at one organisation (docs/limits.md, `QUESTIONS`).
const QUESTIONS: u64 = 8;
const SECTION: Section = Section::Allergies;
const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// Room for two answers of a mebibyte of one organisation to one viewer app, and for one of them to the next; and for nine
/// of an eighth of it in one summary, of which the rest of the summary takes one.
const CAPACITY: Capacity = Capacity { memory: 20 * MIB, summary: MIB + 9 * 128 * KIB };

/// A source whose answer is a little larger than that.
fn answering(bytes: usize) -> MemoryStore {
    // Bytes, because the harness looks for every text of an item in all that is logged.
    store().holds(&patient(), SECTION, vec![wire::Item { raw_digest: vec![7; bytes], ..item("a1", "latex") }])
}

fn large(code: &str, bytes: usize) -> MemberSpec {
    member(ods(code), OrganisationKind::Acute, answering(bytes))
}

async fn small_room(members: Vec<MemberSpec>) -> World {
    World::built(members, |builder| builder.capacity(CAPACITY)).await
}

fn outcomes_of(summary: &wire::Summary, wanted: Outcome) -> Vec<String> {
    let outcomes = summary.outcomes.iter().filter(|came| came.outcome == wanted.to_wire());
    outcomes.map(|came| came.organisation.clone()).collect()
}

/// A broker's client, on a connection of its own.
async fn client(world: &World) -> RecordServiceClient<Link> {
    let id = SpiffeId::viewer(world.federation.name(), &practice(), APP).unwrap();
    let links = world.federation.links(&id).unwrap();
    let link = links.link(&world.federation.broker_address(), world.federation.broker_id()).await.unwrap();
    let client = RecordServiceClient::with_origin(link, http::Uri::from_static("http://broker.weald"));
    client.max_decoding_message_size(limit::SUMMARY_BYTES)
}

fn request<T>(world: &World, message: T) -> Request<T> {
    let token = only(doctor(), &[SECTION]).sign(&world.federation).unwrap();
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", token.expose()).parse().unwrap());
    request
}

/// A summary in which nothing came too late: a machine that is busy may need more than one view.
async fn in_time(world: &World) -> wire::Summary {
    let (began, mut client) = (Instant::now(), client(world).await);
    loop {
        let asked = client.get_summary(request(world, GetSummaryRequest::default())).await;
        let summary = asked.unwrap().into_inner().summary.unwrap();
        if outcomes_of(&summary, Outcome::TimedOut).is_empty() || began.elapsed() > limit::VIEW_DEADLINE * 10 {
            return summary;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_one_summary_is_left_out_by_name_and_the_rest_is_shown() {
    // Eight of those of the same size fit. The first is the largest; of the others, the last is the last by name.
    let mut members = three(allergic_to("penicillin"), store(), store());
    members.push(large("RA0", 136 * KIB));
    members.extend((1..10).map(|number| large(&format!("RA{number}"), 128 * KIB)));
    let world = small_room(members).await;
    let summary = in_time(&world).await;
    assert!(summary.encoded_len() <= CAPACITY.summary);
    let full = NoAnswer::SummaryFull;
    assert_eq!(outcomes_of(&summary, Outcome::LeftOut), ["RA0", "RA9"]);
    assert!(outcomes_of(&summary, Outcome::TimedOut).is_empty());
    for came in &summary.outcomes {
        let is_left_out = came.outcome == Outcome::LeftOut.to_wire();
        assert_eq!(came.answer.is_none(), is_left_out, "{}", came.organisation);
        assert_eq!(came.reason_code == full.as_str(), is_left_out, "{}", came.organisation);
    }
    let [completeness] = &summary.completeness[..] else { panic!("one section") };
    assert_eq!((completeness.expected.len(), completeness.answered.len()), (13, 11), "never as if they had nothing");

    let release = world.broker_entries_of(Kind::Release).pop().unwrap().entry;
    let recorded = release.outcomes.iter().find(|outcome| outcome.organisation == ods("RA9")).unwrap();
    assert_eq!((recorded.outcome, recorded.reason), (Outcome::LeftOut, Some(OutcomeReason::Broker(full))));
    assert!(recorded.query_digest.is_some(), "it was asked");
    until(|| world.federation.broker().room().taken() == 0).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_left_out_is_never_shown_as_if_it_had_nothing() {
    // Room for what two organisations say who have nothing.
    let capacity = Capacity { summary: MIB + 64 * KIB, ..CAPACITY };
    let members = three(store(), answering(128 * KIB), store());
    let world = World::built(members, |builder| builder.capacity(capacity)).await;
    let began = Instant::now();
    let is_in_time = |view: &View| view.organisations().values().all(|came| came.outcome() != Outcome::TimedOut);
    let view = loop {
        let view = world.view(&only(doctor(), &[SECTION])).await.unwrap();
        if is_in_time(&view) || began.elapsed() > limit::VIEW_DEADLINE * 6 {
            break view;
        }
    };

    let (came, full) = (&view.organisations()[&hospital()], NoAnswer::SummaryFull);
    assert_eq!(
        (came.outcome(), came.reason_code(), came.reason_text()),
        (Outcome::LeftOut, full.as_str(), full.text())
    );
    assert!(came.statement().is_none());
    assert_eq!(view.decisions()[&SECTION].grant.level, Level::Full, "the requester might see it");
    let Some(SectionView::Incomplete { entries, set_aside, completeness }) = view.section(SECTION) else {
        panic!("whatever is here is not all")
    };
    assert!(entries.is_empty() && set_aside.is_empty());
    assert_eq!(completeness.state, RolledState::Unknown, "never that there is none");
    assert!(completeness.expected.contains(&hospital()) && !completeness.answered.contains(&hospital()));
    world.end().await;
}

/// The hospital's outcome and reason in a view of that organisation's app, and who answered.
async fn hospitals(world: &World, of: &OdsCode, relationship: RelationshipKind) -> (Outcome, String, Vec<OdsCode>) {
    let role = JobRole::parse("R8000").unwrap();
    let draft = AssertionDraft::treatment(of.clone(), role, relationship, patient());
    let view = world.view(&only(draft, &[SECTION])).await.unwrap();
    let came = &view.organisations()[&hospital()];
    let answered = view.organisations().iter().filter(|(_, came)| came.outcome() == Outcome::Answered);
    (came.outcome(), came.reason_code().to_owned(), answered.map(|(code, _)| code.clone()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_nobody_takes_fill_what_one_viewer_app_may_have_of_one_organisation_and_nothing_else() {
    // More than the half of which a link takes in unread.
    let size = MIB;
    let world = small_room(three(allergic_to("penicillin"), answering(size), answering(80 * KIB))).await;
    let room = world.federation.broker().room();
    let mut client = client(&world).await;
    let mut unread = Vec::new();
    while room.taken() + size < CAPACITY.memory / 8 {
        let before = room.taken();
        unread.push(client.watch_summary(request(&world, WatchSummaryRequest::default())).await.unwrap());
        // One that came too late on a busy machine takes no room, and there is another.
        let _ = timeout(limit::VIEW_DEADLINE, until(|| room.taken() >= before + size)).await;
    }

    let (outcome, reason, answered) = hospitals(&world, &practice(), RelationshipKind::RegisteredPractice).await;
    assert_eq!((outcome, reason.as_str()), (Outcome::TimedOut, NoAnswer::NotHeardInTime.as_str()));
    assert_eq!(answered, [practice(), community()], "neither small answers nor large ones of others wait");
    let (outcome, ..) = hospitals(&world, &community(), RelationshipKind::OpenReferral).await;
    assert_eq!(outcome, Outcome::Answered, "another app has room of its own");

    drop(unread);
    until(|| room.taken() == 0).await;
    let (outcome, ..) = hospitals(&world, &practice(), RelationshipKind::RegisteredPractice).await;
    assert_eq!(outcome, Outcome::Answered);
    world.end().await;
}

/// What came of the practice in views of three apps at once, as many of each as may be under way at one organisation, when
/// that node had taken what room it can; nothing if a busy machine did not come to that in time.
async fn beside(world: &World, node: &SilentNode) -> Option<Vec<Outcome>> {
    let honest = world.federation.faults(&practice()).unwrap();
    honest.hold();
    let asked = node.asked();
    let mut views = JoinSet::new();
    let drafts = [
        (practice(), RelationshipKind::RegisteredPractice),
        (community(), RelationshipKind::OpenReferral),
        (hospital(), RelationshipKind::OpenReferral),
    ];
    for (organisation, relationship) in drafts {
        let viewer = Arc::new(world.federation.viewer(&organisation).unwrap());
        let role = JobRole::parse("R8000").unwrap();
        let draft = only(AssertionDraft::treatment(organisation, role, relationship, patient()), &[SECTION]);
        for _ in 0..QUESTIONS {
            let (viewer, token) = (Arc::clone(&viewer), draft.sign(&world.federation).unwrap());
            views.spawn(async move { viewer.view(&token, &BTreeSet::new()).await.unwrap() });
        }
    }
    let room = world.federation.broker().room();
    let announced = || node.asked() == asked + 3 * QUESTIONS && room.taken() >= limit::ANSWER_BYTES;
    let in_time = timeout(limit::SOURCE_DEADLINE / 2, until(announced)).await;
    honest.let_go();
    let views = views.join_all().await;
    for view in &views {
        // If too many waited for room, that is no fault of what it sent.
        assert_ne!(view.organisations()[&hospital()].outcome(), Outcome::Invalid);
    }
    in_time.ok().map(|()| views.iter().map(|view| view.organisations()[&practice()].outcome()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_announces_the_largest_answers_and_sends_nothing_is_in_nobodys_way() {
    let mut world = World::of(three(answering(128 * KIB), store(), store())).await;
    let node = SilentNode::in_place_of(&mut world, &hospital()).await;
    let began = Instant::now();
    let came = loop {
        let came = beside(&world, &node).await;
        let all = came.as_ref().is_some_and(|came| came.iter().all(|outcome| *outcome == Outcome::Answered));
        if all || began.elapsed() > limit::VIEW_DEADLINE * 6 {
            break came;
        }
    };
    assert_eq!(came, Some(vec![Outcome::Answered; 3 * QUESTIONS as usize]));
    until(|| world.federation.broker().room().taken() == 0).await;
    world.end().await;
}

/// A broker whose one thread for large work is busy from when the hospital's answer has come until it hears something.
struct Busy {
    direct: Arc<dyn AskNode>,
    until: Mutex<Option<mpsc::Receiver<()>>>,
}

impl AskNode for Busy {
    fn ask<'a>(
        &'a self,
        located: &'a Located,
        organisation: &'a OdsCode,
        query: wire::SignedMessage,
        allowance: Arc<Allowance>,
    ) -> Answering<'a> {
        Box::pin(async move {
            let answer = self.direct.ask(located, organisation, query, allowance).await;
            if *organisation == hospital()
                && let Some(until) = self.until.lock().unwrap().take()
            {
                drop(tokio::task::spawn_blocking(move || until.recv()));
            }
            answer
        })
    }
}

#[test]
fn what_the_broker_had_no_time_to_check_is_not_held_against_the_organisation() {
    let one_thread = Builder::new_multi_thread().max_blocking_threads(1).enable_all().build().unwrap();
    one_thread.block_on(async {
        let (free, until) = mpsc::channel();
        let until = Mutex::new(Some(until));
        let members = three(store(), answering(128 * KIB), store());
        let busy = |direct| Arc::new(Busy { direct, until }) as Arc<dyn AskNode>;
        let world = World::built(members, |builder| builder.between(busy)).await;
        let began = Instant::now();
        let not_heard = NoAnswer::NotHeardInTime.as_str();
        // On a machine that is busy itself, the answer may come too late.
        let came = loop {
            let view = world.view(&only(doctor(), &[SECTION])).await.unwrap();
            let came = &view.organisations()[&hospital()];
            if came.reason_code() == not_heard || began.elapsed() > limit::VIEW_DEADLINE * 4 {
                break (came.outcome(), came.reason_code().to_owned());
            }
        };
        assert_eq!(came, (Outcome::TimedOut, not_heard.to_owned()));
        free.send(()).unwrap();
        world.end().await;
    });
}
