//! A broker that forges: whatever it sends that the answers do not bear out, the client refuses.
//!
//! Each forgery puts right everything around it that a broker can put right by itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use prost::Message as _;
use weald_proto::{
    AnswerError, Digest, JobRole, Level, Outcome, PlanError, RolledState, Section, VerifyError, limit, wire,
};
use weald_tests::federation::AssertionDraft;
use weald_viewer::{SectionView, SummaryError, View, ViewError, Viewer};

use crate::impostor::LyingBroker;
use crate::world::{
    World, allergic_to, community, doctor, hospital, item, only, other_patient, patient, practice, shown, store, three,
};

/// A federation whose broker forges what it sends to one app.
struct Forgers {
    world: World,
    broker: LyingBroker,
    viewer: Viewer,
}

impl Forgers {
    async fn gather() -> Self {
        Forgers::lending(0).await
    }

    /// Members let their answers be kept for that many seconds.
    async fn lending(cache_seconds: u32) -> Self {
        let hospitals = allergic_to("latex").holds(&patient(), Section::Conditions, vec![item("c1", "Asthma")]);
        let practices = allergic_to("penicillin").knows(&other_patient());
        let mut members = three(practices, hospitals.knows(&other_patient()), store().knows(&other_patient()));
        members.iter_mut().for_each(|member| member.cache_seconds = cache_seconds);
        let world = World::of(members).await;
        let (broker, address) = LyingBroker::beside(&world).await;
        let viewer = world.federation.viewer_at(&practice(), &address).unwrap();
        Forgers { world, broker, viewer }
    }

    async fn see(&self, draft: &AssertionDraft) -> Result<View, ViewError> {
        self.viewer.view(&draft.sign(&self.world.federation).unwrap(), &BTreeSet::new()).await
    }

    /// What the client makes of that forgery.
    async fn forge(&self, mut forgery: impl FnMut(&mut wire::Summary) + Send + 'static) -> Result<View, ViewError> {
        self.broker.forges(move |mut summary| {
            forgery(&mut summary);
            put_right(&mut summary);
            summary
        });
        self.see(&asked()).await
    }

    /// What the client says of that forgery, which it must refuse.
    async fn refused(&self, forgery: impl FnMut(&mut wire::Summary) + Send + 'static) -> SummaryError {
        match self.forge(forgery).await {
            Err(ViewError::Summary(error)) => error,
            other => panic!("not refused: {other:?}"),
        }
    }
}

fn asked() -> AssertionDraft {
    only(doctor(), &[Section::Allergies, Section::Conditions, Section::Results])
}

/// The receipt of what is in the summary now.
fn put_right(summary: &mut wire::Summary) {
    let plan = Digest::of(&summary.plan.as_ref().map(wire::MergePlan::encode_to_vec).unwrap_or_default());
    let statements = summary.outcomes.iter().filter_map(|outcome| {
        let statement = outcome.answer.as_ref()?.answer.as_ref()?.statement.as_ref()?;
        Some(Digest::of(&statement.payload).to_vec())
    });
    let statements = statements.collect();
    if let Some(receipt) = &mut summary.receipt {
        receipt.plan_digest = plan.to_vec();
        receipt.statement_digests = statements;
    }
}

/// What came of the hospital.
fn hospitals(summary: &mut wire::Summary) -> &mut wire::OrganisationOutcome {
    let hospital = hospital().to_string();
    summary.outcomes.iter_mut().find(|outcome| outcome.organisation == hospital).expect("the hospital")
}

fn hospitals_answer(summary: &mut wire::Summary) -> &mut wire::VerbatimAnswer {
    hospitals(summary).answer.as_mut().expect("its answer")
}

fn plan_of(summary: &mut wire::Summary, section: Section) -> &mut wire::SectionPlan {
    let plan = summary.plan.as_mut().expect("a plan");
    plan.sections.iter_mut().find(|plan| plan.section == section.to_wire()).expect("a plan of that section")
}

fn completeness_of(summary: &mut wire::Summary, section: Section) -> &mut wire::SectionCompleteness {
    summary.completeness.iter_mut().find(|one| one.section == section.to_wire()).expect("its completeness")
}

