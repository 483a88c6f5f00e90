//! What is shown from a broker's memory is in the log of whoever gave it: once, whatever is restarted.

use weald_audit::{Kind, RecordedEntry, Recorder};
use weald_proto::session::{BrokerNotice, NodeNotice};
use weald_proto::{Digest, Purpose, Reason};

use crate::notices::{hello_of, viewed_in};
use crate::session::{Hand, admit_another};
use crate::world::{NOW, World, allergic_to, doctor, hospital, patient, reason, store, three, until};

/// Three members, of which the hospital lets its answers be kept.
async fn lending() -> World {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members[1].cache_seconds = 60;
    World::of(members).await
}

async fn is_cached(world: &World) -> bool {
    world.view(&doctor()).await.unwrap().organisations()[&hospital()].is_cached()
}

/// What the hospital has written down of views from memory.
fn written(world: &World) -> Vec<RecordedEntry> {
    // A record may be half written for a moment.
    let entries = weald_audit::entries(&world.federation.node_log(&hospital())).unwrap().so_far();
    entries.map(Result::unwrap).filter(|entry| entry.entry.kind == Kind::Viewed).collect()
}

fn pending(world: &World) -> usize {
    world.federation.broker().pending_notices(&hospital())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_from_memory_is_written_down_by_the_node_as_a_query_would_have_been() {
    let world = lending().await;
    assert!(!is_cached(&world).await);
    assert!(is_cached(&world).await);
    until(|| written(&world).len() == 1).await;
    let release = world.broker_entries_of(Kind::Release).pop().unwrap();
    let entry = written(&world).pop().unwrap().entry;
    let viewed = entry.viewed.unwrap();
    assert_eq!((viewed.sequence, viewed.viewed_at), (release.sequence, release.recorded_at));
    assert_eq!(viewed.log, world.broker_entries()[0].digest);
    let Recorder::Broker { view: Some(view), .. } = release.entry.recorder else { panic!("a view") };
    assert_eq!(viewed.view, view);
    assert_eq!(Some(viewed.viewer), release.entry.peer);
    let about = Recorder::Node { organisation: hospital(), query: None, patient: Some(patient().nhs_number) };
    assert!(entry.recorder == about, "it knows whom the answer was about");
    assert!(entry.requester == release.entry.requester);
    assert_eq!((entry.jti, entry.assertion_digest), (release.entry.jti, release.entry.assertion_digest));
    assert_eq!(entry.inputs.unwrap().purpose, Some(Purpose::Treatment));
    assert_eq!(entry.peer.as_ref(), Some(world.federation.broker_id()));
    until(|| pending(&world) == 0).await;
    assert_eq!(world.federation.broker().sessions().of(&hospital()).unwrap().recorded, viewed.sequence);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_view_from_memory_is_written_down_in_its_order() {
    let world = lending().await;
    assert!(!is_cached(&world).await);
    let draft = doctor();
    for _ in 0..4 {
        let (one, two, three) = tokio::join!(world.view(&draft), world.view(&draft), world.view(&draft));
        for view in [one.unwrap(), two.unwrap(), three.unwrap()] {
            assert!(view.organisations()[&hospital()].is_cached());
        }
    }
    until(|| written(&world).len() == 12).await;
    let told: Vec<u64> = written(&world).iter().map(|entry| entry.entry.viewed.as_ref().unwrap().sequence).collect();
    let releases = world.broker_entries_of(Kind::Release);
    let shown: Vec<u64> = releases[1..].iter().map(|entry| entry.sequence).collect();
    assert_eq!(told, shown);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_could_not_write_down_is_told_again_after_the_broker_and_the_node_have_restarted() {
    let mut world = lending().await;
    assert!(!is_cached(&world).await);
    world.federation.node_log_faults(&hospital()).unwrap().fail_flushes();
    assert!(is_cached(&world).await, "the release is in the broker's own log");
    until(|| pending(&world) == 1 && !world.federation.broker().sessions().has(&hospital())).await;
    world.federation = world.federation.restart_broker().await.unwrap();
    until(|| pending(&world) == 1).await;
    world.federation.restart_node(&hospital()).await.unwrap();
    until(|| pending(&world) == 0).await;
    let written = written(&world);
    assert_eq!(written.len(), 1);
    let release = world.broker_entries_of(Kind::Release).pop().unwrap();
    assert_eq!(written[0].entry.viewed.as_ref().unwrap().sequence, release.sequence);
    let about = Recorder::Node { organisation: hospital(), query: None, patient: Some(patient().nhs_number) };
    assert!(written[0].entry.recorder == about, "by its log: its memory is gone");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_down_is_not_told_again_after_a_restart_of_either() {
    let mut world = lending().await;
    assert!(!is_cached(&world).await);
    assert!(is_cached(&world).await);
    until(|| written(&world).len() == 1 && pending(&world) == 0).await;
    world.federation = world.federation.restart_broker().await.unwrap();
    until(|| world.federation.broker().sessions().has(&hospital())).await;
    until(|| pending(&world) == 0).await;
    world.federation.restart_node(&hospital()).await.unwrap();
    until(|| world.federation.broker().sessions().of(&hospital()).is_some_and(|state| state.recorded > 0)).await;
    assert!(!is_cached(&world).await);
    assert!(is_cached(&world).await);
    until(|| written(&world).len() == 2).await;
    let told: Vec<u64> = written(&world).iter().map(|entry| entry.entry.viewed.as_ref().unwrap().sequence).collect();
    assert!(told[0] < told[1], "each once: {told:?}");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_delivered_twice_is_written_down_once_also_after_a_restart() {
    let mut world = lending().await;
    let other = admit_another(&mut world);
    let log = Digest::of(b"the first entry of another broker's log");
    let notice = |sequence| BrokerNotice::Viewed(Box::new(viewed_in(log, sequence, Digest::of(b"an unknown query"))));
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello_of(Some(log), NOW));
    assert_eq!(hand.hello().await, 0);
    for sequence in [3, 5, 5, 3] {
        hand.say(&notice(sequence));
    }
    while hand.recorded().await != 5 {}
    assert_eq!(written(&world).len(), 2);
    world.federation.restart_node(&hospital()).await.unwrap();
    let mut hand = Hand::open(&world, &other).await;
    hand.say(&hello_of(Some(log), NOW));
    assert_eq!(hand.hello().await, 5, "by its own log");
    hand.say(&notice(5));
    assert_eq!(hand.recorded().await, 5);
    hand.say(&notice(9));
    assert_eq!(hand.recorded().await, 9);
    let told: Vec<u64> = written(&world).iter().map(|entry| entry.entry.viewed.as_ref().unwrap().sequence).collect();
    assert_eq!(told, [3, 5, 9]);
    let nobody = Recorder::Node { organisation: hospital(), query: None, patient: None };
    assert!(written(&world).iter().all(|entry| entry.entry.recorder == nobody), "nobody knows the query");
    let another_log = viewed_in(Digest::of(b"another"), 10, Digest::of(b"query"));
    hand.say(&BrokerNotice::Viewed(Box::new(another_log)));
    let ended = loop {
        match hand.hear().await {
            Ok(NodeNotice::Recorded(_)) => {}
            other => break other,
        }
    };
    assert_eq!(reason(ended), Reason::RequestMalformed, "a session is about one log");
    world.end().await;
}
