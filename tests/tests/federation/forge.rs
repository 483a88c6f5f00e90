//! A broker that forges: whatever it sends that the answers do not bear out, the client refuses.
//!
//! Each forgery puts right everything around it that a broker can put right by itself.

use weald_proto::plan::SetAsideReason;
use weald_proto::{
    AnswerError, Filter, Grant, Level, Outcome, PlanError, Predicate, RolledState, Section, VerifyError, wire,
};
use weald_tests::federation::alter;
use weald_viewer::{SectionView, SummaryError, ViewError};

use crate::forger::{Forgers, asked, completeness_of, forget_hospital, hospitals, hospitals_answer, plan_of};
use crate::node::{ask, query, signed};
use crate::world::{community, hospital, practice, shown};

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
        alter(&mut answer.parts[0].content);
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
async fn a_plan_that_hides_an_item_behind_another_or_aside_is_refused() {
    let forgers = Forgers::gather().await;
    let set_aside = |summary: &mut wire::Summary| {
        let plan = plan_of(summary, Section::Allergies);
        let items = plan.groups.pop().unwrap().items;
        plan.set_aside.extend(items.into_iter().map(|item| wire::SetAside { item: Some(item), reason: 1 }));
    };
    assert_eq!(forgers.refused(set_aside).await, SummaryError::Plan(PlanError::OtherPlan));
    for reason in SetAsideReason::ALL {
        let all_set_aside = |summary: &mut wire::Summary| {
            let plan = plan_of(summary, Section::Allergies);
            let items = plan.groups.drain(..).flat_map(|group| group.items);
            plan.set_aside = items.map(|item| wire::SetAside { item: Some(item), reason: reason.to_wire() }).collect();
        };
        assert_eq!(forgers.refused(all_set_aside).await, SummaryError::Plan(PlanError::OtherPlan), "{reason}");
    }
    let folded = |summary: &mut wire::Summary| {
        let plan = plan_of(summary, Section::Allergies);
        let hidden = plan.groups.pop().unwrap().items;
        plan.groups[0].items.extend(hidden);
    };
    assert_eq!(forgers.refused(folded).await, SummaryError::Plan(PlanError::OtherPlan));
    let reordered = |summary: &mut wire::Summary| plan_of(summary, Section::Allergies).groups.reverse();
    assert_eq!(forgers.refused(reordered).await, SummaryError::Plan(PlanError::OtherPlan));
    let other_rules = |summary: &mut wire::Summary| summary.plan.as_mut().unwrap().version = "identical/0".into();
    assert_eq!(forgers.refused(other_rules).await, SummaryError::Plan(PlanError::OtherRules));
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
async fn nobody_is_left_out_by_calling_them_not_located() {
    let forgers = Forgers::gather().await;
    let not_located = |summary: &mut wire::Summary| {
        keep_back(summary);
        hospitals(summary).outcome = Outcome::NotLocated.to_wire();
        let hospital = hospital().to_string();
        for section in &mut summary.completeness {
            section.expected.retain(|code| *code != hospital);
            section.answered.retain(|code| *code != hospital);
        }
        completeness_of(summary, Section::Conditions).state = RolledState::NoneRecorded.to_wire();
    };
    assert_eq!(forgers.refused(not_located).await, SummaryError::Unaccounted);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_asked_for_less_than_it_says_was_decided_is_refused() {
    let forgers = Forgers::gather().await;
    let full = Grant { level: Level::Full, filter: Filter::default() };
    let last_three = Grant { filter: Filter::of([Predicate::LastThree]), ..full.clone() };
    let alert = Grant { level: Level::Alert, ..full.clone() };
    for (grant, is_honest) in [(full.clone(), true), (last_three, false), (alert, false)] {
        let token = asked().sign(&forgers.world.federation).unwrap();
        let mut asked_for = query(&forgers.world, token.clone());
        asked_for.grants = [Section::Allergies, Section::Conditions].map(|section| (section, full.clone())).into();
        asked_for.grants.insert(Section::Results, grant);
        let message = signed(&forgers.world, &asked_for);
        let answer = ask(&forgers.world, message.clone()).await.expect("an answer to what was asked");
        let verbatim = wire::VerbatimAnswer { query: Some(message), answer: Some(answer), cached: false };
        let seen = forgers.forge_under(&token, move |summary| *hospitals_answer(summary) = verbatim.clone()).await;
        match seen {
            Ok(view) => assert!(is_honest && shown(&view, Section::Allergies).len() == 2),
            Err(ViewError::Summary(error)) => {
                assert_eq!(error, SummaryError::OtherQuestion(hospital()));
                assert!(!is_honest);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    forgers.world.end().await;
}
