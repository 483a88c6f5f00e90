//! Fifth step: a plan that refers to every item exactly once. Pure: answers in, plan out.
//!
//! Groups only what is identical; clinical grouping is another plan version. Never depends on the order
//! in which answers came.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weald_proto::plan::{Group, ItemRef, SectionPlan, SetAsideReason};
use weald_proto::wire::item::Detail;
use weald_proto::{Digest, MergePlan, OdsCode, Section, wire};

use crate::ask::Heard;
use crate::identical::content;

/// Name of these rules.
pub const VERSION: &str = "identical/1";

/// Plans one view.
pub fn merge(heard: &BTreeMap<OdsCode, Heard>) -> MergePlan {
    let mut by_section: BTreeMap<Section, Vec<(ItemRef, &wire::Item)>> = BTreeMap::new();
    for (organisation, heard) in heard {
        let Some(said) = &heard.said else { continue };
        for (section, items) in said.verified.sections() {
            let refs =
                (0u32..).zip(items).map(|(index, item)| (ItemRef { organisation: organisation.clone(), index }, item));
            by_section.entry(section).or_default().extend(refs);
        }
    }
    let sections = by_section.into_iter().map(|(section, items)| plan(section, &items)).collect();
    MergePlan { version: VERSION.to_owned(), sections }
}

/// Plans one section.
fn plan(section: Section, items: &[(ItemRef, &wire::Item)]) -> SectionPlan {
    let newest = newest_versions(items);
    let mut groups: BTreeMap<Digest, Vec<(ItemRef, &wire::Item)>> = BTreeMap::new();
    let mut set_aside = Vec::new();
    for (item, told) in items {
        if told.entered_in_error {
            set_aside.push((item.clone(), SetAsideReason::EnteredInError));
        } else if superseded(item, told, &newest) {
            set_aside.push((item.clone(), SetAsideReason::Superseded));
        } else {
            groups.entry(content(told)).or_default().push((item.clone(), told));
        }
    }
    let ordered: BTreeMap<_, Group> = groups
        .into_iter()
        .map(|(digest, members)| {
            let last = members.iter().all(|(_, item)| comes_last(item));
            let when = members.iter().map(|(_, item)| date_of(item)).max().unwrap_or_default();
            let group = Group { items: members.into_iter().map(|(item, _)| item).collect() };
            ((last, Reverse(when.to_owned()), digest), group)
        })
        .collect();
    let groups = ordered.into_values().collect();
    SectionPlan { section, groups, set_aside }
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

type Versions<'a> = BTreeMap<(&'a OdsCode, &'a str, &'a str), (&'a str, u64, &'a str)>;

/// What tells versions of one record apart: when it was made, then its number.
fn version_of(item: &wire::Item) -> (&str, u64, &str) {
    (&item.source_updated, item.source_version.parse().unwrap_or(0), &item.source_version)
}

/// For each record that one source sent more than once, its newest version.
fn newest_versions<'a>(items: &'a [(ItemRef, &'a wire::Item)]) -> Versions<'a> {
    let mut newest: Versions<'a> = BTreeMap::new();
    let mut seen: BTreeSet<(&OdsCode, &str, &str)> = BTreeSet::new();
    let mut twice = BTreeSet::new();
    for (item, told) in items {
        let Some(record) = record_of(item, told) else { continue };
        if !seen.insert(record) {
            twice.insert(record);
        }
        let version = version_of(told);
        let best = newest.entry(record).or_insert(version);
        *best = (*best).max(version);
    }
    newest.retain(|record, _| twice.contains(record));
    newest
}

/// What makes two items versions of one record: source, system and record id. An item without a
/// version is never superseded.
fn record_of<'a>(item: &'a ItemRef, told: &'a wire::Item) -> Option<(&'a OdsCode, &'a str, &'a str)> {
    let versioned = !told.source_version.is_empty() || !told.source_updated.is_empty();
    (versioned && !told.source_record_id.is_empty()).then_some((
        &item.organisation,
        told.source_system.as_str(),
        told.source_record_id.as_str(),
    ))
}

fn superseded(item: &ItemRef, told: &wire::Item, newest: &Versions<'_>) -> bool {
    record_of(item, told).and_then(|record| newest.get(&record)).is_some_and(|newest| version_of(told) < *newest)
}
