//! Items that say that there is nothing, or that nothing is known.

use weald_proto::Section;
use weald_proto::wire::{self, item::Detail};

/// The IPS 1.x code system of statements of absence.
const ABSENT_UNKNOWN: &str = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips";

/// What an item says of its whole section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is something.
    Positive,
    /// There is nothing at all ("no known allergy").
    NoneAtAll,
    /// There is nothing of one kind ("no known food allergy"): the section as a whole is not denied.
    NoneOfAKind,
    /// The source has no information ("no information about allergies").
    NoInformation,
}

/// Code, section, and what it says there. SNOMED CT and IPS 1.x (domain rules, codes).
const CODES: &[(&str, Section, Standing)] = &[
    ("716186003", Section::Allergies, Standing::NoneAtAll),
    ("409137002", Section::Allergies, Standing::NoneOfAKind),
    ("429625007", Section::Allergies, Standing::NoneOfAKind),
    ("787481004", Section::Medications, Standing::NoneAtAll),
    ("160245001", Section::Conditions, Standing::NoneAtAll),
    ("no-known-allergies", Section::Allergies, Standing::NoneAtAll),
    ("no-known-medication-allergies", Section::Allergies, Standing::NoneOfAKind),
    ("no-known-environmental-allergies", Section::Allergies, Standing::NoneOfAKind),
    ("no-known-food-allergies", Section::Allergies, Standing::NoneOfAKind),
    ("no-allergy-info", Section::Allergies, Standing::NoInformation),
    ("no-known-medications", Section::Medications, Standing::NoneAtAll),
    ("no-medication-info", Section::Medications, Standing::NoInformation),
    ("no-known-problems", Section::Conditions, Standing::NoneAtAll),
    ("no-problem-info", Section::Conditions, Standing::NoInformation),
    ("no-known-procedures", Section::Procedures, Standing::NoneAtAll),
    ("no-procedure-info", Section::Procedures, Standing::NoInformation),
    ("no-known-immunizations", Section::Immunisations, Standing::NoneAtAll),
    ("no-immunization-info", Section::Immunisations, Standing::NoInformation),
];

/// SNOMED CT "No information available": in any section.
const NO_INFORMATION_AVAILABLE: &str = "1287211007";

/// Statuses of a record that no longer holds (FHIR R4, clinical status; medication status).
const ENDED: &[&str] = &["inactive", "resolved", "remission", "stopped", "cancelled", "not-taken"];

/// What the item says of its section: by its codes, and by whether it still holds. A negation that
/// ended, was refuted or was entered in error is no information.
pub(crate) fn standing(section: Section, item: &wire::Item) -> Standing {
    match by_codes(section, item) {
        Standing::NoneAtAll | Standing::NoneOfAKind if !holds(item) => Standing::NoInformation,
        standing => standing,
    }
}

/// Sets `is_negation` where the codes say so; never unsets it.
pub(crate) fn mark(section: Section, item: &mut wire::Item) {
    if !matches!(by_codes(section, item), Standing::NoneAtAll | Standing::NoneOfAKind) {
        return;
    }
    match &mut item.detail {
        Some(Detail::Allergy(allergy)) => allergy.is_negation = true,
        Some(Detail::Medication(medication)) => medication.is_negation = true,
        Some(Detail::Condition(condition)) => condition.is_negation = true,
        _ => {}
    }
}

/// The least that any recognised code says: a negation beside a code of something is something.
fn by_codes(section: Section, item: &wire::Item) -> Standing {
    let boldness = |standing: &Standing| match standing {
        Standing::Positive => 0,
        Standing::NoInformation => 1,
        Standing::NoneOfAKind => 2,
        Standing::NoneAtAll => 3,
    };
    item.codes.iter().filter_map(|coding| by_code(section, coding)).min_by_key(boldness).unwrap_or(Standing::Positive)
}

/// What a code says; `None` for a code of a system that is not recognised.
fn by_code(section: Section, coding: &wire::Coding) -> Option<Standing> {
    let snomed = coding.system == "http://snomed.info/sct";
    if snomed && coding.code == NO_INFORMATION_AVAILABLE {
        return Some(Standing::NoInformation);
    }
    if !snomed && coding.system != ABSENT_UNKNOWN {
        return None;
    }
    let known = CODES.iter().find(|(code, of, _)| *code == coding.code && *of == section);
    Some(known.map_or(Standing::Positive, |(_, _, standing)| *standing))
}

