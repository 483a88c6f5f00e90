//! A plan that refers to every item exactly once. Pure: answers in, plan out.
//!
//! Groups only what is identical; clinical grouping is another plan version. Never depends on the order
//! in which answers came. The broker makes the plan, and the client makes it again and holds the two
//! against each other: nobody in the middle can set an item aside or hide it behind another.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::identical::{content, says_nothing};
use crate::plan::{Group, ItemRef, SectionPlan, SetAsideReason};
use crate::version::{Version, Versions};
use crate::wire::item::Detail;
use crate::{Digest, MergePlan, OdsCode, Section, VerifiedAnswer, wire};

/// Name of these rules.
pub const VERSION: &str = "identical/1";

/// An item with its place.
type Placed<'a> = (ItemRef, &'a wire::Item);

/// Plans one view.
pub fn merge<'a>(answers: impl IntoIterator<Item = (&'a OdsCode, &'a VerifiedAnswer)>) -> MergePlan {
    let mut by_section: BTreeMap<Section, Vec<Placed<'a>>> = BTreeMap::new();
    for (organisation, answer) in answers {
        for (section, items) in answer.sections() {
            let place = |(index, item)| (ItemRef { organisation: organisation.clone(), index }, item);
            by_section.entry(section).or_default().extend((0u32..).zip(items).map(place));
        }
    }
    let sections = by_section.into_iter().map(|(section, mut items)| {
        items.sort_by(|one, other| one.0.cmp(&other.0));
        plan(section, &items)
    });
    MergePlan { version: VERSION.to_owned(), sections: sections.collect() }
}

/// Plans one section.
fn plan(section: Section, items: &[Placed<'_>]) -> SectionPlan {
    let versions = versions(items);
    let mut groups: BTreeMap<(Digest, Option<ItemRef>), Vec<Placed<'_>>> = BTreeMap::new();
    let mut set_aside = Vec::new();
    for (item, told) in items {
        if told.entered_in_error {
            set_aside.push((item.clone(), SetAsideReason::EnteredInError));
        } else if is_superseded(item, told, &versions) {
            set_aside.push((item.clone(), SetAsideReason::Superseded));
        } else {
            // Two items of which nothing is left but whom to ask may well be two things.
            let alone = says_nothing(told).then(|| item.clone());
            groups.entry((content(told), alone)).or_default().push((item.clone(), told));
        }
    }
    let ordered: BTreeMap<_, Group> = groups
        .into_iter()
        .map(|(key, members)| {
            let last = members.iter().all(|(_, item)| comes_last(item));
            let when = members.iter().map(|(_, item)| date_of(item)).max().unwrap_or_default();
            let group = Group { items: members.into_iter().map(|(item, _)| item).collect() };
            ((last, Reverse(when.to_owned()), key), group)
        })
        .collect();
    SectionPlan { section, groups: ordered.into_values().collect(), set_aside }
}

/// What says that there is none, and what has ended, comes after what there is (domain rules, ordering).
fn comes_last(item: &wire::Item) -> bool {
    let (negation, ended) = match &item.detail {
        Some(Detail::Allergy(allergy)) => (allergy.is_negation, allergy.ended),
        Some(Detail::Medication(medication)) => (medication.is_negation, false),
        Some(Detail::Condition(condition)) => (condition.is_negation, false),
        _ => (false, false),
    };
    negation || ended || matches!(item.status.as_str(), "stopped" | "inactive" | "resolved" | "remission" | "ended")
}

/// The newest date that an item has: newest entries come first.
fn date_of(item: &wire::Item) -> &str {
    [&item.recorded_at, &item.effective_start, &item.effective_end].into_iter().max().map_or("", String::as_str)
}

/// What makes two items versions of one record: source, system, record id, and what it is. A record
/// whose codes changed is shown beside what it was: an id alone is too little to hide anything by.
type Record<'a> = (&'a OdsCode, &'a str, &'a str, Vec<(&'a str, &'a str)>);

fn record_of<'a>(item: &'a ItemRef, told: &'a wire::Item) -> Option<Record<'a>> {
    let codes = told.codes.iter().map(|coding| (coding.system.as_str(), coding.code.as_str())).collect();
    (!told.source_record_id.is_empty()).then_some((
        &item.organisation,
        told.source_system.as_str(),
        told.source_record_id.as_str(),
        codes,
    ))
}

/// Every version of each record that one source sent more than once.
fn versions<'a>(items: &'a [Placed<'a>]) -> BTreeMap<Record<'a>, Versions> {
    let mut versions: BTreeMap<Record<'a>, Vec<Version>> = BTreeMap::new();
    for (item, told) in items.iter().filter(|(_, told)| !told.entered_in_error) {
        if let Some(record) = record_of(item, told) {
            versions.entry(record).or_default().push(Version::of(told));
        }
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(record, versions)| (record, Versions::of(&versions))).collect()
}

fn is_superseded(item: &ItemRef, told: &wire::Item, versions: &BTreeMap<Record<'_>, Versions>) -> bool {
    let Some(others) = record_of(item, told).and_then(|record| versions.get(&record)) else { return false };
    others.hold_newer(&Version::of(told))
}
