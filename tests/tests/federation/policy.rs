//! Controllers stay controllers: an organisation's own policies narrow what it releases, and nothing widens it.

use weald_proto::{Level, Outcome, Reason, RolledState, Section, SectionState, WithheldReason, limit};
use weald_tests::federation::AssertionDraft;
use weald_viewer::SectionView;

use crate::world::{World, allergic_to, doctor, hospital, item, patient, practice, shown, store, three};

/// The hospital has policies of its own.
async fn with_own(policies: &str) -> World {
    World::attempted(members(policies), |builder| builder).await.unwrap()
}

fn members(policies: &str) -> Vec<weald_tests::federation::MemberSpec> {
    let hospitals = allergic_to("latex").holds(&patient(), Section::MentalHealth, vec![item("mh1", "Crisis plan")]);
    let practices = allergic_to("penicillin").holds(&patient(), Section::MentalHealth, vec![item("mh2", "Low mood")]);
    let mut members = three(practices, hospitals, store());
    members[1].local_policies = Some(policies.to_owned());
    members
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_an_organisation_forbids_is_withheld_by_it_alone_and_announced() {
    let world = with_own(
        r#"@id("rvv-mental-health")
           @reason("this trust releases mental health to nobody outside it")
           forbid (principal, action, resource == Section::"mental_health")
           unless { context.requester_organisation == Organisation::"RVV" };"#,
    )
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let stated = &view.organisations()[&hospital()].statement().unwrap().sections[&Section::MentalHealth];
    assert_eq!((stated.state, stated.item_count, stated.level), (SectionState::Withheld, 0, Level::None));
    assert_eq!(stated.withheld_reason, Some(WithheldReason::Policy));
    assert_eq!(stated.reason_text, "this trust releases mental health to nobody outside it");
    assert_eq!(shown(&view, Section::MentalHealth), [(practice().to_string(), "mh2".to_owned())]);
    let Some(SectionView::Incomplete { completeness, .. }) = view.section(Section::MentalHealth) else {
        panic!("what is withheld is missing")
    };
    assert_eq!(completeness.withheld, [hospital()].into());
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })), "nothing else is");

    let own = AssertionDraft { organisation: hospital(), ..doctor() };
    let view = world.view(&own).await.unwrap();
    assert_eq!(shown(&view, Section::MentalHealth).len(), 2, "to its own doctor it is released");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_of_any_length_is_told_as_far_as_it_fits_and_costs_no_answer() {
    let long = "this trust says a great deal ".repeat(100);
    let forbid = r#"forbid (principal, action, resource == Section::"mental_health");"#;
    let world = with_own(&format!("@id(\"rvv-mental-health\") @reason(\"{long}\") {forbid}")).await;
    let view = world.view(&doctor()).await.unwrap();
    let stated = &view.organisations()[&hospital()].statement().unwrap().sections[&Section::MentalHealth];
    assert_eq!(stated.state, SectionState::Withheld);
    assert_eq!(stated.reason_text.chars().count(), limit::REASON_CHARS);
    assert!(long.starts_with(&stated.reason_text));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_an_organisation_forbids_leaves_the_levels_below_it() {
    let world = with_own(
        r#"@id("rvv-no-narrative")
           @reason("this trust sends no narrative")
           forbid (principal, action == Action::"full", resource == Section::"mental_health");"#,
    )
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let stated = &view.organisations()[&hospital()].statement().unwrap().sections[&Section::MentalHealth];
    assert_eq!((stated.state, stated.item_count, stated.level), (SectionState::Present, 1, Level::Summary));
    let stated = &view.organisations()[&practice()].statement().unwrap().sections[&Section::MentalHealth];
    assert_eq!(stated.level, Level::Full);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_may_refuse_a_named_other_altogether_and_says_so_under_its_signature() {
    let world = with_own(
        r#"@id("rvv-not-g99001")
           @reason("this trust has ended its agreement with that practice")
           forbid (principal, action, resource)
           when { context.requester_organisation == Organisation::"G99001" };"#,
    )
    .await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(world.reads(&hospital()), 0, "what is refused is not read");
    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Refused);
    let statement = came.statement().expect("a signed refusal");
    assert_eq!(statement.reason_code, Reason::PolicyRefused.as_str());
    assert!(statement.reason_text.contains("has ended its agreement"), "{}", statement.reason_text);
    assert_eq!(came.reason_text(), statement.reason_text);
    assert!(statement.sections.is_empty());
    assert_eq!(shown(&view, Section::Allergies), [(practice().to_string(), "a1".to_owned())]);
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Incomplete { .. })));
    assert_eq!(view.completeness()[&Section::Results].state, RolledState::Unknown);
    let entry = world.node_entries(&hospital()).pop().unwrap().entry;
    assert_eq!((entry.kind, entry.reason), (weald_audit::Kind::Answer, Some(Reason::PolicyRefused)));
    assert_eq!(entry.outcomes[0].outcome, Outcome::Refused);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_cannot_permit_more_than_the_baseline() {
    let permit = r#"@id("rvv-everything") @reason("we are generous") permit (principal, action, resource);"#;
    let error = World::attempted(members(permit), |builder| builder).await.err().expect("refused at start");
    let error = format!("{error:#}");
    assert!(error.contains("local.cedar") && error.contains("rvv-everything"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_names_the_policies_that_made_it() {
    let forbid = r#"@id("rvv-none") @reason("no") forbid (principal, action, resource == Section::"location");"#;
    let world = with_own(forbid).await;
    let view = world.view(&doctor()).await.unwrap();
    let version = |code| view.organisations()[&code].statement().unwrap().policy_version.clone();
    assert!(version(hospital()).starts_with(&version(practice())));
    assert_ne!(version(hospital()), version(practice()));
    world.end().await;
}
