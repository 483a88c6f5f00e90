//! Organisations that send very much: it costs them, and nobody else.

use tokio::time::Instant;
use weald_proto::{Outcome, Section, limit, wire};

use crate::world::{World, allergic_to, doctor, hospital, item, only, patient, practice, shown, store, three};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_record_that_is_sent_twenty_thousand_times_delays_no_view() {
    let same = item("a1", "latex");
    let many = store().holds(&patient(), Section::Allergies, vec![same; limit::ITEMS]);
    let world = World::of(three(allergic_to("penicillin"), many, store())).await;
    let began = Instant::now();
    let view = world.view(&only(doctor(), &[Section::Allergies])).await.unwrap();
    // What has to end is the broker's own work, which its deadline cannot cut off; the client's comes after it.
    assert!(began.elapsed() < limit::VIEW_DEADLINE * 2, "{:?}", began.elapsed());
    assert_eq!(view.organisations()[&practice()].outcome(), Outcome::Answered);
    assert!(shown(&view, Section::Allergies).contains(&(practice().to_string(), "a1".to_owned())));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_holds_so_many_items_over_all_its_sections_and_says_what_was_cut() {
    let sections = [Section::Allergies, Section::Conditions];
    let items = |prefix: &str| (0..limit::ITEMS - 1).map(|n| item(&format!("{prefix}{n}"), "x")).collect::<Vec<_>>();
    let many = store().holds(&patient(), sections[0], items("a")).holds(&patient(), sections[1], items("c"));
    let world = World::of(three(store(), many, store())).await;
    let view = world.view(&only(doctor(), &sections)).await.unwrap();
    let statement = view.organisations()[&hospital()].statement().unwrap();
    let counts: Vec<(u32, u32)> = sections
        .iter()
        .map(|section| (statement.sections[section].item_count, statement.sections[section].cut_items))
        .collect();
    let all = u32::try_from(limit::ITEMS).unwrap();
    assert_eq!(counts, [(all - 1, 0), (1, all - 2)]);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_answer_holds_no_more_elements_than_may_be_and_says_what_was_cut() {
    let codes = |so_many| wire::Item { codes: vec![wire::Coding::default(); so_many], ..item("a1", "x") };
    // The first two fill it, to the last element.
    let items = vec![codes(limit::ELEMENTS / 2 - 1), codes(limit::ELEMENTS / 2 - 1), codes(0)];
    let world = World::of(three(store(), store().holds(&patient(), Section::Allergies, items), store())).await;
    let view = world.view(&only(doctor(), &[Section::Allergies])).await.unwrap();
    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Answered);
    let stated = &came.statement().unwrap().sections[&Section::Allergies];
    assert_eq!((stated.item_count, stated.cut_items), (2, 1));
    world.end().await;
}
