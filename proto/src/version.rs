//! Which of two versions of a record is the newer.

use std::collections::BTreeMap;

use crate::wire;

/// When a version was made, and its number, as far as the source says so in a form that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Version {
    updated: Option<jiff::Timestamp>,
    number: Option<u64>,
}

impl Version {
    /// What an item says of its version.
    pub(crate) fn of(item: &wire::Item) -> Self {
        Version { updated: item.source_updated.parse().ok(), number: item.source_version.parse().ok() }
    }
}

/// The versions of one record, so that each can be held against all others without looking at each: a
/// source may send thousands.
///
/// One is newer than another only if that is certain: at least one of moment and number says so, and
/// neither says otherwise. Moments are compared as instants, not as text.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    /// Of those with both: the greatest number at each moment, and at any later one.
    both: Vec<(jiff::Timestamp, u64, Option<u64>)>,
    /// The greatest moment of those without a number, and the greatest number of those without a moment.
    only: Version,
    /// The greatest moment and the greatest number of all.
    any: Version,
}

impl Versions {
    /// Of all versions of a record.
    pub(crate) fn of(versions: &[Version]) -> Self {
        let mut greatest: BTreeMap<jiff::Timestamp, u64> = BTreeMap::new();
        let (mut only, mut any) = (Version::default(), Version::default());
        for version in versions {
            any = Version { updated: any.updated.max(version.updated), number: any.number.max(version.number) };
            match (version.updated, version.number) {
                (Some(updated), Some(number)) => {
                    let at = greatest.entry(updated).or_insert(number);
                    *at = number.max(*at);
                }
                (updated, number) => {
                    only = Version { updated: only.updated.max(updated), number: only.number.max(number) };
                }
            }
        }
        let mut both = Vec::with_capacity(greatest.len());
        let mut later = None;
        for (updated, number) in greatest.into_iter().rev() {
            both.push((updated, number, later));
            later = later.max(Some(number));
        }
        both.reverse();
        Versions { both, only, any }
    }

    /// True if any of them is newer.
    pub(crate) fn hold_newer(&self, than: &Version) -> bool {
        match (than.updated, than.number) {
            (Some(updated), Some(number)) => {
                self.only.updated > than.updated || self.only.number > than.number || self.dominate(updated, number)
            }
            (Some(_), None) => self.any.updated > than.updated,
            (None, Some(_)) => self.any.number > than.number,
            (None, None) => false,
        }
    }

    /// True if one with both is not before in either, and after in one.
    fn dominate(&self, updated: jiff::Timestamp, number: u64) -> bool {
        let place = self.both.partition_point(|(moment, _, _)| *moment < updated);
        match self.both.get(place) {
            Some((moment, greatest, later)) if *moment == updated => {
                *greatest > number || later.is_some_and(|later| later >= number)
            }
            Some((_, greatest, later)) => (*later).max(Some(*greatest)) >= Some(number),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// What "newer" means, of two.
    fn is_newer(one: &Version, than: &Version) -> bool {
        let updated = one.updated.zip(than.updated).map(|(one, than)| one.cmp(&than));
        let number = one.number.zip(than.number).map(|(one, than)| one.cmp(&than));
        let says = |ordering: Ordering| updated == Some(ordering) || number == Some(ordering);
        says(Ordering::Greater) && !says(Ordering::Less)
    }

    fn any_version() -> impl Strategy<Value = Version> {
        let second = |second| jiff::Timestamp::from_second(second).unwrap();
        (proptest::option::of(0..5_i64), proptest::option::of(0..5_u64))
            .prop_map(move |(updated, number)| Version { updated: updated.map(second), number })
    }

    proptest! {
        #[test]
        fn all_together_say_what_each_would_say(versions in proptest::collection::vec(any_version(), 0..12)) {
            let together = Versions::of(&versions);
            for version in &versions {
                let any = versions.iter().any(|other| is_newer(other, version));
                prop_assert_eq!(together.hold_newer(version), any, "{:?} of {:?}", version, versions);
            }
        }
    }

    fn version(updated: &str, number: &str) -> Version {
        let item = wire::Item {
            source_updated: updated.to_owned(),
            source_version: number.to_owned(),
            ..wire::Item::default()
        };
        Version::of(&item)
    }

    #[test]
    fn moments_are_compared_as_instants() {
        let (old, new) = (version("2026-11-20T10:00:00+01:00", ""), version("2026-11-20T09:30:00Z", ""));
        assert!(is_newer(&new, &old) && !is_newer(&old, &new));
        let (old, new) = (version("2026-11-20T10:00:00Z", ""), version("2026-11-20T10:00:00.500Z", ""));
        assert!(is_newer(&new, &old) && !is_newer(&old, &new));
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(is_newer(&version("", "10"), &version("", "9")));
    }

    #[test]
    fn what_contradicts_itself_or_cannot_be_compared_is_no_newer() {
        let (one, other) = (version("2026-11-20T10:00:00Z", "1"), version("2026-11-20T09:00:00Z", "2"));
        assert!(!is_newer(&one, &other) && !is_newer(&other, &one));
        assert!(!is_newer(&version("", "b"), &version("", "a")));
        assert!(!is_newer(&version("2026-11-20", ""), &version("2025-11-20", "")));
        assert!(!is_newer(&version("", ""), &version("", "")));
    }
}
