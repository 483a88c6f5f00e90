//! Kept answers that a broker presents: only with the controller's leave, and only for the same question.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use weald_proto::{JobRole, Purpose, RelationshipKind, limit, wire};
use weald_tests::federation::AssertionDraft;
use weald_viewer::{SummaryError, View, ViewError};

use crate::forger::{Forgers, asked, hospitals, hospitals_answer};
use crate::world::{hospital, other_patient};

/// Sees one view as `before`, and puts the hospital's answer of that view into the next one.
async fn presented(forgers: &Forgers, before: &AssertionDraft, as_cached: bool, wait: u64) -> Result<View, ViewError> {
    let kept: Arc<Mutex<Option<wire::VerbatimAnswer>>> = Arc::default();
    let keep = Arc::clone(&kept);
    forgers.broker.forges(move |mut summary| {
        *keep.lock().unwrap() = hospitals(&mut summary).answer.clone();
        summary
    });
    forgers.see(before).await.expect("the earlier view");
    forgers.world.clock.advance(Duration::from_secs(wait));
    let forgery = move |summary: &mut wire::Summary| {
        let earlier = kept.lock().unwrap().clone().unwrap();
        *hospitals_answer(summary) = wire::VerbatimAnswer { cached: as_cached, ..earlier };
    };
    forgers.forge(forgery).await
}

fn error(result: Result<View, ViewError>) -> SummaryError {
    match result {
        Err(ViewError::Summary(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_assertion_passes_only_as_kept_and_only_for_the_same_question() {
    let forgers = Forgers::lending(30).await;
    let kept = presented(&forgers, &asked(), true, 5).await.unwrap();
    assert!(kept.organisations()[&hospital()].is_cached(), "kept with leave");
    forgers.world.clock.advance(limit::CACHE_CEILING);

    let same = error(presented(&forgers, &asked(), false, 0).await);
    assert_eq!(same, SummaryError::OtherQuestion(hospital()), "a kept answer that is not called one");
    let nurse = AssertionDraft { role: Some(JobRole::parse("R8001").unwrap()), ..asked() };
    assert_eq!(error(presented(&forgers, &nurse, true, 0).await), SummaryError::OtherQuestion(hospital()));
    let about_another = AssertionDraft { patient: other_patient(), ..asked() };
    assert_eq!(error(presented(&forgers, &about_another, true, 0).await), SummaryError::OtherQuestion(hospital()));
    let coordination = AssertionDraft { purpose: Purpose::Coordination, ..asked() };
    assert_eq!(error(presented(&forgers, &coordination, true, 0).await), SummaryError::OtherQuestion(hospital()));
    let other_reason = AssertionDraft { relationship: Some(RelationshipKind::CareTeamMember), ..asked() };
    assert_eq!(error(presented(&forgers, &other_reason, true, 0).await), SummaryError::OtherQuestion(hospital()));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_kept_longer_than_its_controller_grants_is_refused() {
    let forgers = Forgers::lending(30).await;
    let skew = limit::CLOCK_SKEW.as_secs();
    assert!(presented(&forgers, &asked(), true, 30 + skew).await.is_ok(), "clocks may differ");
    let late = error(presented(&forgers, &asked(), true, 31 + skew).await);
    assert_eq!(late, SummaryError::Old(hospital()));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_kept_without_a_grant_is_refused() {
    let forgers = Forgers::gather().await;
    assert_eq!(error(presented(&forgers, &asked(), true, 0).await), SummaryError::Old(hospital()));
    forgers.world.end().await;
}
