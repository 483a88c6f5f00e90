//! Labels that decide who may be told.

use weald_proto::wire;

/// The code system of Weald's own handling labels. A node puts them on items where its local system
/// says so; nothing is released to a person for want of a label.
pub const HANDLING: &str = "https://weald.example/CodeSystem/handling";

/// Of [`HANDLING`]: a professional has released the item to the person. That NOPAT is absent is not
/// a release.
pub const RELEASED: &str = "released";

/// Of v3-ActCode: no disclosure to patient, family or caregivers without the attending provider's
/// authorisation. Taken at its word whatever the system, so that a wrong system never discloses.
pub const NOPAT: &str = "NOPAT";

/// A local label: the item tells of somebody else. Taken at its word whatever the system.
pub const THIRD_PARTY: &str = "THIRDPARTY";

/// True if a professional has released it to the person, and nobody keeps it from them.
pub(crate) fn is_released(item: &wire::Item) -> bool {
    item.labels.iter().any(|label| label.system == HANDLING && label.code == RELEASED) && !is_kept_from_person(item)
}

/// True if it is marked as to be kept from the person.
pub(crate) fn is_kept_from_person(item: &wire::Item) -> bool {
    has(item, NOPAT)
}

/// True if it is marked as telling of somebody else.
pub(crate) fn is_third_party(item: &wire::Item) -> bool {
    has(item, THIRD_PARTY)
}

fn has(item: &wire::Item, code: &str) -> bool {
    item.labels.iter().any(|label| label.code.trim().eq_ignore_ascii_case(code))
}
