//! What a broker remembers, for whom, and for how long.

use std::collections::BTreeSet;
use std::time::Duration;

use weald_audit::Kind;
use weald_proto::{Assertion, JobRole, Purpose, RelationshipKind, Requester, Section, SignedAssertion, limit};
use weald_tests::federation::AssertionDraft;
use weald_viewer::View;

use crate::world::{
    World, allergic_to, community, doctor, hospital, only, other_patient, practice, shown, store, three, until,
};

/// Three members that let their answers be kept for that many seconds.
async fn lending(seconds: u32) -> World {
    let known = |source: weald_tests::federation::MemoryStore| source.knows(&other_patient());
    let mut members = three(known(allergic_to("penicillin")), known(allergic_to("latex")), known(store()));
    members.iter_mut().for_each(|member| member.cache_seconds = seconds);
    World::of(members).await
}

fn are_cached(view: &View) -> bool {
    view.organisations().values().all(|came| came.is_cached())
}

fn none_cached(view: &View) -> bool {
    view.organisations().values().all(|came| !came.is_cached())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_view_of_the_same_is_served_from_memory_and_recorded_again() {
    let world = lending(30).await;
    let first = world.view(&doctor()).await.unwrap();
    assert!(none_cached(&first));
    let second = world.view(&doctor()).await.unwrap();
    assert!(are_cached(&second));
    assert_eq!(world.all_reads(), 3, "nobody was asked again");
    assert_eq!(second.plan(), first.plan());
    assert_eq!(shown(&second, Section::Allergies), shown(&first, Section::Allergies));
    assert_ne!(second.audit_digest(), first.audit_digest());
    assert_eq!(world.broker_entries_of(Kind::Intent).len(), 2, "decided and recorded again");
    let releases = world.broker_entries_of(Kind::Release);
    let cached: Vec<bool> = releases.iter().map(|entry| entry.entry.outcomes.iter().all(|came| came.cached)).collect();
    assert_eq!(cached, [false, true]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_remembered_without_a_grant() {
    let world = lending(0).await;
    world.view(&doctor()).await.unwrap();
    assert!(none_cached(&world.view(&doctor()).await.unwrap()));
    assert_eq!(world.all_reads(), 6);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organisations_grant_is_not_anothers() {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members[1].cache_seconds = 30;
    let world = World::of(members).await;
    world.view(&doctor()).await.unwrap();
    let second = world.view(&doctor()).await.unwrap();
    let cached: BTreeSet<_> =
        second.organisations().iter().filter(|(_, came)| came.is_cached()).map(|(code, _)| code.clone()).collect();
    assert_eq!(cached, [hospital()].into());
    assert_eq!([practice(), hospital(), community()].map(|code| world.reads(&code)), [2, 1, 2]);
    world.end().await;
}

/// A view by somebody else at the practice.
async fn by_another_user(world: &World) -> View {
    let mut claims: Assertion = doctor().claims(&world.federation).unwrap();
    let Requester::Professional { user, .. } = &mut claims.requester else { panic!("a professional") };
    *user = "u-2".to_owned();
    let token = SignedAssertion::sign(&claims, world.federation.assertion_key(&practice()).unwrap());
    world.federation.viewer(&practice()).unwrap().view(&token, &BTreeSet::new()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_remembered_for_exactly_the_same_question() {
    let world = lending(30).await;
    world.view(&doctor()).await.unwrap();
    let mut asked = world.all_reads();
    assert!(none_cached(&by_another_user(&world).await));
    asked += 3;
    assert_eq!(world.all_reads(), asked, "another user");
    let others = [
        ("another role", AssertionDraft { role: Some(JobRole::parse("R0260").unwrap()), ..doctor() }),
        ("another purpose", AssertionDraft { purpose: Purpose::Coordination, ..doctor() }),
        ("another relationship", AssertionDraft { relationship: Some(RelationshipKind::CareTeamMember), ..doctor() }),
        ("fewer sections", only(doctor(), &[Section::Allergies])),
        ("another person", AssertionDraft { patient: other_patient(), ..doctor() }),
        ("another organisation", AssertionDraft { organisation: hospital(), ..doctor() }),
        ("the person themselves", AssertionDraft::own(practice(), crate::world::patient())),
    ];
    for (what, draft) in others {
        assert!(none_cached(&world.view(&draft).await.unwrap()), "{what}");
        asked += 3;
        assert_eq!(world.all_reads(), asked, "{what}");
        assert!(are_cached(&world.view(&draft).await.unwrap()), "{what}, asked again");
    }
    assert!(are_cached(&world.view(&doctor()).await.unwrap()), "and the first is still there");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_ends_when_the_grant_does() {
    let world = lending(20).await;
    world.view(&doctor()).await.unwrap();
    world.clock.advance(Duration::from_millis(19_999));
    assert!(are_cached(&world.view(&doctor()).await.unwrap()));
    world.clock.advance(Duration::from_millis(1));
    assert!(none_cached(&world.view(&doctor()).await.unwrap()));
    assert_eq!(world.all_reads(), 6);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_ends_after_a_minute_whatever_the_grant() {
    let world = lending(86_400).await;
    world.view(&doctor()).await.unwrap();
    world.clock.advance(limit::CACHE_CEILING - Duration::from_millis(1));
    assert!(are_cached(&world.view(&doctor()).await.unwrap()));
    world.clock.advance(Duration::from_millis(1));
    assert!(none_cached(&world.view(&doctor()).await.unwrap()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_remembered() {
    let world = lending(30).await;
    world.federation.faults(&hospital()).unwrap().broken(true);
    world.view(&doctor()).await.unwrap();
    world.federation.faults(&hospital()).unwrap().broken(false);
    let second = world.view(&doctor()).await.unwrap();
    assert!(!second.organisations()[&hospital()].is_cached());
    assert_eq!(shown(&second, Section::Allergies).len(), 2);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_the_same_at_the_same_time_ask_once() {
    let world = lending(30).await;
    world.view(&AssertionDraft { patient: other_patient(), ..doctor() }).await.expect("a view that shows who lends");
    let (read, intended) = (world.reads(&hospital()), world.broker_entries_of(Kind::Intent).len());
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let draft = doctor();
    let (one, two, three, ()) = tokio::join!(world.view(&draft), world.view(&draft), world.view(&draft), async {
        until(|| held.reads() > read && world.broker_entries_of(Kind::Intent).len() == intended + 3).await;
        held.let_go();
    });
    let views = [one.unwrap(), two.unwrap(), three.unwrap()];
    assert_eq!(world.all_reads(), 6, "one question to each");
    let asked = views.iter().filter(|view| !view.organisations()[&hospital()].is_cached()).count();
    assert_eq!(asked, 1);
    for view in &views {
        assert_eq!(shown(view, Section::Allergies).len(), 2);
        assert_eq!(view.plan(), views[0].plan());
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_may_be_kept_no_view_waits_for_another() {
    let world = lending(0).await;
    let held = world.federation.faults(&hospital()).unwrap().clone();
    held.hold();
    let draft = doctor();
    let (one, two, ()) = tokio::join!(world.view(&draft), world.view(&draft), async {
        until(|| held.reads() == 2).await;
        held.let_go();
    });
    for view in [one.unwrap(), two.unwrap()] {
        assert!(none_cached(&view));
        assert_eq!(shown(&view, Section::Allergies).len(), 2, "neither cost the other anything");
    }
    world.end().await;
}
