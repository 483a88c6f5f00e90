//! The codes that decide between sections (domain rules, codes). SNOMED CT unless it says otherwise.

use weald_proto::wire::Coding;

const SNOMED: &str = "http://snomed.info/sct";

/// Decisions on resuscitation.
const CPR: &[&str] =
    &["450476008", "450475007", "304253006", "304252001", "304251008", "143021000119109", "845151000000104"];

/// Concern for a child, born or not, or for a child in the family.
const CHILD_SAFEGUARDING: &[&str] = &[
    "836881000000105",
    "1064961000000107",
    "878111000000109",
    "342191000000101",
    "375041000000100",
    "764841000000100",
];

/// Vulnerable adult.
const ADULT_SAFEGUARDING: &[&str] = &["417430008"];

/// Documents that record a decision made in advance, and which kind of decision.
const DIRECTIVE_DOCUMENTS: &[(&str, &str, &str)] = &[
    (SNOMED, "1382601000000107", "form"),
    (SNOMED, "735324008", "form"),
    (SNOMED, "736366004", "form"),
    ("http://loinc.org", "42348-3", "form"),
    ("http://loinc.org", "64298-3", "lpa"),
];

/// Mental health crisis plan.
const CRISIS_PLAN: &str = "736253002";

/// Flags on the risk that a person is at or poses, by the heading of the record standard.
const RISK_HEADINGS: &[&str] = &["risk-information", "mental-health-act-or-equivalent-status"];

/// True if one of them is a decision on resuscitation.
pub(crate) fn is_cpr(codings: &[Coding]) -> bool {
    any_snomed(codings, CPR)
}

/// True if one of them tells of concern for a child.
pub(crate) fn is_child_safeguarding(codings: &[Coding]) -> bool {
    any_snomed(codings, CHILD_SAFEGUARDING)
        || codings.iter().any(|coding| coding.code == "child-protection-information-system-flag")
}

/// True if one of them tells of concern for an adult.
pub(crate) fn is_adult_safeguarding(codings: &[Coding]) -> bool {
    any_snomed(codings, ADULT_SAFEGUARDING)
}

/// True if one of them is a heading for safeguarding of whomever.
pub(crate) fn is_safeguarding_heading(codings: &[Coding]) -> bool {
    codings.iter().any(|coding| matches!(coding.code.as_str(), "safeguarding" | "safeguarding-issues"))
}

/// True if one of them is a heading for risk.
pub(crate) fn is_risk_heading(codings: &[Coding]) -> bool {
    codings.iter().any(|coding| RISK_HEADINGS.contains(&coding.code.as_str()))
}

/// True if one of them is a mental health crisis plan.
pub(crate) fn is_crisis_plan(codings: &[Coding]) -> bool {
    any_snomed(codings, &[CRISIS_PLAN])
}

/// Which kind of decision made in advance a document of this type records, if it does.
pub(crate) fn directive_document(types: &[Coding]) -> Option<&'static str> {
    let of = |coding: &Coding| {
        DIRECTIVE_DOCUMENTS.iter().find(|(system, code, _)| *system == coding.system && *code == coding.code)
    };
    types.iter().find_map(of).map(|(_, _, kind)| *kind)
}

fn any_snomed(codings: &[Coding], wanted: &[&str]) -> bool {
    codings.iter().any(|coding| coding.system == SNOMED && wanted.contains(&coding.code.as_str()))
}
