//! A plan that refers to every item exactly once. Pure: answers in, plan out.
//!
//! Groups only what is identical; clinical grouping is another plan version. Never depends on the order
//! in which answers came. The broker makes the plan, and the client makes it again and holds the two
//! against each other: nobody in the middle can set an item aside or hide it behind another.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::outline::{ItemOutline, Outline};
use crate::plan::{Group, ItemRef, SectionPlan, SetAsideReason};
use crate::version::{Version, Versions};
use crate::{Digest, MergePlan, OdsCode, Section};

/// Name of these rules.
pub const VERSION: &str = "identical/1";

/// An item with its place.
type Placed<'a> = (ItemRef, &'a ItemOutline);

/// Plans one view.
pub fn merge<'a>(answers: impl IntoIterator<Item = (&'a OdsCode, &'a Outline)>) -> MergePlan {
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
            let alone = told.says_nothing.then(|| item.clone());
            groups.entry((told.content, alone)).or_default().push((item.clone(), told));
        }
    }
    let ordered: BTreeMap<_, Group> = groups
        .into_iter()
        .map(|(key, members)| {
            let last = members.iter().all(|(_, item)| item.comes_last);
            let when = members.iter().map(|(_, item)| &*item.date).max().unwrap_or_default();
            let group = Group { items: members.into_iter().map(|(item, _)| item).collect() };
            ((last, Reverse(when), key), group)
        })
        .collect();
    SectionPlan { section, groups: ordered.into_values().collect(), set_aside }
}

/// A record of one organisation.
type Record<'a> = (&'a OdsCode, Digest);

fn record_of<'a>(item: &'a ItemRef, told: &ItemOutline) -> Option<Record<'a>> {
    told.record.map(|record| (&item.organisation, record))
}

/// Every version of each record that one source sent more than once.
fn versions<'a>(items: &'a [Placed<'a>]) -> BTreeMap<Record<'a>, Versions> {
    let mut versions: BTreeMap<Record<'a>, Vec<Version>> = BTreeMap::new();
    for (item, told) in items.iter().filter(|(_, told)| !told.entered_in_error) {
        if let Some(record) = record_of(item, told) {
            versions.entry(record).or_default().push(told.version);
        }
    }
    let several = versions.into_iter().filter(|(_, versions)| versions.len() > 1);
    several.map(|(record, versions)| (record, Versions::of(&versions))).collect()
}

fn is_superseded(item: &ItemRef, told: &ItemOutline, versions: &BTreeMap<Record<'_>, Versions>) -> bool {
    let Some(others) = record_of(item, told).and_then(|record| versions.get(&record)) else { return false };
    others.hold_newer(&told.version)
}
