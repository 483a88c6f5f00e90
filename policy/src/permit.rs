//! A decision that allows something.

use std::collections::{BTreeMap, BTreeSet};

use weald_proto::{Grant, Level, Predicate, Section};

/// What may leave: for each section a level and a filter. A section that is absent may not leave at all.
///
/// Only the engine makes one; whoever holds one can narrow it and never widen it. The record store
/// and the cache take it as proof that somebody decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// INVARIANT (no empty grants): every level here is above none.
    grants: BTreeMap<Section, Grant>,
}

impl Permit {
    pub(crate) fn of(grants: impl IntoIterator<Item = (Section, Grant)>) -> Self {
        Permit { grants: grants.into_iter().filter(|(_, grant)| grant.level > Level::None).collect() }
    }

    /// The sections that may leave, each with its level and filter; none of them at level none.
    pub fn grants(&self) -> &BTreeMap<Section, Grant> {
        &self.grants
    }

    /// What may leave of one section; `None` if nothing may.
    pub fn grant(&self, section: Section) -> Option<&Grant> {
        self.grants.get(&section)
    }

    /// True if nothing may leave.
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Both at once: for each section the narrower level and both filters.
    #[must_use]
    pub fn meet(&self, other: &Permit) -> Permit {
        self.within(&other.grants)
    }

    /// What these grants leave of it: a node narrows its own decision to what the broker's query
    /// left. A section that they do not name is not left.
    #[must_use]
    pub fn within(&self, grants: &BTreeMap<Section, Grant>) -> Permit {
        Permit::of(
            self.grants
                .iter()
                .filter_map(|(section, grant)| grants.get(section).map(|other| (*section, grant.meet(other)))),
        )
    }

    /// What is left of it when only these sections were asked for.
    #[must_use]
    pub fn only(&self, sections: &BTreeSet<Section>) -> Permit {
        Permit::of(
            self.grants
                .iter()
                .filter(|(section, _)| sections.contains(section))
                .map(|(section, grant)| (*section, grant.clone())),
        )
    }

    /// True if nobody may tell this requester whether the section is empty: see [`conceals`].
    pub fn conceals(&self, section: Section) -> bool {
        self.grant(section).is_some_and(conceals)
    }
}

/// True if this grant hides that something is hidden.
///
/// Under such a grant an empty answer must always be signed `nothing_to_show`, whether or not
/// something was removed; any other state would betray what the person, or whoever looks over their
/// shoulder, must not learn (domain rules: proxies may be the abuser).
pub fn conceals(grant: &Grant) -> bool {
    grant.filter.asks(Predicate::Released) || grant.filter.asks(Predicate::NotKeptFromPerson)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weald_proto::Filter;

    fn any_grant() -> impl Strategy<Value = Grant> {
        let filter = prop::collection::vec(prop::sample::select(Predicate::ALL), 0..4);
        (prop::sample::select(Level::ALL), filter).prop_map(|(level, predicates)| match level {
            Level::None => Grant::none(),
            level => Grant { level, filter: Filter::of(predicates) },
        })
    }

    fn any_permit() -> impl Strategy<Value = Permit> {
        prop::collection::btree_map(prop::sample::select(Section::ALL), any_grant(), 0..21).prop_map(Permit::of)
    }

    /// Everything that `narrow` allows, `wide` allows too.
    fn is_within(narrow: &Permit, wide: &Permit) -> bool {
        narrow.grants().iter().all(|(section, grant)| wide.grant(*section).is_some_and(|other| grant.is_within(other)))
    }

    proptest! {
        #[test]
        fn a_meet_is_commutative_associative_and_idempotent(a in any_permit(), b in any_permit(), c in any_permit()) {
            prop_assert_eq!(a.meet(&b), b.meet(&a));
            prop_assert_eq!(a.meet(&b).meet(&c), a.meet(&b.meet(&c)));
            prop_assert_eq!(a.meet(&a), a);
        }

        #[test]
        fn a_meet_is_never_wider_than_either(a in any_permit(), b in any_permit()) {
            let meet = a.meet(&b);
            prop_assert!(is_within(&meet, &a));
            prop_assert!(is_within(&meet, &b));
        }

        #[test]
        fn a_meet_loses_nothing_that_both_allow(a in any_permit(), b in any_permit(), c in any_permit()) {
            let narrow = a.meet(&b).meet(&c);
            prop_assert!(is_within(&narrow, &a.meet(&b)));
            if is_within(&c, &a) && is_within(&c, &b) {
                prop_assert!(is_within(&c, &a.meet(&b)));
            }
        }

        #[test]
        fn no_permit_holds_a_grant_of_nothing(a in any_permit(), b in any_permit()) {
            prop_assert!(a.meet(&b).grants().values().all(|grant| grant.level > Level::None));
        }

        #[test]
        fn only_what_was_asked_for_is_left(a in any_permit(), asked in prop::collection::btree_set(prop::sample::select(Section::ALL), 0..21)) {
            let left = a.only(&asked);
            prop_assert!(is_within(&left, &a));
            for section in Section::ALL {
                let expected = if asked.contains(section) { a.grant(*section) } else { None };
                prop_assert_eq!(left.grant(*section), expected);
            }
        }
    }

    #[test]
    fn a_section_that_the_query_does_not_name_is_not_left() {
        let full = Grant { level: Level::Full, filter: Filter::default() };
        let permit = Permit::of([(Section::Allergies, full.clone()), (Section::Results, full.clone())]);
        let left = permit.within(&BTreeMap::from([(Section::Allergies, full), (Section::Results, Grant::none())]));
        assert_eq!(left.grants().keys().collect::<Vec<_>>(), [&Section::Allergies]);
    }
}
