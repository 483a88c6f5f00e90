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
