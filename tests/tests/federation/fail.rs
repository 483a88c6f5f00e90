//! What fails costs only itself: nodes that are down or slow, sources that break, logs that cannot be written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;
use weald_audit::Kind;
use weald_proto::{
    OdsCode, OrganisationKind, Outcome, Reason, RolledState, Section, SectionState, UnavailableCause, limit,
};
use weald_viewer::{SectionView, View, ViewError};

use crate::world::{
    World, allergic_to, community, doctor, hospital, member, ods, practice, refusal, shown, store, three, until,
};

/// Beyond the deadline of a view, for the way there and back and for busy machines.
const MARGIN: Duration = Duration::from_secs(1);

/// Longer than any view waits.
const TOO_LONG: Duration = Duration::from_secs(60);

async fn four() -> World {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members.push(member(ods("RXY"), OrganisationKind::MentalHealth, store()));
    World::of(members).await
}

/// No section for which `missing` is expected may say that there is none.
fn silent_nowhere(view: &View, missing: &OdsCode) {
    for (section, completeness) in view.completeness() {
        if completeness.expected.contains(missing) {
            let state = completeness.state;
            assert!(!matches!(state, RolledState::NoneRecorded | RolledState::AssertedNone), "{section}: {state}");
            assert!(matches!(view.section(*section), Some(SectionView::Incomplete { .. })), "{section}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_down_and_one_slow_cost_only_themselves() {
    let mut world = four().await;
    world.view(&doctor()).await.expect("a first view, so that links are open");
    world.federation.stop_node(&hospital()).await;
    world.federation.faults(&community()).unwrap().slow_by(TOO_LONG);

    let started = Instant::now();
    let view = world.view(&doctor()).await.unwrap();
    assert!(started.elapsed() < limit::VIEW_DEADLINE + MARGIN, "{:?}", started.elapsed());
    let outcome = |organisation: &OdsCode| view.organisations()[organisation].outcome();
    assert_eq!(outcome(&practice()), Outcome::Answered);
    assert_eq!(outcome(&ods("RXY")), Outcome::Answered);
    assert_eq!(outcome(&hospital()), Outcome::Unreachable);
    assert_eq!(shown(&view, Section::Allergies), [(practice().to_string(), "a1".to_owned())]);
    silent_nowhere(&view, &hospital());
    silent_nowhere(&view, &community());
    for missing in [hospital(), community()] {
        assert!(!view.completeness()[&Section::Allergies].answered.contains(&missing), "{missing}");
    }

    world.federation.restart_node(&hospital()).await.unwrap();
    world.federation.faults(&community()).unwrap().slow_by(Duration::ZERO);
    let view = world.view(&doctor()).await.unwrap();
    assert!(view.organisations().values().all(|came| came.outcome() == Outcome::Answered), "it heals by itself");
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_never_answers_has_timed_out() {
    let world = four().await;
    let stalled = world.federation.node_log_faults(&community()).unwrap().clone();
    stalled.stall();
    let started = Instant::now();
    let view = world.view(&doctor()).await.unwrap();
    assert!(started.elapsed() < limit::VIEW_DEADLINE + MARGIN, "{:?}", started.elapsed());
    assert_eq!(view.organisations()[&community()].outcome(), Outcome::TimedOut);
    silent_nowhere(&view, &community());
    assert_eq!(shown(&view, Section::Allergies).len(), 2, "the others' answers are there");
    stalled.resume();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_makes_its_own_sections_unavailable() {
    let world = four().await;
    world.federation.faults(&hospital()).unwrap().broken(true);
    let view = world.view(&doctor()).await.unwrap();
    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Answered, "its node answers for it");
    for (section, stated) in &came.statement().unwrap().sections {
        assert_eq!(stated.state, SectionState::Unavailable, "{section}");
        assert_eq!(stated.unavailable_cause, Some(UnavailableCause::SourceError), "{section}");
    }
    assert_eq!(shown(&view, Section::Allergies), [(practice().to_string(), "a1".to_owned())]);
    silent_nowhere(&view, &hospital());

    world.federation.faults(&hospital()).unwrap().broken(false);
    let view = world.view(&doctor()).await.unwrap();
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_a_node_whose_log_cannot_be_written() {
    let mut world = four().await;
    world.federation.node_log_faults(&hospital()).unwrap().fail_flushes();
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(world.reads(&hospital()), 1, "it was asked, and read its source");
    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Unreachable);
    assert!(came.statement().is_none());
    assert_eq!(shown(&view, Section::Allergies), [(practice().to_string(), "a1".to_owned())]);
    silent_nowhere(&view, &hospital());

    world.federation.restart_node(&hospital()).await.unwrap();
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_when_the_broker_cannot_write_down_that_it_will() {
    let world = four().await;
    world.federation.broker_log_faults().fail_flushes();
    assert_eq!(refusal(world.view(&doctor()).await).0, Reason::AuditUnavailable);
    assert_eq!(world.all_reads(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_summary_leaves_when_the_broker_cannot_write_down_that_it_does() {
    let world = four().await;
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let draft = doctor();
    let (result, ()) = tokio::join!(world.view(&draft), async {
        until(|| held.reads() == 1).await;
        assert_eq!(world.broker_entries_of(Kind::Intent).len(), 1, "the intent came first");
        world.federation.broker_log_faults().fail_flushes();
        held.let_go();
    });
    assert_eq!(refusal(result).0, Reason::AuditUnavailable);
    assert!(world.all_reads() > 0, "there were answers to be shown");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_watched_view_no_outcome_leaves_before_its_own_release_is_written_down() {
    let world = four().await;
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let token = doctor().sign(&world.federation).unwrap();
    let viewer = world.federation.viewer(&practice()).unwrap();
    let (all, heard) = (BTreeSet::new(), Arc::new(Mutex::new(Vec::new())));
    let each = |update: weald_viewer::Update| {
        let released: BTreeSet<OdsCode> = world
            .broker_entries_of(Kind::Release)
            .into_iter()
            .flat_map(|entry| entry.entry.outcomes)
            .map(|outcome| outcome.organisation)
            .collect();
        assert!(released.contains(&update.organisation), "{} came before its entry", update.organisation);
        heard.lock().unwrap().push(update.organisation);
    };
    let (result, ()) = tokio::join!(viewer.watch(&token, &all, each), async {
        until(|| heard.lock().unwrap().len() == 3).await;
        world.federation.broker_log_faults().fail_flushes();
        held.let_go();
    });
    assert!(matches!(result, Err(ViewError::Refused { reason: Reason::AuditUnavailable, .. })), "{result:?}");
    let heard: Vec<OdsCode> = heard.lock().unwrap().clone();
    assert_eq!(heard.len(), 3);
    assert!(!heard.contains(&hospital()), "the outcome that could not be recorded did not leave");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_view_brings_the_quick_before_the_slow() {
    let world = four().await;
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let token = doctor().sign(&world.federation).unwrap();
    let viewer = world.federation.viewer(&practice()).unwrap();
    let (all, heard) = (BTreeSet::new(), Arc::new(Mutex::new(Vec::new())));
    let each = |update: weald_viewer::Update| heard.lock().unwrap().push(update.organisation);
    let (result, ()) = tokio::join!(viewer.watch(&token, &all, each), async {
        until(|| heard.lock().unwrap().len() == 3).await;
        assert!(!heard.lock().unwrap().contains(&hospital()));
        held.let_go();
    });
    let view = result.unwrap();
    assert_eq!(heard.lock().unwrap().last(), Some(&hospital()));
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    world.end().await;
}
