//! What fits into one summary is decided before it is recorded as released.

use std::collections::BTreeMap;

use prost::Message as _;
use weald_proto::{OdsCode, limit};

use crate::ask::Heard;
use crate::room::Capacity;
use crate::summary::outcome_message;

/// Kept for everything of a summary that is of no one organisation: decisions with their words, kinds, receipt, ...
const REST: usize = 1 << 20;
/// ... and for each organisation, in what is said of how complete each section is: its code of at most 12 letters, a tag
/// and a length, in each of four lists.
const NAMED: usize = 14 * 4 * limit::SECTIONS;
/// What a plan says of an item beside its organisation: tags, lengths, its index, and a group of its own.
const PLANNED: usize = 24;
/// A tag and a length around each outcome, and its digest in the receipt.
const FRAME: usize = 48;

/// How full a summary is.
#[derive(Debug)]
pub(crate) struct Filling {
    filled: usize,
    capacity: Capacity,
}

impl Filling {
    /// Nothing yet is in it of so many organisations.
    pub(crate) fn of(organisations: usize, capacity: Capacity) -> Self {
        Filling { filled: organisations.saturating_mul(NAMED).saturating_add(REST), capacity }
    }

    /// Puts in what came of an organisation, if there is room.
    pub(crate) fn holds(&mut self, heard: &Heard) -> bool {
        let filled = self.filled.saturating_add(most_bytes(heard));
        // Who says nothing takes next to nothing up, and nobody goes without a word.
        let fits = heard.said.is_none() || filled <= self.capacity.summary;
        if fits {
            self.filled = filled;
        }
        fits
    }
}

/// Leaves out the answers that do not fit into one summary. The smallest have room first, so that as many are shown
/// as can be; of the same size, those whose organisation comes first.
pub(crate) fn fit(heard: BTreeMap<OdsCode, Heard>, capacity: Capacity) -> BTreeMap<OdsCode, Heard> {
    let mut filling = Filling::of(heard.len(), capacity);
    let mut by_size: Vec<Heard> = heard.into_values().collect();
    // Stable, and in order of organisation before.
    by_size.sort_by_key(|one| (one.said.is_some(), most_bytes(one)));
    let fitted = by_size.into_iter().map(|one| if filling.holds(&one) { one } else { one.left_out() });
    fitted.map(|one| (one.organisation.clone(), one)).collect()
}

/// What an organisation takes up in a summary, at most: its outcome, and its items in the plan.
fn most_bytes(heard: &Heard) -> usize {
    let items = heard.said.as_ref().map_or(0, |said| said.outline.items());
    let planned = items.saturating_mul(heard.organisation.as_str().len().saturating_add(PLANNED));
    outcome_message(heard, true).encoded_len().saturating_add(planned).saturating_add(FRAME)
}
