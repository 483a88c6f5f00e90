//! Which plans are for the end of life, for a crisis, or about risk.

use weald_proto::wire;
use weald_proto::wire::item::Detail;

/// SNOMED CT: plans for a crisis or an emergency.
const CRISIS: &[&str] = &[
    "736253002",       // Mental health crisis plan
    "887701000000100", // Emergency health care plan
    "325691000000100", // Contingency plan
    "735324008",       // Treatment escalation plan
];

/// SNOMED CT: plans for the end of life.
const END_OF_LIFE: &[&str] = &[
    "736373009",        // End of life care plan
    "736366004",        // Advanced care plan
    "861421000000109",  // End of Life Care Coordination Summary
    "1382601000000107", // ReSPECT form
    "526631000000108",  // On end of life care register
];

/// Words by which plans without a code are known.
const CRISIS_WORDS: &[&str] = &["crisis", "emergency", "contingency", "escalation", "anticipatory"];
const END_OF_LIFE_WORDS: &[&str] =
    &["end of life", "end-of-life", "advance care", "advanced care", "respect form", "palliative"];
const RISK_WORDS: &[&str] = &["risk"];

/// Kinds of mental-health item that are risk information or a crisis plan.
const KINDS: &[&str] = &["risk", "crisis-plan"];

/// True for risk information and crisis plans, by kind, by code, or by name where a code is missing.
pub(crate) fn is_risk_or_crisis(item: &wire::Item) -> bool {
    let kind = match &item.detail {
        Some(Detail::MentalHealth(mental_health)) => mental_health.kind.as_str(),
        _ => "",
    };
    KINDS.contains(&kind) || has_code(item, CRISIS) || is_named(item, CRISIS_WORDS) || is_named(item, RISK_WORDS)
}

/// True for plans for the end of life and for a crisis, by code or by name: a plan that was never
/// coded is still the one that a paramedic needs.
pub(crate) fn is_end_of_life_or_crisis(item: &wire::Item) -> bool {
    has_code(item, END_OF_LIFE)
        || has_code(item, CRISIS)
        || is_named(item, END_OF_LIFE_WORDS)
        || is_named(item, CRISIS_WORDS)
}

/// SNOMED CT ids are unique, so the code tells enough whatever the system is called.
fn has_code(item: &wire::Item, codes: &[&str]) -> bool {
    item.codes.iter().chain(categories(item)).any(|coding| codes.contains(&coding.code.trim()))
}

fn categories(item: &wire::Item) -> &[wire::Coding] {
    match &item.detail {
        Some(Detail::CarePlan(plan)) => &plan.categories,
        Some(Detail::Document(document)) => &document.categories,
        _ => &[],
    }
}

fn is_named(item: &wire::Item, words: &[&str]) -> bool {
    let title = match &item.detail {
        Some(Detail::CarePlan(plan)) => plan.title.as_str(),
        _ => "",
    };
    let displays = item.codes.iter().chain(categories(item)).map(|coding| coding.display.as_str());
    displays.chain([item.text.as_str(), title]).any(|name| {
        let name = name.to_lowercase();
        words.iter().any(|word| name.contains(word))
    })
}
