//! What may be kept, and by whom: nothing that nobody would take back, and nothing that nobody writes down.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;
use weald_audit::Kind;
use weald_proto::session::{BrokerNotice, NodeNotice, Ping, Pulse};
use weald_proto::{Digest, Outcome, Query, Reason, Section, SectionState, SessionId, SystemRandom, limit};
use weald_tests::federation::FederationBuilder;
use weald_viewer::View;

use crate::node::{ask, query, signed, stated};
use crate::notices::{hello_of, viewed_in};
use crate::session::{Hand, admit_another};
use crate::world::{NOW, World, allergic_to, doctor, hospital, only, patient, reason, store, three, until};

/// Three members, of which the hospital lets its answers be kept.
async fn lending(more: impl FnOnce(FederationBuilder) -> FederationBuilder) -> World {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members[1].cache_seconds = 60;
    World::built(members, more).await
}

fn is_cached(view: &View) -> bool {
    view.organisations()[&hospital()].is_cached()
}

fn views_written(world: &World) -> usize {
    let entries = weald_audit::entries(&world.federation.node_log(&hospital())).unwrap().so_far();
    entries.map(Result::unwrap).filter(|entry| entry.entry.kind == Kind::Viewed).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_names_no_session_or_another_processs_is_granted_nothing() {
    let world = lending(|builder| builder).await;
    assert!(world.federation.broker().sessions().has(&hospital()), "the broker has a session");
    for session in [None, Some(SessionId::generate(&SystemRandom))] {
        let token = only(doctor(), &[Section::Allergies]).sign(&world.federation).unwrap();
        let message = signed(&world, &Query { session, ..query(&world, token) });
        let answer = ask(&world, message.clone()).await.unwrap();
        let statement = stated(&world, &message, answer).unwrap();
        assert_eq!((statement.outcome, statement.cache_seconds), (Outcome::Answered, 0));
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_which_a_part_could_not_be_read_is_not_kept() {
    let broken = allergic_to("latex").says(&patient(), Section::Conditions, SectionState::Unavailable, Vec::new());
    let mut members = three(allergic_to("penicillin"), broken, store());
    members[1].cache_seconds = 60;
    let world = World::of(members).await;
    world.view(&doctor()).await.unwrap();
    assert!(!is_cached(&world.view(&doctor()).await.unwrap()));
    let whole = only(doctor(), &[Section::Allergies]);
    world.view(&whole).await.unwrap();
    assert!(is_cached(&world.view(&whole).await.unwrap()), "what was read whole is");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_of_an_organisation_that_is_suspended_is_not_shown() {
    let mut world = lending(|builder| builder).await;
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    let suspend = |draft: &mut weald_certs::RegisterDraft| {
        let member = draft.members.iter_mut().find(|member| member.organisation == hospital()).unwrap();
        member.state = weald_certs::MemberState::Suspended;
    };
    world.federation.publish(suspend).unwrap();
    let view = world.view(&doctor()).await.unwrap();
    assert!(!view.organisations().contains_key(&hospital()), "at once");
    until(|| !world.federation.broker().sessions().has(&hospital())).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_leaves_the_register_loses_its_session() {
    let mut world = lending(|builder| builder).await;
    let other = admit_another(&mut world);
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello_of(None, NOW));
    hand.hello().await;
    world.federation.publish(|draft| draft.brokers.retain(|broker| broker.id != other)).unwrap();
    hand.say(&BrokerNotice::Ping(Ping { number: 1, register_version: 1 }));
    assert_eq!(reason(hand.hear().await), Reason::WrongParty);
    world.end().await;
}

/// Hears until the session has ended, and gives the reason.
async fn end_of(hand: &mut Hand) -> Reason {
    loop {
        match hand.hear().await {
            Ok(_) => {}
            ended => return reason(ended),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_says_too_much_is_hung_up_on_and_others_are_not_hindered() {
    let mut world = lending(|builder| builder).await;
    let other = admit_another(&mut world);
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello_of(None, NOW));
    hand.hello().await;
    for number in 1..=u64::from(limit::NOTICES_PER_SECOND) * 3 {
        hand.say(&BrokerNotice::Ping(Ping { number, register_version: 1 }));
    }
    assert_eq!(end_of(&mut hand).await, Reason::TooManyRequests);
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_log_is_slow_answers_pings_and_takes_so_many_notices_ahead_and_no_more() {
    let mut world = lending(|builder| builder).await;
    let other = admit_another(&mut world);
    let log = Digest::of(b"the first entry of another broker's log");
    let faults = world.federation.node_log_faults(&hospital()).unwrap().clone();
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello_of(Some(log), NOW));
    hand.hello().await;
    faults.stall();
    let notice = |sequence| BrokerNotice::Viewed(Box::new(viewed_in(log, sequence, Digest::of(b"an unknown query"))));
    hand.say(&notice(1));
    until(|| faults.is_stalled()).await;
    let ahead = u64::try_from(limit::NOTICES_AHEAD).unwrap();
    (2..=ahead).for_each(|sequence| hand.say(&notice(sequence)));
    hand.say(&BrokerNotice::Ping(Ping { number: 1, register_version: 1 }));
    assert!(matches!(hand.hear().await, Ok(NodeNotice::Pong(_))), "while nothing is written");
    (ahead + 1..=ahead * 3).for_each(|sequence| hand.say(&notice(sequence)));
    // Whoever was refused is told when what was taken up is written.
    faults.resume();
    assert_eq!(end_of(&mut hand).await, Reason::TooManyRequests);
    let written = views_written(&world);
    assert!((limit::NOTICES_AHEAD..=limit::NOTICES_AHEAD * 2).contains(&written), "{written}");
    world.end().await;
}

const QUICK: Pulse =
    Pulse { ping: Duration::from_millis(100), doubt: Duration::from_millis(800), silence: Duration::from_millis(1500) };

#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_through_many_silences_and_ends_after_one_that_is_too_long() {
    let mut world = lending(|builder| builder.pulse(QUICK)).await;
    let other = admit_another(&mut world);
    let mut silent = Hand::open(&world, &other).await;
    silent.say(&hello_of(None, NOW));
    silent.hello().await;
    let sessions = world.federation.broker().sessions();
    let began = Instant::now();
    let instance = sessions.of(&hospital()).unwrap();
    assert_eq!(end_of(&mut silent).await, Reason::DeadlineExceeded);
    assert!(began.elapsed() >= QUICK.silence, "{:?}", began.elapsed());
    until(|| began.elapsed() > QUICK.silence * 2).await;
    let now = sessions.of(&hospital()).unwrap();
    assert_eq!((now.since, now.instance), (instance.since, instance.instance));
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()), "and answers are kept all the while");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_node_that_does_not_write_down_what_was_shown_nothing_more_is_shown_from_memory() {
    let world = lending(|builder| builder.pulse(QUICK)).await;
    world.view(&doctor()).await.unwrap();
    let faults = world.federation.node_log_faults(&hospital()).unwrap().clone();
    faults.stall();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    until(|| !world.federation.broker().sessions().has(&hospital())).await;
    assert!(!is_cached(&world.view(&doctor()).await.unwrap()));
    faults.resume();
    until(|| views_written(&world) == 1 && world.federation.broker().pending_notices(&hospital()) == 0).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_view_from_memory_is_written_down_once() {
    let world = lending(|builder| builder).await;
    world.view(&doctor()).await.unwrap();
    for number in 1..=2 {
        let token = doctor().sign(&world.federation).unwrap();
        let viewer = world.federation.viewer(&doctor().organisation).unwrap();
        assert!(is_cached(&viewer.watch(&token, &BTreeSet::new(), |_| {}).await.unwrap()));
        until(|| views_written(&world) == number && world.federation.broker().pending_notices(&hospital()) == 0).await;
    }
    let releases = world.broker_entries_of(Kind::Release).len();
    assert_eq!(releases, 1 + 2 * 4, "each update and each end has its release");
    assert_eq!(views_written(&world), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_attached_nodes_let_be_kept_is_taken_back_as_if_they_had_been_dialled() {
    let world = lending(|builder| builder.attaching(&hospital())).await;
    world.view(&doctor()).await.unwrap();
    assert!(is_cached(&world.view(&doctor()).await.unwrap()));
    let node = world.federation.node(&hospital()).unwrap();
    node.changed(&patient().nhs_number);
    let began = Instant::now();
    while is_cached(&world.view(&doctor()).await.unwrap()) {
        assert!(began.elapsed() < Duration::from_secs(1));
    }
    node.drain();
    until(|| !world.federation.broker().sessions().has(&hospital())).await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered, "on the links that it still has");
    assert!(!is_cached(&view));
    world.end().await;
}
