//! What a merge needs to know of an answer, in a small part of the memory that its items take up.

use std::collections::BTreeMap;
use std::fmt;

use prost::Message as _;

use crate::identical::{content, says_nothing};
use crate::version::Version;
use crate::wire::item::Detail;
use crate::{Digest, Section, VerifiedAnswer, wire};

/// The outline of one verified answer. Of its items it holds digests and dates, whatever their size.
#[derive(Clone)]
pub struct Outline(BTreeMap<Section, Vec<ItemOutline>>);

/// The outline of one item.
#[derive(Clone)]
pub(crate) struct ItemOutline {
    /// What it says, whoever holds it.
    pub(crate) content: Digest,
    /// Which record it is a version of, among those of its organisation; none if it does not say.
    pub(crate) record: Option<Digest>,
    pub(crate) version: Version,
    /// The newest date that it has: newest entries come first.
    pub(crate) date: Box<str>,
    pub(crate) says_nothing: bool,
    pub(crate) comes_last: bool,
    pub(crate) entered_in_error: bool,
}

impl Outline {
    /// Of an answer whose check has succeeded.
    pub fn of(answer: &VerifiedAnswer) -> Self {
        Outline(
            answer.sections().map(|(section, items)| (section, items.iter().map(ItemOutline::of).collect())).collect(),
        )
    }

    /// The sections that have items.
    pub(crate) fn sections(&self) -> impl Iterator<Item = (Section, &[ItemOutline])> {
        self.0.iter().map(|(section, items)| (*section, items.as_slice()))
    }

    /// Number of items, over all sections.
    pub fn items(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    /// Bytes that it takes up, about.
    pub fn size(&self) -> usize {
        self.0.values().flatten().map(|item| std::mem::size_of::<ItemOutline>() + item.date.len()).sum()
    }
}

impl ItemOutline {
    fn of(item: &wire::Item) -> Self {
        ItemOutline {
            content: content(item),
            record: record(item),
            version: Version::of(item),
            date: date(item).into(),
            says_nothing: says_nothing(item),
            comes_last: comes_last(item),
            entered_in_error: item.entered_in_error,
        }
    }
}

/// What makes two items of one organisation versions of one record: system, record id, and what it is. A record
/// whose codes changed is shown beside what it was: an id alone is too little to hide anything by.
fn record(item: &wire::Item) -> Option<Digest> {
    let code = |coding: &wire::Coding| wire::Coding {
        system: coding.system.clone(),
        code: coding.code.clone(),
        ..wire::Coding::default()
    };
    let named = wire::Item {
        source_system: item.source_system.clone(),
        source_record_id: item.source_record_id.clone(),
        codes: item.codes.iter().map(code).collect(),
        ..wire::Item::default()
    };
    (!item.source_record_id.is_empty()).then(|| Digest::in_context("weald/v1/item-record", &named.encode_to_vec()))
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

fn date(item: &wire::Item) -> &str {
    [&item.recorded_at, &item.effective_start, &item.effective_end].into_iter().max().map_or("", String::as_str)
}

impl fmt::Debug for Outline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outline({} items)", self.items())
    }
}
