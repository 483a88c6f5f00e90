//! Which items of a section pass a filter.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use weald_proto::wire::item::Detail;
use weald_proto::{Filter, Predicate, Section, Timestamp, wire};

use crate::date::{a_year_before, extent, happened};
use crate::label::{is_kept_from_person, is_released, is_third_party};
use crate::plan::{is_end_of_life_or_crisis, is_risk_or_crisis};
use crate::status::{has_ended, is_current};

/// How many items "last three" are.
const LAST: usize = 3;

/// Classes of contact that end with a discharge (v3-ActCode).
const STAYS: &[&str] = &["IMP", "EMER", "ACUTE", "NONAC", "SS", "OBSENC"];

/// The class of an appointment.
const APPOINTMENT: &str = "APPT";

/// The items for which every predicate holds, in the source's order. Each predicate is evaluated on
/// the source's whole list of the section, so that "last three" means the last three that there are.
pub(crate) fn apply(filter: &Filter, section: Section, items: Vec<wire::Item>, now: Timestamp) -> Vec<wire::Item> {
    let mut passing: BTreeSet<usize> = (0..items.len()).collect();
    for predicate in filter.predicates() {
        let holds = holding(predicate, section, &items, now);
        passing.retain(|index| holds.contains(index));
    }
    let strips_notes = filter.asks(Predicate::NotThirdParty) && section == Section::RelatedPeople;
    let passed = items.into_iter().enumerate().filter(|(index, _)| passing.contains(index)).map(|(_, item)| item);
    if strips_notes { passed.map(without_notes).collect() } else { passed.collect() }
}

/// The indices of the items for which one predicate holds.
fn holding(predicate: Predicate, section: Section, items: &[wire::Item], now: Timestamp) -> BTreeSet<usize> {
    match predicate {
        Predicate::LastThree => newest(items, LAST, |item| !item.entered_in_error),
        Predicate::LastDischarge => last_discharge(items, now),
        Predicate::Recent => {
            let since = a_year_before(now);
            each(items, |item| since.is_some_and(|since| happened(item).is_some_and(|at| at.end > since)))
        }
        Predicate::Active => each(items, |item| is_current(section, item, now)),
        Predicate::Appointments => each(items, is_appointment),
        Predicate::RiskAndCrisis => each(items, is_risk_or_crisis),
        Predicate::EndOfLifeAndCrisis => each(items, is_end_of_life_or_crisis),
        Predicate::Released => each(items, is_released),
        Predicate::NotThirdParty => each(items, |item| !is_third_party(item)),
        Predicate::NotKeptFromPerson => each(items, |item| !is_kept_from_person(item)),
    }
}

fn each(items: &[wire::Item], holds: impl Fn(&wire::Item) -> bool) -> BTreeSet<usize> {
    items.iter().enumerate().filter(|(_, item)| holds(item)).map(|(index, _)| index).collect()
}

/// The newest of those that count; what has no date is older than everything.
fn newest(items: &[wire::Item], count: usize, counts: impl Fn(&wire::Item) -> bool) -> BTreeSet<usize> {
    let mut order: Vec<_> = items.iter().enumerate().filter(|(_, item)| counts(item)).collect();
    order.sort_by_key(|(_, item)| Reverse(happened(item)));
    order.into_iter().take(count).map(|(index, _)| index).collect()
}

fn last_discharge(items: &[wire::Item], now: Timestamp) -> BTreeSet<usize> {
    let discharges = items.iter().enumerate().filter(|(_, item)| is_discharge(item, now));
    let when = |item: &wire::Item| extent(&item.effective_end).or_else(|| happened(item));
    discharges.max_by_key(|(_, item)| when(item)).map(|(index, _)| index).into_iter().collect()
}

/// A contact that is over and was a stay, or says how the person was discharged.
fn is_discharge(item: &wire::Item, now: Timestamp) -> bool {
    let Some(Detail::Encounter(encounter)) = &item.detail else { return false };
    let status = item.status.trim().to_ascii_lowercase();
    let happened_not = matches!(status.as_str(), "cancelled" | "planned" | "booked" | "noshow" | "entered-in-error");
    let is_over = matches!(status.as_str(), "finished" | "completed" | "discharged") || has_ended(item, now);
    let is_stay = encounter.class.as_ref().is_some_and(|class| is_one_of(&class.code, STAYS));
    !item.entered_in_error && !happened_not && is_over && (is_stay || !encounter.discharge_method.is_empty())
}

