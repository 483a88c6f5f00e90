//! A view as a JSON document: everything that the client hands out, and nothing that it does not.
//!
//! The form is described in `docs/view-json.md`.

mod item;

use serde_json::{Map, Value, json};
use weald_certs::Register;
use weald_proto::{Completeness, Filter, Section};
use weald_viewer::{Decision, Entry, Organisation, SectionView, Told, View};

/// Version of the form.
pub const FORM: &str = "weald-view/1";

/// The document of a view.
///
/// # Errors
///
/// When an item cannot be written as JSON.
pub fn document(view: &View, register: &Register) -> anyhow::Result<Value> {
    let sections =
        view.decisions().keys().map(|section| self::section(view, *section)).collect::<anyhow::Result<Vec<Value>>>()?;
    let outcomes: Vec<Value> = view
        .organisations()
        .iter()
        .map(|(organisation, came)| {
            let name = register.member(organisation).map_or("", |member| member.name.as_str());
            outcome(organisation.as_str(), name, came)
        })
        .collect();
    let decision: Map<String, Value> =
        view.decisions().iter().map(|(section, decision)| (section.to_string(), self::decision(decision))).collect();
    let unnamed: Map<String, Value> =
        view.unnamed().iter().map(|(kind, count)| (kind.to_string(), json!(count))).collect();
    Ok(json!({
        "form": FORM,
        "view_id": view.id().to_string(),
        "made_at": view.made_at().to_string(),
        "register_version": view.register_version(),
        "cached": view.organisations().values().any(Organisation::is_cached),
        "outcomes": outcomes,
        "unnamed": unnamed,
        "decision": decision,
        "plan_version": view.plan().version,
        "sections": sections,
        "audit_digest": view.audit_digest().to_string(),
    }))
}

fn outcome(organisation: &str, name: &str, came: &Organisation) -> Value {
    let statement = came.statement();
    json!({
        "organisation": organisation,
        "name": name,
        "outcome": came.outcome().as_str(),
        "word": if came.outcome().is_organisations_word() { "organisation" } else { "broker" },
        "milliseconds": came.elapsed_ms(),
        "reason_code": came.reason_code(),
        "reason": came.reason_text(),
        "cached": came.is_cached(),
        "source_as_of": statement.map(|statement| statement.source_as_of.to_string()),
        "retrieved_at": statement.map(|statement| statement.retrieved_at.to_string()),
        "policy_version": statement.map(|statement| statement.policy_version.clone()),
        "unmapped": statement.map(|statement| statement.unmapped.clone()).unwrap_or_default(),
    })
}

fn decision(decision: &Decision) -> Value {
    json!({
        "level": decision.grant.level.as_str(),
        "filter": filter(&decision.grant.filter),
        "reason": decision.reason_text,
        "policies": decision.policies,
    })
}

fn filter(filter: &Filter) -> Vec<&'static str> {
    filter.predicates().map(|predicate| predicate.as_str()).collect()
}

fn section(view: &View, section: Section) -> anyhow::Result<Value> {
    let name = section.as_str();
    let empty = |completeness: &str, state: &str, reason: &str| {
        json!({ "name": name, "completeness": { "complete": false, "words": completeness }, "state": state,
            "reason": reason, "entries": [], "set_aside": [], "sources": [] })
    };
    let Some(seen) = view.section(section) else { return Ok(empty("not asked for", "not_asked", "")) };
    let (entries, set_aside, completeness) = match &seen {
        SectionView::NotPermitted(decision) => return Ok(empty("not permitted", "not_asked", &decision.reason_text)),
        SectionView::NobodyHoldsIt => return Ok(empty("nobody in this federation holds it", "not_asked", "")),
        SectionView::Complete { entries, set_aside, completeness }
        | SectionView::Incomplete { entries, set_aside, completeness } => (entries, set_aside, completeness),
    };
    let set_aside = set_aside
        .iter()
        .map(|(told, reason)| Ok(json!({ "reason": reason.as_str(), "item": item::item(told)? })))
        .collect::<anyhow::Result<Vec<Value>>>()?;
    Ok(json!({
        "name": name,
        "completeness": self::completeness(completeness),
        "state": completeness.state.as_str(),
        "reason": "",
        "entries": entries.iter().map(entry).collect::<anyhow::Result<Vec<Value>>>()?,
        "set_aside": set_aside,
        "sources": sources(view, section, completeness),
    }))
}

fn completeness(completeness: &Completeness) -> Value {
    let words =
        format!("{} of {} expected organisations answered", completeness.answered.len(), completeness.expected.len());
    json!({
        "complete": completeness.is_complete(),
        "words": words,
        "expected": completeness.expected,
        "answered": completeness.answered,
        "withheld": completeness.withheld,
        "nothing_to_show": completeness.nothing_to_show,
    })
}

/// What each expected organisation stated of the section.
fn sources(view: &View, section: Section, completeness: &Completeness) -> Vec<Value> {
    let of = |organisation| {
        let stated = view.organisations().get(organisation)?.statement()?.sections.get(&section)?;
        Some(json!({
            "organisation": organisation,
            "state": stated.state.as_str(),
            "items": stated.item_count,
            "cut": stated.cut_items,
            "level": stated.level.as_str(),
            "filter": filter(&stated.filter),
            "withheld": stated.withheld_reason.map(|reason| reason.as_str()),
            "unavailable": stated.unavailable_cause.map(|cause| cause.as_str()),
            "reason": stated.reason_text,
        }))
    };
    completeness.expected.iter().filter_map(of).collect()
}

fn entry(entry: &Entry<'_>) -> anyhow::Result<Value> {
    let items = entry.told.iter().map(item::item).collect::<anyhow::Result<Vec<Value>>>()?;
    let sources: Vec<&str> = entry.told.iter().map(|told: &Told<'_>| told.organisation.as_str()).collect();
    Ok(json!({ "sources": sources, "items": items }))
}