/// Leaves the hospital out of the plan.
fn forget_hospital(summary: &mut wire::Summary) {
    let hospital = hospital().to_string();
    let plan = summary.plan.as_mut().expect("a plan");
    for section in &mut plan.sections {
        section.groups.iter_mut().for_each(|group| group.items.retain(|item| item.organisation != hospital));
        section.groups.retain(|group| !group.items.is_empty());
    }
    plan.sections.retain(|section| !section.groups.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_summary_from_the_same_place_is_shown() {
    let forgers = Forgers::gather().await;
    let view = forgers.forge(|_| ()).await.unwrap();
    assert_eq!(shown(&view, Section::Allergies).len(), 2);
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_left_out_doubled_or_invented_is_noticed() {
    let forgers = Forgers::gather().await;
    let dropped = |summary: &mut wire::Summary| {
        let hospital = hospital().to_string();
        summary.outcomes.retain(|outcome| outcome.organisation != hospital);
        forget_hospital(summary);
    };
    assert_eq!(forgers.refused(dropped).await, SummaryError::Unaccounted);
    let doubled = |summary: &mut wire::Summary| {
        let again = summary.outcomes[1].clone();
        summary.outcomes.insert(1, again);
    };
    assert_eq!(forgers.refused(doubled).await, SummaryError::Unaccounted);
    let invented = |summary: &mut wire::Summary| {
        let silent = wire::OrganisationOutcome { organisation: "X99".into(), outcome: 8, ..Default::default() };
        summary.outcomes.push(silent);
    };
    assert_eq!(forgers.refused(invented).await, SummaryError::Unaccounted);
    let counted = |summary: &mut wire::Summary| {
        summary.unnamed.push(wire::UnnamedOrganisations { kind: "community".into(), count: 1 });
    };
    assert_eq!(forgers.refused(counted).await, SummaryError::Unaccounted);
    let reordered = |summary: &mut wire::Summary| summary.outcomes.reverse();
    assert_eq!(forgers.refused(reordered).await, SummaryError::Unaccounted);
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organisations_answer_does_not_pass_for_anothers() {
    let forgers = Forgers::gather().await;
    let swapped = |summary: &mut wire::Summary| {
        let [practices, _, communitys] = &mut summary.outcomes[..] else { panic!("three") };
        std::mem::swap(&mut practices.answer, &mut communitys.answer);
    };
    let error = forgers.refused(swapped).await;
    assert_eq!(error, SummaryError::Query(practice(), VerifyError::WrongSignature));
    let answers_swapped = |summary: &mut wire::Summary| {
        let [practices, _, communitys] = &mut summary.outcomes[..] else { panic!("three") };
        let (one, other) = (practices.answer.as_mut().unwrap(), communitys.answer.as_mut().unwrap());
        std::mem::swap(&mut one.answer, &mut other.answer);
    };
    let error = forgers.refused(answers_swapped).await;
    assert_eq!(error, SummaryError::Answer(practice(), AnswerError::Statement(VerifyError::WrongSignature)));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_broker_altered_is_not_shown() {
    let forgers = Forgers::gather().await;
    let altered = |summary: &mut wire::Summary| {
        let answer = hospitals_answer(summary).answer.as_mut().unwrap();
        *answer.parts[0].content.last_mut().unwrap() ^= 1;
    };
    let error = forgers.refused(altered).await;
    assert_eq!(error, SummaryError::Answer(hospital(), AnswerError::PartAltered(Section::Allergies)));
    let withheld = |summary: &mut wire::Summary| hospitals_answer(summary).answer.as_mut().unwrap().parts.clear();
    let error = forgers.refused(withheld).await;
    assert_eq!(error, SummaryError::Answer(hospital(), AnswerError::PartMissing(Section::Allergies)));
    let no_query = |summary: &mut wire::Summary| hospitals_answer(summary).query = None;
    assert!(matches!(forgers.refused(no_query).await, SummaryError::Malformed(_)));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_loses_doubles_or_invents_an_item_is_refused() {
    let forgers = Forgers::gather().await;
    let lost = |summary: &mut wire::Summary| {
        plan_of(summary, Section::Allergies).groups.pop();
    };
    assert!(matches!(forgers.refused(lost).await, SummaryError::Plan(PlanError::Lost(Section::Allergies, _))));
    let section_lost = |summary: &mut wire::Summary| {
        summary.plan.as_mut().unwrap().sections.retain(|plan| plan.section != Section::Conditions.to_wire());
    };
    let error = forgers.refused(section_lost).await;
    assert_eq!(error, SummaryError::Plan(PlanError::Lost(Section::Conditions, hospital())));
    let doubled = |summary: &mut wire::Summary| {
        let plan = plan_of(summary, Section::Allergies);
        let again = plan.groups[0].items[0].clone();
        plan.set_aside.push(wire::SetAside { item: Some(again), reason: 1 });
    };
    assert!(matches!(forgers.refused(doubled).await, SummaryError::Plan(PlanError::Twice(Section::Allergies, _))));
    let invented = |summary: &mut wire::Summary| {
        let item = wire::ItemRef { organisation: community().to_string(), index: 0 };
        plan_of(summary, Section::Allergies).groups.push(wire::Group { items: vec![item] });
    };
    let error = forgers.refused(invented).await;
    assert_eq!(error, SummaryError::Plan(PlanError::NoSuchItem(Section::Allergies, community())));
    let empty = |summary: &mut wire::Summary| {
        plan_of(summary, Section::Allergies).groups.push(wire::Group { items: Vec::new() });
    };
    assert_eq!(forgers.refused(empty).await, SummaryError::Plan(PlanError::EmptyGroup(Section::Allergies)));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_is_never_shown_as_more_complete_than_the_answers_make_it() {
    let forgers = Forgers::gather().await;
    let wrong_state = |summary: &mut wire::Summary| {
        completeness_of(summary, Section::Results).state = RolledState::AssertedNone.to_wire();
    };
    assert_eq!(forgers.refused(wrong_state).await, SummaryError::Completeness(Section::Results));
    let fewer_expected = |summary: &mut wire::Summary| {
        completeness_of(summary, Section::Results).expected.pop();
    };
    assert_eq!(forgers.refused(fewer_expected).await, SummaryError::Completeness(Section::Results));
    let left_out = |summary: &mut wire::Summary| summary.completeness.clear();
    assert_eq!(forgers.refused(left_out).await, SummaryError::Completeness(Section::Allergies));
    forgers.world.end().await;
}

/// Says that the hospital could not be reached.
fn keep_back(summary: &mut wire::Summary) {
    let came = hospitals(summary);
    came.outcome = Outcome::Unreachable.to_wire();
    came.answer = None;
    forget_hospital(summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_keeps_an_answer_back_can_only_make_the_view_incomplete() {
    let forgers = Forgers::gather().await;
    assert_eq!(forgers.refused(keep_back).await, SummaryError::Completeness(Section::Allergies));

    let owned_up = |summary: &mut wire::Summary| {
        keep_back(summary);
        let hospital = hospital().to_string();
        for section in &mut summary.completeness {
            section.answered.retain(|code| *code != hospital);
            if section.section != Section::Allergies.to_wire() {
                section.state = RolledState::Unknown.to_wire();
            }
        }
    };
    let view = forgers.forge(owned_up).await.unwrap();
    for section in [Section::Allergies, Section::Conditions, Section::Results] {
        assert!(matches!(view.section(section), Some(SectionView::Incomplete { .. })), "{section}");
        assert_ne!(view.completeness()[&section].state, RolledState::NoneRecorded, "{section}");
    }
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisations_word_needs_its_signature_and_the_brokers_has_none() {
    let forgers = Forgers::gather().await;
    let with_answer = |summary: &mut wire::Summary| hospitals(summary).outcome = Outcome::TimedOut.to_wire();
    assert_eq!(forgers.refused(with_answer).await, SummaryError::Unbacked(hospital()));
    for outcome in [Outcome::Answered, Outcome::NotKnownHere, Outcome::Refused, Outcome::IdentityMismatch] {
        let unsigned = move |summary: &mut wire::Summary| {
            let came = hospitals(summary);
            came.outcome = outcome.to_wire();
            came.answer = None;
            forget_hospital(summary);
        };
        assert_eq!(forgers.refused(unsigned).await, SummaryError::Unbacked(hospital()), "{outcome}");
    }
    let other_word = |summary: &mut wire::Summary| hospitals(summary).outcome = Outcome::NotKnownHere.to_wire();
    assert_eq!(forgers.refused(other_word).await, SummaryError::Unbacked(hospital()));
    let other_reason = |summary: &mut wire::Summary| hospitals(summary).reason_code = "POLICY_REFUSED".into();
    assert_eq!(forgers.refused(other_reason).await, SummaryError::Unbacked(hospital()));
    let other_text = |summary: &mut wire::Summary| hospitals(summary).reason_text = "ask again as a doctor".into();
    assert_eq!(forgers.refused(other_text).await, SummaryError::Unbacked(hospital()));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_under_another_register_is_refused() {
    let forgers = Forgers::gather().await;
    let error = forgers.refused(|summary| summary.register_version += 1).await;
    assert_eq!(error, SummaryError::OtherRegister { theirs: 2, ours: 1 });
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_does_not_fit_is_refused() {
    let forgers = Forgers::gather().await;
    let alterations: [fn(&mut wire::Receipt); 5] = [
        |receipt| receipt.assertion_digest[0] ^= 1,
        |receipt| receipt.plan_digest[0] ^= 1,
        |receipt| receipt.statement_digests[0][0] ^= 1,
        |receipt| drop(receipt.statement_digests.pop()),
        |receipt| receipt.statement_digests.reverse(),
    ];
    for alteration in alterations {
        forgers.broker.forges(move |mut summary| {
            alteration(summary.receipt.as_mut().unwrap());
            summary
        });
        let error = forgers.see(&asked()).await;
        assert!(matches!(error, Err(ViewError::Summary(SummaryError::Receipt))), "{error:?}");
    }
    let missing = forgers.refused(|summary| summary.receipt = None).await;
    assert!(matches!(missing, SummaryError::Malformed(_)));
    forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_those_of_the_sections_asked_for_and_no_answer_goes_beyond_them() {
    let forgers = Forgers::gather().await;
    assert_eq!(forgers.refused(|summary| drop(summary.decisions.pop())).await, SummaryError::Decisions);
    let more = |summary: &mut wire::Summary| {
        let again = summary.decisions[0].clone();
        summary.decisions.push(again);
    };
    assert_eq!(forgers.refused(more).await, SummaryError::Decisions);
    let narrowed = |summary: &mut wire::Summary| summary.decisions[0].level = Level::Alert.to_wire();
    assert!(matches!(forgers.refused(narrowed).await, SummaryError::OtherQuestion(_)));
    let denied = |summary: &mut wire::Summary| summary.decisions[0].level = Level::None.to_wire();
    assert!(matches!(forgers.refused(denied).await, SummaryError::OtherQuestion(_)));
    forgers.world.end().await;
}

/// Sees one view as `before`, and puts the hospital's answer of that view into the next one.
async fn presented(forgers: &Forgers, before: &AssertionDraft, as_cached: bool, wait: u64) -> Result<View, ViewError> {
    let kept: Arc<Mutex<Option<wire::VerbatimAnswer>>> = Arc::default();
    let keep = Arc::clone(&kept);
    forgers.broker.forges(move |mut summary| {
        *keep.lock().unwrap() = hospitals(&mut summary).answer.clone();
        summary
    });
    forgers.see(before).await.expect("the earlier view");
    forgers.world.clock.advance(std::time::Duration::from_secs(wait));
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
    let coordination = AssertionDraft { purpose: weald_proto::Purpose::Coordination, ..asked() };
    assert_eq!(error(presented(&forgers, &coordination, true, 0).await), SummaryError::OtherQuestion(hospital()));
    let other_reason = AssertionDraft { relationship: Some(weald_proto::RelationshipKind::CareTeamMember), ..asked() };
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
