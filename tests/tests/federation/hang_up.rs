//! Callers that are gone before they are answered: their work ends, or counts as theirs until it does.

use std::time::Duration;

use weald_audit::Kind;
use weald_proto::service::WatchSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{Section, SpiffeId, limit};
use weald_tests::federation::APP;

use crate::node::{ask, query, signed};
use crate::world::{World, allergic_to, doctor, hospital, only, practice, store, three, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_query_counts_as_the_brokers_until_the_node_has_recorded_what_it_read() {
    let world = World::of(three(store(), allergic_to("penicillin"), store())).await;
    let occupancy = world.federation.node_occupancy(&hospital()).unwrap();
    // The broker's session, on the one link that it keeps.
    until(|| (occupancy.connections(), occupancy.requests()) == (1, 1)).await;
    let faults = world.federation.faults(&hospital()).unwrap();
    faults.hold();
    let token = only(doctor(), &[Section::Allergies, Section::Conditions]).sign(&world.federation).unwrap();
    let message = signed(&world, &query(&world, token));
    let read = async { until(|| world.reads(&hospital()) == 1).await };
    tokio::select! {
        answered = ask(&world, message) => panic!("answered: {answered:?}"),
        () = read => {}
    }
    until(|| occupancy.connections() == 1).await;
    assert_eq!(occupancy.requests(), 2, "the source is still read");
    faults.let_go();
    until(|| occupancy.requests() == 1).await;
    assert_eq!(world.node_entries(&hospital()).pop().unwrap().entry.kind, Kind::Answer);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_view_ends_when_nobody_listens_any_more_and_what_was_released_stays_recorded() {
    let world = World::of(three(allergic_to("penicillin"), store(), store())).await;
    let faults = world.federation.faults(&hospital()).unwrap();
    faults.hold();
    let id = SpiffeId::viewer(world.federation.name(), &practice(), APP).unwrap();
    let links = world.federation.links(&id).unwrap();
    let link = links.link(&world.federation.broker_address(), world.federation.broker_id()).await.unwrap();
    let token = doctor().sign(&world.federation).unwrap();
    let mut request = tonic::Request::new(WatchSummaryRequest::default());
    let bearer = format!("Bearer {}", token.expose()).parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    let origin = http::Uri::from_static("http://broker.weald");
    let mut updates = RecordServiceClient::with_origin(link, origin).watch_summary(request).await.unwrap().into_inner();
    updates.message().await.unwrap().unwrap();
    until(|| world.reads(&hospital()) == 1).await;
    let occupancy = world.federation.broker_occupancy();
    assert_eq!(occupancy.requests(), 1);

    let hung_up = tokio::time::Instant::now();
    drop(updates);
    until(|| occupancy.requests() == 0).await;
    assert!(hung_up.elapsed() < limit::SOURCE_DEADLINE - Duration::from_secs(1), "{:?}", hung_up.elapsed());
    assert!(!world.broker_entries_of(Kind::Release).is_empty());
    faults.let_go();
    until(|| world.node_entries(&hospital()).iter().any(|read| read.entry.kind == Kind::Answer)).await;
    world.end().await;
}
