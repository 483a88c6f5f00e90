//! Whose answer a section needs before it may be called complete. One rule, for broker and client alike.

use std::collections::{BTreeMap, BTreeSet};

use weald_proto::{OdsCode, OrganisationKind, Section};

use crate::Register;

/// Every active member of one register, as one view must account for it.
///
/// - *Named* members are those of a kind that holds something which this requester may see.
/// - All others are *unnamed*: counted by kind, so that a mental-health trust, say, is not pointed
///   at for somebody who may see nothing of it.
/// - A named member is *expected* in each permitted section that it holds, if it is located or always asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    named: BTreeSet<OdsCode>,
    unnamed: BTreeMap<OrganisationKind, u32>,
    sections: BTreeMap<Section, BTreeSet<OdsCode>>,
}

impl Expected {
    /// Whom to expect when these sections are permitted, and those members are not located.
    pub fn of(register: &Register, permitted: &BTreeSet<Section>, not_located: &BTreeSet<OdsCode>) -> Self {
        let kinds: BTreeSet<OrganisationKind> = register
            .active_members()
            .filter(|member| !member.sections.is_disjoint(permitted))
            .map(|member| member.kind)
            .collect();
        let mut expected = Expected { named: BTreeSet::new(), unnamed: BTreeMap::new(), sections: BTreeMap::new() };
        for section in permitted {
            expected.sections.insert(*section, BTreeSet::new());
        }
        for member in register.active_members() {
            if !kinds.contains(&member.kind) {
                *expected.unnamed.entry(member.kind).or_default() += 1;
                continue;
            }
            expected.named.insert(member.organisation.clone());
            if not_located.contains(&member.organisation) && !member.always_ask {
                continue;
            }
            for section in member.sections.intersection(permitted) {
                expected.sections.entry(*section).or_default().insert(member.organisation.clone());
            }
        }
        expected
    }

    /// Members that have an outcome of their own.
    pub fn named(&self) -> &BTreeSet<OdsCode> {
        &self.named
    }

    /// Members that are only counted, by kind.
    pub fn unnamed(&self) -> &BTreeMap<OrganisationKind, u32> {
        &self.unnamed
    }

    /// The organisations whose answer a section needs; none if it is not permitted.
    pub fn of_section(&self, section: Section) -> &BTreeSet<OdsCode> {
        static NOBODY: BTreeSet<OdsCode> = BTreeSet::new();
        self.sections.get(&section).unwrap_or(&NOBODY)
    }
}
