//! A merge plan: how items group into entries, by reference.

use std::collections::{BTreeMap, BTreeSet};

use crate::closed::closed_enum;
use crate::{Malformed, OdsCode, Section, bounded, limit, wire};

closed_enum!(
    /// Why an item is not among the entries.
    SetAsideReason, "reason", {
        /// Entered in error.
        EnteredInError = "entered_in_error",
        /// The same source holds a newer version.
        Superseded = "superseded",
    }
);

/// One item: an organisation, and an index into its part of the plan's section.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemRef {
    /// The organisation.
    pub organisation: OdsCode,
    /// Index into its part, from 0.
    pub index: u32,
}

/// One entry: the same thing, told by one or more sources. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The items that tell of it.
    pub items: Vec<ItemRef>,
}

/// The plan of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionPlan {
    /// The section.
    pub section: Section,
    /// Entries in the order in which they should be shown.
    pub groups: Vec<Group>,
    /// Items that are kept and not shown among the entries.
    pub set_aside: Vec<(ItemRef, SetAsideReason)>,
}

/// Groups of items by reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergePlan {
    /// Name of the rules that made it.
    pub version: String,
    /// One plan a section that has items, in order.
    pub sections: Vec<SectionPlan>,
}

/// Why a plan is not a plan of these answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It does not parse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A section twice, or out of order.
    #[error("section {0} stands twice, or out of order")]
    SectionOrder(Section),
    /// An entry of no items.
    #[error("an entry of section {0} refers to nothing")]
    EmptyGroup(Section),
    /// An item that does not exist.
    #[error("section {0} refers to an item that {1} did not send")]
    NoSuchItem(Section, OdsCode),
    /// An item twice.
    #[error("section {0} refers to an item of {1} twice")]
    Twice(Section, OdsCode),
    /// Not the plan that its rules make of these answers.
    #[error("it is not the plan that its rules make of these answers")]
    OtherPlan,
    /// Made by rules that we do not have.
    #[error("it was made by rules that we do not have")]
    OtherRules,
    /// An item never.
    #[error("section {0} does not refer to every item of {1}")]
    Lost(Section, OdsCode),
}

impl MergePlan {
    /// Checks that every item is referred to exactly once. `counts` gives the number of items that
    /// each organisation sent in each section.
    ///
    /// # Errors
    ///
    /// [`PlanError`] naming the first item that is lost, invented or doubled.
    pub fn check(&self, counts: &BTreeMap<(Section, OdsCode), u32>) -> Result<(), PlanError> {
        let mut seen: BTreeSet<(Section, &ItemRef)> = BTreeSet::new();
        let mut last = None;
        for plan in &self.sections {
            if last.is_some_and(|last| last >= plan.section) {
                return Err(PlanError::SectionOrder(plan.section));
            }
            last = Some(plan.section);
            if plan.groups.iter().any(|group| group.items.is_empty()) {
                return Err(PlanError::EmptyGroup(plan.section));
            }
            for item in plan.items() {
                let count = counts.get(&(plan.section, item.organisation.clone())).copied().unwrap_or(0);
                if item.index >= count {
                    return Err(PlanError::NoSuchItem(plan.section, item.organisation.clone()));
                }
                if !seen.insert((plan.section, item)) {
                    return Err(PlanError::Twice(plan.section, item.organisation.clone()));
                }
            }
        }
        let mut found: BTreeMap<(Section, &OdsCode), u32> = BTreeMap::new();
        for (section, item) in seen {
            *found.entry((section, &item.organisation)).or_default() += 1;
        }
        match counts.iter().find(|((section, organisation), count)| {
            **count != found.get(&(*section, organisation)).copied().unwrap_or(0)
        }) {
            Some(((section, organisation), _)) => Err(PlanError::Lost(*section, organisation.clone())),
            None => Ok(()),
        }
    }

    /// For a message.
    pub fn to_wire(&self) -> wire::MergePlan {
        let item = |item: &ItemRef| wire::ItemRef { organisation: item.organisation.to_string(), index: item.index };
        let section = |plan: &SectionPlan| wire::SectionPlan {
            section: plan.section.to_wire(),
            groups: plan
                .groups
                .iter()
                .map(|group| wire::Group { items: group.items.iter().map(item).collect() })
                .collect(),
            set_aside: plan
                .set_aside
                .iter()
                .map(|(aside, reason)| wire::SetAside { item: Some(item(aside)), reason: reason.to_wire() })
                .collect(),
        };
        wire::MergePlan { version: self.version.clone(), sections: self.sections.iter().map(section).collect() }
    }

    /// Parses a message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for an unknown section, reason or organisation, or an absent item.
    pub fn from_wire(wire: &wire::MergePlan) -> Result<Self, Malformed> {
        let item = |item: &wire::ItemRef| -> Result<ItemRef, Malformed> {
            Ok(ItemRef { organisation: OdsCode::parse(&item.organisation)?, index: item.index })
        };
        let group = |group: &wire::Group| -> Result<Group, Malformed> {
            Ok(Group { items: group.items.iter().map(item).collect::<Result<_, _>>()? })
        };
        let aside = |aside: &wire::SetAside| -> Result<(ItemRef, SetAsideReason), Malformed> {
            let of = aside.item.as_ref().ok_or(Malformed::new("set_aside.item", "an item"))?;
            Ok((item(of)?, SetAsideReason::from_wire(aside.reason)?))
        };
        let section = |plan: &wire::SectionPlan| -> Result<SectionPlan, Malformed> {
            Ok(SectionPlan {
                section: Section::from_wire(plan.section)?,
                groups: plan.groups.iter().map(group).collect::<Result<_, _>>()?,
                set_aside: plan.set_aside.iter().map(aside).collect::<Result<_, _>>()?,
            })
        };
        bounded::list("sections", &wire.sections, limit::SECTIONS, "at most 21")?;
        Ok(MergePlan {
            version: bounded::text("version", &wire.version, limit::TEXT_CHARS, "at most 256 characters")?,
            sections: wire.sections.iter().map(section).collect::<Result<_, _>>()?,
        })
    }
}

impl SectionPlan {
    /// Every item it refers to, set aside or not.
    pub fn items(&self) -> impl Iterator<Item = &ItemRef> {
        self.groups.iter().flat_map(|group| &group.items).chain(self.set_aside.iter().map(|(item, _)| item))
    }
}