fn is_appointment(item: &wire::Item) -> bool {
    let Some(Detail::Encounter(encounter)) = &item.detail else { return false };
    encounter.class.as_ref().is_some_and(|class| is_one_of(&class.code, &[APPOINTMENT]))
}

fn is_one_of(code: &str, codes: &[&str]) -> bool {
    codes.iter().any(|known| code.trim().eq_ignore_ascii_case(known))
}

/// Notes about next of kin are notes about somebody else.
fn without_notes(item: wire::Item) -> wire::Item {
    wire::Item { notes: Vec::new(), ..item }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{HANDLING, NOPAT, RELEASED, THIRD_PARTY};

    /// 2026-11-22T16:00:00Z.
    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn dated(id: &str, effective_start: &str) -> wire::Item {
        wire::Item { source_record_id: id.into(), effective_start: effective_start.into(), ..wire::Item::default() }
    }

    fn contact(id: &str, class: &str, status: &str, end: &str) -> wire::Item {
        let class = Some(wire::Coding { code: class.into(), ..Default::default() });
        let detail = Some(Detail::Encounter(wire::Encounter { class, ..Default::default() }));
        wire::Item { status: status.into(), effective_end: end.into(), detail, ..dated(id, "2026-01-01") }
    }

    fn labelled(id: &str, labels: &[(&str, &str)]) -> wire::Item {
        let labels = labels
            .iter()
            .map(|(system, code)| wire::Coding { system: (*system).into(), code: (*code).into(), ..Default::default() })
            .collect();
        wire::Item { labels, ..dated(id, "") }
    }

    fn coded(id: &str, code: &str, text: &str) -> wire::Item {
        let codes = vec![wire::Coding { code: code.into(), ..Default::default() }];
        wire::Item { codes, text: text.into(), ..dated(id, "") }
    }

    /// The ids that pass, in order.
    fn passing(predicates: &[Predicate], section: Section, items: Vec<wire::Item>) -> Vec<String> {
        let filter = Filter::of(predicates.iter().copied());
        apply(&filter, section, items, NOW).into_iter().map(|item| item.source_record_id).collect()
    }

    #[test]
    fn the_last_three_are_the_newest_three_in_the_sources_order() {
        let items = vec![
            dated("a", "2020"),
            dated("b", "2026-02-01"),
            dated("c", "2026-03-01T09:00:00+01:00"),
            dated("d", ""),
            wire::Item { recorded_at: "2026-01-15".into(), ..dated("e", "") },
            wire::Item { entered_in_error: true, ..dated("f", "2026-04-01") },
        ];
        assert_eq!(passing(&[Predicate::LastThree], Section::Encounters, items), ["b", "c", "e"]);
    }

    #[test]
    fn recent_is_twelve_months_and_what_has_no_date_is_not_recent() {
        let items = vec![
            dated("exactly", "2025-11-22T16:00:00Z"),
            dated("before", "2025-11-22T15:59:59Z"),
            dated("that day", "2025-11-22"),
            dated("the day before", "2025-11-21"),
            dated("that year", "2025"),
            dated("never", ""),
        ];
        assert_eq!(passing(&[Predicate::Recent], Section::Results, items), ["exactly", "that day", "that year"]);
    }

    #[test]
    fn each_predicate_sees_the_whole_list_and_all_must_hold() {
        let ended = |id: &str, date: &str| wire::Item { status: "resolved".into(), ..dated(id, date) };
        let items = vec![
            dated("a", "2026-01-01"),
            ended("b", "2026-02-01"),
            ended("c", "2026-03-01"),
            dated("d", "2026-04-01"),
        ];
        let both = [Predicate::Active, Predicate::LastThree];
        assert_eq!(passing(&both, Section::Conditions, items), ["d"]);
    }

    #[test]
    fn the_last_discharge_is_the_newest_stay_that_is_over() {
        let items = vec![
            contact("ward", "IMP", "finished", "2026-02-01"),
            contact("emergency", "EMER", "finished", "2026-10-01"),
            contact("clinic", "AMB", "finished", "2026-11-01"),
            contact("now", "IMP", "in-progress", ""),
            contact("called off", "IMP", "cancelled", "2026-11-02"),
        ];
        assert_eq!(passing(&[Predicate::LastDischarge], Section::Encounters, items), ["emergency"]);
    }

    #[test]
    fn a_contact_that_says_how_it_was_discharged_is_a_discharge_whatever_its_class() {
        let said = |mut item: wire::Item| {
            if let Some(Detail::Encounter(encounter)) = &mut item.detail {
                encounter.discharge_method = "home".into();
            }
            item
        };
        let items = vec![said(contact("a", "", "", "2026-05-01")), contact("b", "", "", "2026-06-01")];
        assert_eq!(passing(&[Predicate::LastDischarge], Section::Encounters, items), ["a"]);
        assert!(passing(&[Predicate::LastDischarge], Section::Encounters, Vec::new()).is_empty());
    }

    #[test]
    fn appointments_are_told_by_their_class() {
        let items = vec![contact("a", "APPT", "booked", ""), contact("b", "AMB", "finished", "")];
        assert_eq!(passing(&[Predicate::Appointments], Section::Encounters, items), ["a"]);
    }

    #[test]
    fn risk_and_crisis_are_told_by_kind_code_or_name() {
        let of_kind = |id: &str, kind: &str| {
            let detail = Some(Detail::MentalHealth(wire::MentalHealth { kind: kind.into(), ..Default::default() }));
            wire::Item { detail, ..dated(id, "") }
        };
        let items = vec![
            of_kind("risk", "risk"),
            of_kind("crisis", "crisis-plan"),
            of_kind("episode", "episode"),
            coded("coded", "736253002", ""),
            coded("named", "", "Crisis plan"),
            coded("other", "35489007", "Depressive disorder"),
        ];
        assert_eq!(
            passing(&[Predicate::RiskAndCrisis], Section::MentalHealth, items),
            ["risk", "crisis", "coded", "named"]
        );
    }

    #[test]
    fn end_of_life_and_crisis_plans_are_told_by_code_category_or_title() {
        let planned = |id: &str, category: &str, title: &str| {
            let categories = vec![wire::Coding { code: category.into(), ..Default::default() }];
            let plan = wire::CarePlan { categories, title: title.into(), ..Default::default() };
            wire::Item { detail: Some(Detail::CarePlan(plan)), ..dated(id, "") }
        };
        let items = vec![
            planned("by category", "736373009", ""),
            planned("by title", "734163000", "Advance care plan"),
            planned("diet", "734163000", "Diet"),
            coded("by code", "1382601000000107", ""),
        ];
        assert_eq!(
            passing(&[Predicate::EndOfLifeAndCrisis], Section::CarePlans, items),
            ["by category", "by title", "by code"]
        );
    }

    #[test]
    fn only_a_release_releases_and_nopat_overrules_it() {
        let items = vec![
            labelled("released", &[(HANDLING, RELEASED)]),
            labelled("unlabelled", &[]),
            labelled("another system", &[("https://elsewhere.example", RELEASED)]),
            labelled("kept", &[(HANDLING, RELEASED), ("http://terminology.hl7.org/CodeSystem/v3-ActCode", NOPAT)]),
        ];
        assert_eq!(passing(&[Predicate::Released], Section::Results, items), ["released"]);
    }

    #[test]
    fn what_is_kept_from_the_person_is_kept_whatever_the_system_is_called() {
        let items = vec![labelled("a", &[("", "nopat")]), labelled("b", &[("", "N")])];
        assert_eq!(passing(&[Predicate::NotKeptFromPerson], Section::Medications, items), ["b"]);
    }

    #[test]
    fn what_tells_of_others_is_left_out_and_next_of_kin_lose_their_notes() {
        let noted = |id: &str| wire::Item { notes: vec!["a note".into()], ..dated(id, "") };
        let items = || vec![labelled("other", &[("", THIRD_PARTY)]), noted("noted")];
        let filter = Filter::of([Predicate::NotThirdParty]);
        let kin = apply(&filter, Section::RelatedPeople, items(), NOW);
        assert_eq!(kin.len(), 1);
        assert!(kin[0].notes.is_empty());
        let conditions = apply(&filter, Section::Conditions, items(), NOW);
        assert_eq!(conditions.len(), 1);
        assert_eq!(conditions[0].notes.len(), 1);
    }

    #[test]
    fn the_empty_filter_passes_everything() {
        assert_eq!(passing(&[], Section::Alerts, vec![dated("a", ""), dated("b", "")]), ["a", "b"]);
    }
}