/// False for what ended, was refuted, or was entered in error.
fn holds(item: &wire::Item) -> bool {
    let (certainty, has_ended) = match &item.detail {
        Some(Detail::Allergy(allergy)) => (allergy.certainty.as_str(), allergy.ended),
        Some(Detail::Condition(condition)) => (condition.certainty.as_str(), false),
        _ => ("", false),
    };
    let is_ended = has_ended || !item.effective_end.is_empty() || ENDED.contains(&item.status.to_lowercase().as_str());
    !is_ended && !item.entered_in_error && !certainty.eq_ignore_ascii_case("refuted")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(system: &str, code: &str) -> wire::Item {
        wire::Item {
            codes: vec![wire::Coding { system: system.into(), code: code.into(), display: String::new() }],
            detail: Some(Detail::Allergy(wire::Allergy::default())),
            ..Default::default()
        }
    }

    #[test]
    fn a_negation_of_one_kind_does_not_deny_the_whole_section() {
        let snomed = "http://snomed.info/sct";
        assert_eq!(standing(Section::Allergies, &coded(snomed, "716186003")), Standing::NoneAtAll);
        assert_eq!(standing(Section::Allergies, &coded(snomed, "429625007")), Standing::NoneOfAKind);
        assert_eq!(standing(Section::Allergies, &coded(ABSENT_UNKNOWN, "no-allergy-info")), Standing::NoInformation);
    }

    #[test]
    fn a_negation_counts_in_its_own_section_and_system_only() {
        assert_eq!(standing(Section::Results, &coded("http://snomed.info/sct", "716186003")), Standing::Positive);
        assert_eq!(standing(Section::Allergies, &coded("urn:local", "716186003")), Standing::Positive);
    }

    #[test]
    fn a_negation_that_ended_was_refuted_or_was_an_error_says_nothing() {
        let live = coded("http://snomed.info/sct", "716186003");
        let of = |item: &wire::Item| standing(Section::Allergies, item);
        assert_eq!(of(&wire::Item { status: "active".into(), ..live.clone() }), Standing::NoneAtAll);
        for status in ["inactive", "resolved", "Resolved"] {
            assert_eq!(of(&wire::Item { status: status.into(), ..live.clone() }), Standing::NoInformation, "{status}");
        }
        assert_eq!(of(&wire::Item { entered_in_error: true, ..live.clone() }), Standing::NoInformation);
        assert_eq!(of(&wire::Item { effective_end: "2020".into(), ..live.clone() }), Standing::NoInformation);
        for detail in [
            Detail::Allergy(wire::Allergy { certainty: "refuted".into(), ..Default::default() }),
            Detail::Allergy(wire::Allergy { ended: true, ..Default::default() }),
            Detail::Condition(wire::Condition { certainty: "refuted".into(), ..Default::default() }),
        ] {
            assert_eq!(of(&wire::Item { detail: Some(detail), ..live.clone() }), Standing::NoInformation);
        }
    }

    #[test]
    fn a_negation_beside_another_code_denies_no_more_than_both_do() {
        let both = |system: &str, code: &str| {
            let mut item = coded("http://snomed.info/sct", "716186003");
            item.codes.extend(coded(system, code).codes);
            standing(Section::Allergies, &item)
        };
        assert_eq!(both("http://snomed.info/sct", "91936005"), Standing::Positive);
        assert_eq!(both("http://snomed.info/sct", "429625007"), Standing::NoneOfAKind);
        assert_eq!(both(ABSENT_UNKNOWN, "no-allergy-info"), Standing::NoInformation);
        assert_eq!(both(ABSENT_UNKNOWN, "no-known-allergies"), Standing::NoneAtAll);
        assert_eq!(both("urn:local", "NKA"), Standing::NoneAtAll, "a local code is not recognised");
    }

    #[test]
    fn a_negated_item_is_marked_and_others_are_left_alone() {
        let mut negation = coded("http://snomed.info/sct", "409137002");
        mark(Section::Allergies, &mut negation);
        assert!(matches!(negation.detail, Some(Detail::Allergy(allergy)) if allergy.is_negation));
        let mut positive = coded("http://snomed.info/sct", "91936005");
        mark(Section::Allergies, &mut positive);
        assert!(matches!(positive.detail, Some(Detail::Allergy(allergy)) if !allergy.is_negation));
    }
}
