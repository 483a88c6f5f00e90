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

/// What the item says of its section, by its codes.
pub(crate) fn standing(section: Section, item: &wire::Item) -> Standing {
    item.codes.iter().find_map(|coding| by_code(section, coding)).unwrap_or(Standing::Positive)
}

/// Sets `is_negation` where the codes say so; never unsets it.
pub(crate) fn mark(section: Section, item: &mut wire::Item) {
    if !matches!(standing(section, item), Standing::NoneAtAll | Standing::NoneOfAKind) {
        return;
    }
    match &mut item.detail {
        Some(Detail::Allergy(allergy)) => allergy.is_negation = true,
        Some(Detail::Medication(medication)) => medication.is_negation = true,
        Some(Detail::Condition(condition)) => condition.is_negation = true,
        _ => {}
    }
}

fn by_code(section: Section, coding: &wire::Coding) -> Option<Standing> {
    let snomed = coding.system == "http://snomed.info/sct";
    if snomed && coding.code == NO_INFORMATION_AVAILABLE {
        return Some(Standing::NoInformation);
    }
    if !snomed && coding.system != ABSENT_UNKNOWN {
        return None;
    }
    CODES.iter().find(|(code, of, _)| *code == coding.code && *of == section).map(|(_, _, standing)| *standing)
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
    fn a_negated_item_is_marked_and_others_are_left_alone() {
        let mut negation = coded("http://snomed.info/sct", "409137002");
        mark(Section::Allergies, &mut negation);
        assert!(matches!(negation.detail, Some(Detail::Allergy(allergy)) if allergy.is_negation));
        let mut positive = coded("http://snomed.info/sct", "91936005");
        mark(Section::Allergies, &mut positive);
        assert!(matches!(positive.detail, Some(Detail::Allergy(allergy)) if !allergy.is_negation));
    }
}
