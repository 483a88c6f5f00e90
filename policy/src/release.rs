//! The minimum that leaves a node under a permit.

use weald_proto::{Filter, Grant, Level, Section, Timestamp, wire};

use crate::Permit;
use crate::permit::conceals;
use crate::{fields, filter};

/// What is left of one section's items under a permit. Nothing but [`release`] makes one, and only
/// this may be signed.
pub struct Released {
    section: Section,
    grant: Grant,
    items: Vec<wire::Item>,
    removed: usize,
}

/// Reduces the source's whole list of one section to what the permit allows: first the predicates,
/// each on the whole list, then the fields of the level.
///
/// A section that the permit does not hold leaves with nothing. `now` is when the query was made;
/// "recent" counts back from it.
pub fn release(permit: &Permit, section: Section, items: Vec<wire::Item>, now: Timestamp) -> Released {
    let held = items.len();
    let grant = permit.grant(section).cloned().unwrap_or_else(Grant::none);
    let passed =
        if grant.level == Level::None { Vec::new() } else { filter::apply(&grant.filter, section, items, now) };
    let items: Vec<_> = passed.into_iter().map(|item| fields::keep(grant.level, item)).collect();
    let removed = held.saturating_sub(items.len());
    Released { section, grant, items, removed }
}

impl Released {
    /// The section.
    pub fn section(&self) -> Section {
        self.section
    }

    /// The level and filter that were applied; level none if the permit does not hold the section.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// How much of each item is left.
    pub fn level(&self) -> Level {
        self.grant.level
    }

    /// Which items were left.
    pub fn filter(&self) -> &Filter {
        &self.grant.filter
    }

    /// The items that leave, in the source's order.
    pub fn items(&self) -> &[wire::Item] {
        &self.items
    }

    /// How many items the source holds that do not leave.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// True if an empty answer must be signed `nothing_to_show`, whether or not anything was removed.
    pub fn conceals(&self) -> bool {
        conceals(&self.grant)
    }

    /// The items, to be encoded and signed, and how many were removed.
    pub fn into_parts(self) -> (Vec<wire::Item>, usize) {
        (self.items, self.removed)
    }
}

impl std::fmt::Debug for Released {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Released({}, {} items, {} removed)", self.section, self.items.len(), self.removed)
    }
}
