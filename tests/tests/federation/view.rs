//! What a view shows, and what it says of what it does not show.

use std::collections::BTreeSet;

use weald_proto::plan::SetAsideReason;
use weald_proto::wire::item::Detail;
use weald_proto::{
    Level, OrganisationKind, Outcome, RolledState, Section, SectionState, SectionStatement, Statement, wire,
};
use weald_tests::federation::{AssertionDraft, MemberSpec, MemoryStore, Source};
use weald_viewer::{SectionView, View};

use crate::world::{
    NOW, World, allergic_to, community, doctor, hospital, item, member, ods, only, other_patient, patient, practice,
    professional, shown, store, three,
};

fn state(view: &View, section: Section) -> RolledState {
    view.completeness()[&section].state
}

fn statement<'a>(view: &'a View, organisation: &weald_proto::OdsCode) -> &'a Statement {
    view.organisations()[organisation].statement().expect("a statement")
}

fn stated<'a>(view: &'a View, organisation: &weald_proto::OdsCode, section: Section) -> &'a SectionStatement {
    &statement(view, organisation).sections[&section]
}

fn pair(organisation: &weald_proto::OdsCode, id: &str) -> (String, String) {
    (organisation.to_string(), id.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_item_of_every_organisation_is_shown_exactly_once() {
    let allergies = |ids: &[&str]| ids.iter().map(|id| item(id, &format!("allergy {id}"))).collect::<Vec<_>>();
    let world = World::of(three(
        store().holds(&patient(), Section::Allergies, allergies(&["a1", "a2", "a3"])),
        store().holds(&patient(), Section::Allergies, allergies(&["a2", "b1"])),
        store().holds(&patient(), Section::Conditions, vec![item("c1", "Asthma")]),
    ))
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let expected: Vec<_> =
        [(practice(), "a1"), (practice(), "a2"), (practice(), "a3"), (hospital(), "a2"), (hospital(), "b1")]
            .iter()
            .map(|(organisation, id)| pair(organisation, id))
            .collect();
    assert_eq!(shown(&view, Section::Allergies), expected);
    assert_eq!(shown(&view, Section::Conditions), [pair(&community(), "c1")]);
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    assert_eq!(state(&view, Section::Allergies), RolledState::Present);
    assert_eq!(state(&view, Section::Results), RolledState::NoneRecorded);
    assert_eq!(view.register_version(), world.federation.register().version());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_view_amounts_to_the_same_as_one_that_was_waited_for() {
    let mut members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    members.push(member(ods("RXY"), OrganisationKind::MentalHealth, MemoryStore::new(NOW)));
    let world = World::of(members).await;
    let draft = doctor();
    let waited = world.view(&draft).await.unwrap();
    let mut updates = Vec::new();
    let token = draft.sign(&world.federation).unwrap();
    let viewer = world.federation.viewer(&draft.organisation).unwrap();
    let watched = viewer.watch(&token, &BTreeSet::new(), |update| updates.push(update)).await.unwrap();

    let outcomes = |view: &View| -> Vec<_> {
        let of = |(code, came): (&weald_proto::OdsCode, &weald_viewer::Organisation)| {
            (code.clone(), came.outcome(), came.statement().map(|stated| stated.sections.clone()))
        };
        view.organisations().iter().map(of).collect()
    };
    assert_eq!(outcomes(&watched), outcomes(&waited));
    assert_eq!(watched.plan(), waited.plan());
    assert_eq!(watched.completeness(), waited.completeness());
    assert_eq!(watched.decisions(), waited.decisions());
    assert_eq!(watched.unnamed(), waited.unnamed());
    for section in Section::ALL {
        assert_eq!(shown(&watched, *section), shown(&waited, *section), "{section}");
    }
    updates.sort_by(|one, other| one.organisation.cmp(&other.organisation));
    let heard: Vec<_> = updates.into_iter().map(|update| (update.organisation, update.outcome)).collect();
    let named: Vec<_> = watched.organisations().iter().map(|(code, came)| (code.clone(), came.outcome())).collect();
    assert_eq!(heard, named, "each organisation was heard of once");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_several_sources_tell_alike_is_one_entry_with_each_source() {
    let told_elsewhere = wire::Item { source_record_id: "h9".into(), ..item("a1", "Allergy to penicillin") };
    let world = World::of(three(
        allergic_to("Allergy to penicillin"),
        store().holds(&patient(), Section::Allergies, vec![told_elsewhere, item("h2", "Allergy to latex")]),
        allergic_to("Allergy to penicillin"),
    ))
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let Some(SectionView::Complete { entries, .. }) = view.section(Section::Allergies) else { panic!("incomplete") };
    let sources = |text: &str| -> Vec<_> {
        let entry = entries.iter().find(|entry| entry.told[0].item.text == text).expect("an entry");
        entry.told.iter().map(|told| pair(told.organisation, &told.item.source_record_id)).collect()
    };
    assert_eq!(entries.len(), 2);
    let penicillin = [pair(&practice(), "a1"), pair(&hospital(), "h9"), pair(&community(), "a1")];
    assert_eq!(sources("Allergy to penicillin"), penicillin);
    assert_eq!(sources("Allergy to latex"), [pair(&hospital(), "h2")]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_in_anything_that_a_clinician_reads_is_never_folded() {
    let resolved = wire::Item { status: "resolved".into(), ..item("a1", "Allergy to penicillin") };
    let noted = wire::Item { notes: vec!["rash in 1987".into()], ..item("a1", "Allergy to penicillin") };
    let world = World::of(three(
        allergic_to("Allergy to penicillin"),
        store().holds(&patient(), Section::Allergies, vec![resolved]),
        store().holds(&patient(), Section::Allergies, vec![noted]),
    ))
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let Some(SectionView::Complete { entries, .. }) = view.section(Section::Allergies) else { panic!("incomplete") };
    assert_eq!(entries.len(), 3);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_and_old_versions_are_set_aside_and_not_lost() {
    let version = |version: &str, text: &str| wire::Item { source_version: version.into(), ..item("m1", text) };
    let error = wire::Item { entered_in_error: true, ..item("a9", "Allergy to water") };
    let world = World::of(three(
        store()
            .holds(
                &patient(),
                Section::Medications,
                vec![version("1", "Ramipril 5 mg"), version("2", "Ramipril 10 mg")],
            )
            .holds(&patient(), Section::Allergies, vec![error, item("a1", "Allergy to latex")]),
        store().holds(&patient(), Section::Medications, vec![version("1", "Ramipril 5 mg")]),
        store(),
    ))
    .await;
    let view = world.view(&doctor()).await.unwrap();
    let aside = |section| match view.section(section) {
        Some(SectionView::Complete { entries, set_aside, .. }) => {
            let texts: BTreeSet<_> = entries.iter().map(|entry| entry.told[0].item.text.clone()).collect();
            let aside: Vec<_> = set_aside
                .iter()
                .map(|(told, reason)| (told.organisation.clone(), told.item.text.clone(), *reason))
                .collect();
            (texts, aside)
        }
        other => panic!("{other:?}"),
    };
    let (entries, set_aside) = aside(Section::Medications);
    assert_eq!(entries, ["Ramipril 10 mg".to_owned(), "Ramipril 5 mg".to_owned()].into(), "the hospital's 1 stays");
    assert_eq!(set_aside, [(practice(), "Ramipril 5 mg".to_owned(), SetAsideReason::Superseded)]);
    let (entries, set_aside) = aside(Section::Allergies);
    assert_eq!(entries, ["Allergy to latex".to_owned()].into());
    assert_eq!(set_aside, [(practice(), "Allergy to water".to_owned(), SetAsideReason::EnteredInError)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_does_not_know_the_person_says_so_and_counts_as_an_answer() {
    let world = World::of(three(allergic_to("penicillin"), MemoryStore::new(NOW), store())).await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::NotKnownHere);
    assert!(statement(&view, &hospital()).sections.is_empty());
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    assert_eq!(state(&view, Section::Conditions), RolledState::NoneRecorded);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_mismatch_releases_nothing_is_named_and_leaves_no_section_complete() {
    let born_otherwise = weald_proto::Patient { birth_date: other_patient().birth_date, ..patient() };
    let mistaken = MemoryStore::new(NOW).knows(&born_otherwise).holds(
        &born_otherwise,
        Section::Allergies,
        vec![item("x1", "Allergy of somebody else")],
    );
    let world = World::of(three(allergic_to("penicillin"), mistaken, store())).await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::IdentityMismatch);
    assert!(statement(&view, &hospital()).sections.is_empty());
    assert_eq!(shown(&view, Section::Allergies), [pair(&practice(), "a1")]);
    for (section, completeness) in view.completeness() {
        assert!(!completeness.answered.contains(&hospital()), "{section}");
        assert!(matches!(view.section(*section), Some(SectionView::Incomplete { .. })), "{section}");
    }
    assert_eq!(state(&view, Section::Conditions), RolledState::Unknown);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_a_role_may_not_see_says_so_with_the_policys_reason_and_is_asked_of_nobody() {
    let world = World::of(three(allergic_to("penicillin"), store(), store())).await;
    let view = world.view(&professional("R8009")).await.unwrap();
    let Some(SectionView::NotPermitted(decision)) = view.section(Section::Allergies) else { panic!("permitted") };
    assert_eq!(decision.grant.level, Level::None);
    assert!(!decision.reason_text.is_empty());
    assert!(matches!(view.section(Section::Demographics), Some(SectionView::Complete { .. })));
    for organisation in [practice(), hospital(), community()] {
        assert!(!statement(&view, &organisation).sections.contains_key(&Section::Allergies), "{organisation}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_section_that_was_not_asked_for_is_not_in_the_view() {
    let world = World::of(three(allergic_to("penicillin"), store(), store())).await;
    let view = world.view(&only(doctor(), &[Section::Conditions])).await.unwrap();
    assert!(view.section(Section::Allergies).is_none());
    assert_eq!(view.completeness().keys().collect::<Vec<_>>(), [&Section::Conditions]);
    assert_eq!(statement(&view, &practice()).sections.keys().collect::<Vec<_>>(), [&Section::Conditions]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_person_an_unreleased_result_and_no_result_look_the_same() {
    let world = World::of(three(
        store().holds(&patient(), Section::Results, vec![item("r1", "A result that nobody has talked about yet")]),
        store(),
        store().says(&patient(), Section::Results, SectionState::AssertedNone, Vec::new()),
    ))
    .await;
    let view = world.view(&AssertionDraft::own(practice(), patient())).await.unwrap();
    let unreleased = stated(&view, &practice(), Section::Results);
    assert_eq!(unreleased.state, SectionState::NothingToShow);
    assert_eq!(unreleased, stated(&view, &hospital(), Section::Results), "none recorded looks the same");
    assert_eq!(unreleased, stated(&view, &community(), Section::Results), "none asserted looks the same");
    assert!(shown(&view, Section::Results).is_empty());
    assert_eq!(state(&view, Section::Results), RolledState::Unknown);
    assert!(matches!(view.section(Section::Results), Some(SectionView::Incomplete { .. })));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_the_person_every_reason_for_an_empty_section_looks_the_same() {
    let states = [SectionState::Unavailable, SectionState::Withheld, SectionState::InTransit, SectionState::Stale];
    for state in states {
        let odd = store().says(&patient(), Section::Results, state, Vec::new());
        let world = World::of(three(store(), odd, store())).await;
        let view = world.view(&AssertionDraft::own(practice(), patient())).await.unwrap();
        let [plain, odd] = [practice(), hospital()].map(|code| stated(&view, &code, Section::Results));
        assert_eq!(odd, plain, "{state}");
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_filter_took_away_is_announced_and_leaves_the_section_incomplete() {
    let dated = |id: &str, date: &str| wire::Item { effective_start: date.into(), ..item(id, "Haemoglobin") };
    let world = World::of(three(
        store().holds(&patient(), Section::Results, vec![dated("r1", "2026-06-01"), dated("r2", "2019-06-01")]),
        store().holds(&patient(), Section::Results, vec![dated("r3", "2026-06-01")]),
        store(),
    ))
    .await;
    let view = world.view(&professional("R1070")).await.unwrap();
    let recent = [pair(&practice(), "r1"), pair(&hospital(), "r3")];
    assert_eq!(shown(&view, Section::Results), recent, "a paramedic sees the last twelve months");
    let Some(SectionView::Incomplete { completeness, .. }) = view.section(Section::Results) else {
        panic!("something was taken away")
    };
    assert_eq!(completeness.withheld, [practice()].into());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_names_only_those_of_its_results_that_are_shown() {
    let dated = |id: &str, date: &str| wire::Item { effective_start: date.into(), ..item(id, "Haemoglobin") };
    let members = vec!["r1".to_owned(), "r2".to_owned()];
    let detail = Detail::Result(wire::Result { members: members.clone(), ..wire::Result::default() });
    let report = wire::Item { detail: Some(detail), ..dated("r0", "2026-06-01") };
    let results = vec![report, dated("r1", "2026-06-01"), dated("r2", "2019-06-01")];
    let world = World::of(three(store().holds(&patient(), Section::Results, results), store(), store())).await;
    let named = |view: &View| match view.section(Section::Results) {
        Some(SectionView::Complete { entries, .. } | SectionView::Incomplete { entries, .. }) => {
            let items = entries.iter().flat_map(|entry| &entry.told).map(|told| told.item);
            let reports = items.filter_map(|item| match &item.detail {
                Some(Detail::Result(result)) if item.source_record_id == "r0" => Some(result.members.clone()),
                _ => None,
            });
            reports.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(named(&world.view(&doctor()).await.unwrap()), [members], "a doctor sees both");
    let view = world.view(&professional("R1070")).await.unwrap();
    assert_eq!(named(&view), [["r1".to_owned()]], "a paramedic does not learn that there was a third");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_of_a_kind_that_holds_nothing_for_the_requester_are_counted_and_not_named() {
    let mental = |code: &str| MemberSpec {
        sections: [Section::MentalHealth].into(),
        ..member(ods(code), OrganisationKind::MentalHealth, store())
    };
    let app = MemberSpec {
        sections: BTreeSet::new(),
        source: Source::None,
        ..member(ods("X1APP"), OrganisationKind::AppProvider, store())
    };
    let mut members = three(store(), store(), store());
    members.extend([mental("RXY"), mental("RWV"), app]);
    let world = World::of(members).await;

    let view = world.view(&professional("R8009")).await.unwrap();
    assert_eq!(view.organisations().keys().cloned().collect::<Vec<_>>(), [practice(), hospital(), community()]);
    let counted: Vec<_> = view.unnamed().iter().map(|(kind, count)| (*kind, *count)).collect();
    assert_eq!(counted, [(OrganisationKind::MentalHealth, 2), (OrganisationKind::AppProvider, 1)]);
    assert_eq!(world.reads(&ods("RXY")) + world.reads(&ods("RWV")), 0);

    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations().len(), 5, "a doctor sees mental health, so its trusts are named");
    assert_eq!(view.unnamed().len(), 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_would_be_too_large_is_cut_at_whole_items_and_says_so() {
    let long = |id: usize| wire::Item { notes: vec!["n".repeat(100_000)], ..item(&format!("d{id}"), "A long letter") };
    let all = 100;
    let hospitals = allergic_to("latex").holds(&patient(), Section::Documents, (0..all).map(long).collect());
    let world = World::of(three(allergic_to("penicillin"), hospitals, store())).await;
    let view = world.view(&only(doctor(), &[Section::Allergies, Section::Documents])).await.unwrap();
    let documents = stated(&view, &hospital(), Section::Documents);
    assert_eq!(documents.state, SectionState::Present);
    assert!(documents.cut_items > 0 && documents.item_count > 0);
    assert_eq!(documents.item_count + documents.cut_items, u32::try_from(all).unwrap());
    assert_eq!(shown(&view, Section::Documents).len(), usize::try_from(documents.item_count).unwrap());
    assert!(matches!(view.section(Section::Documents), Some(SectionView::Incomplete { .. })));
    assert!(matches!(view.section(Section::Allergies), Some(SectionView::Complete { .. })));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_made_under_the_newest_register_and_says_which() {
    let mut world = World::of(three(store(), store(), store())).await;
    assert_eq!(world.view(&doctor()).await.unwrap().register_version(), 1);
    world.federation.publish(|draft| draft.members.retain(|member| member.organisation != community())).unwrap();
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.register_version(), 2);
    assert_eq!(view.organisations().keys().cloned().collect::<Vec<_>>(), [practice(), hospital()]);
    assert_eq!(world.reads(&community()), 1);
    world.end().await;
}
