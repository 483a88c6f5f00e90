//! Which of two versions of a record is the newer.

use std::cmp::Ordering;

use crate::wire;

/// When a version was made, and its number, as far as the source says so in a form that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// True only if it is certain: at least one of moment and number says so, and neither says otherwise.
/// Moments are compared as instants, not as text.
pub(crate) fn is_newer(one: &Version, than: &Version) -> bool {
    let updated = one.updated.zip(than.updated).map(|(one, than)| one.cmp(&than));
    let number = one.number.zip(than.number).map(|(one, than)| one.cmp(&than));
    let says = |ordering: Ordering| updated == Some(ordering) || number == Some(ordering);
    says(Ordering::Greater) && !says(Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;

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
