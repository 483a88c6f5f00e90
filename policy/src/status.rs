//! Which status words say that something is over.

use weald_proto::wire::item::Detail;
use weald_proto::{Section, Timestamp, wire};

use crate::date::extent;

/// Words for "over" in every section: FHIR's clinicalStatus, and the status lists of its resources.
const ENDED: &[&str] = &[
    "abated",
    "aborted",
    "cancelled",
    "closed",
    "completed",
    "discharged",
    "ended",
    "entered-in-error",
    "expired",
    "finished",
    "inactive",
    "no-show",
    "noshow",
    "not-done",
    "not-taken",
    "past",
    "refuted",
    "rejected",
    "remission",
    "resolved",
    "revoked",
    "stopped",
    "superseded",
];

/// Words for "current". A status in neither list leaves it to the dates.
const CURRENT: &[&str] = &[
    "active",
    "arrived",
    "booked",
    "confirmed",
    "current",
    "draft",
    "final",
    "in-progress",
    "on-hold",
    "onleave",
    "planned",
    "preparation",
    "recurrence",
    "relapse",
    "triaged",
    "waitlist",
];

/// Sections in which a finished status is what a good record has, and says nothing of being over.
const COMPLETED_IS_CURRENT: &[Section] = &[
    Section::Demographics,
    Section::RelatedPeople,
    Section::Results,
    Section::Immunisations,
    Section::Documents,
    Section::AdvanceDirectives,
];

/// True if the item is not clearly over. An unknown word and a missing one count as current: a
/// problem that is hidden by mistake does more harm than one that is shown.
pub(crate) fn is_current(section: Section, item: &wire::Item, now: Timestamp) -> bool {
    if item.entered_in_error || is_refuted(item) {
        return false;
    }
    let status = item.status.trim().to_ascii_lowercase();
    if status == "completed" && COMPLETED_IS_CURRENT.contains(&section) {
        return true;
    }
    if ENDED.contains(&status.as_str()) {
        return false;
    }
    CURRENT.contains(&status.as_str()) || section == Section::AdvanceDirectives || !has_ended(item, now)
}

/// True if its end lies wholly before `now`. In an advance directive an end is a review date and
/// ends nothing (domain rules: never hide a CPR decision because its review is due).
pub(crate) fn has_ended(item: &wire::Item, now: Timestamp) -> bool {
    extent(&item.effective_end).is_some_and(|end| end.end <= now.as_millis())
}

fn is_refuted(item: &wire::Item) -> bool {
    let certainty = match &item.detail {
        Some(Detail::Condition(condition)) => &condition.certainty,
        Some(Detail::Allergy(allergy)) if allergy.ended => return true,
        Some(Detail::Allergy(allergy)) => &allergy.certainty,
        _ => return false,
    };
    matches!(certainty.trim().to_ascii_lowercase().as_str(), "refuted" | "entered-in-error")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn item(status: &str, effective_end: &str) -> wire::Item {
        wire::Item { status: status.into(), effective_end: effective_end.into(), ..wire::Item::default() }
    }

    #[test]
    fn words_for_over_are_over_and_words_for_current_are_current() {
        for (status, expected) in [
            ("active", true),
            ("Active", true),
            ("recurrence", true),
            ("resolved", false),
            ("remission", false),
            ("inactive", false),
            ("entered-in-error", false),
        ] {
            assert_eq!(is_current(Section::Conditions, &item(status, ""), NOW), expected, "{status}");
        }
    }

    #[test]
    fn an_unknown_or_missing_word_counts_as_current_unless_its_end_is_past() {
        for status in ["", "lingering"] {
            assert!(is_current(Section::Conditions, &item(status, ""), NOW));
            assert!(is_current(Section::Conditions, &item(status, "2027"), NOW));
            assert!(!is_current(Section::Conditions, &item(status, "2019"), NOW));
        }
    }

    #[test]
    fn a_completed_procedure_is_over_and_a_completed_vaccination_is_not() {
        assert!(!is_current(Section::Procedures, &item("completed", ""), NOW));
        assert!(is_current(Section::Immunisations, &item("completed", ""), NOW));
    }

    #[test]
    fn a_cpr_decision_whose_review_is_due_is_still_current() {
        assert!(is_current(Section::AdvanceDirectives, &item("", "2019-01-01"), NOW));
    }

    #[test]
    fn a_refuted_condition_and_an_item_entered_in_error_are_not_current() {
        let refuted = Detail::Condition(wire::Condition { certainty: "refuted".into(), ..Default::default() });
        assert!(!is_current(Section::Conditions, &wire::Item { detail: Some(refuted), ..item("active", "") }, NOW));
        assert!(!is_current(Section::Conditions, &wire::Item { entered_in_error: true, ..item("active", "") }, NOW));
    }
}
