//! One section of a view: it cannot be read without looking at how complete it is.

use std::fmt;

use weald_proto::plan::{ItemRef, SetAsideReason};
use weald_proto::{Completeness, OdsCode, Section, Statement, wire};

use crate::view::{Decision, View};

/// One section of a view.
pub enum SectionView<'a> {
    /// Every expected organisation gave its full word and nothing is held back: only here does an
    /// empty list mean that there is none, and [`Completeness::state`] says whether anybody asserted it.
    Complete {
        /// Entries in the order in which they should be shown.
        entries: Vec<Entry<'a>>,
        /// Items that are kept and not shown among the entries.
        set_aside: Vec<(Told<'a>, SetAsideReason)>,
        /// What the section amounts to.
        completeness: &'a Completeness,
    },
    /// Somebody did not answer, or something is held back: whatever is here is not all, and an
    /// empty list says nothing.
    Incomplete {
        /// Entries in the order in which they should be shown.
        entries: Vec<Entry<'a>>,
        /// Items that are kept and not shown among the entries.
        set_aside: Vec<(Told<'a>, SetAsideReason)>,
        /// Who is missing.
        completeness: &'a Completeness,
    },
    /// The requester may not see it.
    NotPermitted(&'a Decision),
    /// No organisation holds it, so nobody was asked: nothing is known.
    NobodyHoldsIt,
}

/// One entry: the same thing, told by one or more sources.
pub struct Entry<'a> {
    /// The items that tell of it; never empty.
    pub told: Vec<Told<'a>>,
}

/// One item, with who tells it.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The organisation.
    pub organisation: &'a OdsCode,
    /// What it stated of its answer: how fresh it is, when it was read.
    pub statement: &'a Statement,
    /// The item, as the source holds it.
    pub item: &'a wire::Item,
}

impl<'a> SectionView<'a> {
    pub(crate) fn of(view: &'a View, section: Section) -> Option<Self> {
        let decision = view.decisions.get(&section)?;
        let completeness = view.completeness.get(&section)?;
        if decision.grant.level == weald_proto::Level::None {
            return Some(SectionView::NotPermitted(decision));
        }
        if completeness.expected.is_empty() {
            return Some(SectionView::NobodyHoldsIt);
        }
        let plan = view.plan.sections.iter().find(|plan| plan.section == section);
        let groups = plan.map(|plan| plan.groups.as_slice()).unwrap_or_default();
        let aside = plan.map(|plan| plan.set_aside.as_slice()).unwrap_or_default();
        let entries = groups
            .iter()
            .map(|group| Entry { told: group.items.iter().filter_map(|item| told(view, section, item)).collect() })
            .collect();
        let set_aside = aside.iter().filter_map(|(item, reason)| Some((told(view, section, item)?, *reason))).collect();
        Some(if completeness.is_complete() {
            SectionView::Complete { entries, set_aside, completeness }
        } else {
            SectionView::Incomplete { entries, set_aside, completeness }
        })
    }
}

/// The item that a reference points at. The plan was checked: every reference has one.
fn told<'a>(view: &'a View, section: Section, item: &'a ItemRef) -> Option<Told<'a>> {
    let answer = view.organisations.get(&item.organisation)?.answer.as_ref()?;
    let index = usize::try_from(item.index).ok()?;
    Some(Told {
        organisation: &item.organisation,
        statement: answer.statement(),
        item: answer.items(section).get(index)?,
    })
}

impl fmt::Debug for SectionView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SectionView::Complete { .. } => "Complete",
            SectionView::Incomplete { .. } => "Incomplete",
            SectionView::NotPermitted(_) => "NotPermitted",
            SectionView::NobodyHoldsIt => "NobodyHoldsIt",
        })
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} sources)", self.told.len())
    }
}

impl fmt::Debug for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Told({})", self.organisation)
    }
}
