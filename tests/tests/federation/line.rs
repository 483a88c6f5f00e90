//! Questions of one viewer app to one organisation that wait in line for each other.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::Status;
use weald_audit::Kind;
use weald_certs::Link;
use weald_proto::service::GetSummaryRequest;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::{NoAnswer, Outcome, OutcomeReason, Section, SpiffeId, wire};
use weald_tests::federation::APP;

use crate::world::{World, allergic_to, doctor, hospital, only, practice, store, three, until};

/// Questions of one viewer app that are under way at one organisation (docs/limits.md, `QUESTIONS`).
const QUESTIONS: u64 = 8;

/// One view of the practice's app, which waits no longer than that.
async fn view(world: &World, link: Link, within: Option<Duration>) -> Result<wire::Summary, Status> {
    let token = only(doctor(), &[Section::Allergies]).sign(&world.federation).unwrap();
    let mut request = tonic::Request::new(GetSummaryRequest::default());
    request.metadata_mut().insert("authorization", format!("Bearer {}", token.expose()).parse().unwrap());
    if let Some(within) = within {
        request.set_timeout(within);
    }
    let mut client = RecordServiceClient::with_origin(link, http::Uri::from_static("http://broker.weald"));
    client.get_summary(request).await.map(|answered| answered.into_inner().summary.unwrap())
}

/// The hospital's outcome.
fn hospitals(summary: &wire::Summary) -> (Outcome, &str, &str) {
    let outcome = summary.outcomes.iter().find(|outcome| outcome.organisation == hospital().to_string()).unwrap();
    (Outcome::from_wire(outcome.outcome).unwrap(), &outcome.reason_code, &outcome.reason_text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_was_never_sent_is_not_held_against_the_organisation() {
    let world = Arc::new(World::of(three(store(), allergic_to("latex"), store())).await);
    let app = SpiffeId::viewer(world.federation.name(), &practice(), APP).unwrap();
    let links = world.federation.links(&app).unwrap();
    let link = links.link(&world.federation.broker_address(), world.federation.broker_id()).await.unwrap();
    // It reads, and then says nothing.
    world.federation.node_log_faults(&hospital()).unwrap().stall();
    let mut before = JoinSet::new();
    for _ in 0..QUESTIONS {
        let (world, link) = (Arc::clone(&world), link.clone());
        before.spawn(async move { view(&world, link, None).await.unwrap() });
    }
    until(|| world.reads(&hospital()) == QUESTIONS).await;

    let summary = view(&world, link, Some(Duration::from_millis(700))).await.unwrap();
    let waited = NoAnswer::NotSentInTime;
    assert_eq!(hospitals(&summary), (Outcome::TimedOut, waited.as_str(), waited.text()));
    assert_eq!(world.reads(&hospital()), QUESTIONS, "it was not asked");
    let release = world.broker_entries_of(Kind::Release).pop().unwrap().entry;
    let recorded = release.outcomes.iter().find(|outcome| outcome.organisation == hospital()).unwrap();
    assert_eq!((recorded.reason, recorded.query_digest), (Some(OutcomeReason::Broker(waited)), None));

    for summary in before.join_all().await {
        let asked = NoAnswer::TimedOut;
        assert_eq!(hospitals(&summary), (Outcome::TimedOut, asked.as_str(), asked.text()));
    }
    world.federation.node_log_faults(&hospital()).unwrap().resume();
    Arc::into_inner(world).unwrap().end().await;
}
