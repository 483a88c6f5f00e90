//! Last step: put the summary together.

use std::collections::BTreeMap;

use prost::Message as _;
use weald_audit::Recorded;
use weald_proto::{Completeness, Digest, Grant, MergePlan, OdsCode, Predicate, Section, limit, wire};

use crate::admit::Admitted;
use crate::ask::{Heard, Said};
use crate::broker::Broker;
use crate::decide::Decided;
use crate::locate::Located;

/// What a view came to: everything that a release records and a summary tells.
#[derive(Debug, Clone, Copy)]
pub struct Findings<'a> {
    /// Who asked.
    pub admitted: &'a Admitted,
    /// What was decided.
    pub decided: &'a Decided,
    /// Who was to be asked.
    pub located: &'a Located,
    /// What came of each organisation.
    pub heard: &'a BTreeMap<OdsCode, Heard>,
    /// How items group; none for one update of a watched view.
    pub plan: Option<&'a MergePlan>,
}

/// Makes the summary of a view whose release is recorded. A watched view's leaves out the answers that
/// were sent before it.
pub fn summarise(broker: &Broker, findings: &Findings<'_>, recorded: &Recorded, is_watched: bool) -> wire::Summary {
    let Findings { admitted, decided, located, heard, plan } = *findings;
    wire::Summary {
        view_id: admitted.view().to_vec(),
        register_version: located.register.version(),
        made_at: Some(broker.parts.env.clock.now().to_wire()),
        outcomes: heard.values().map(|heard| outcome_message(heard, !is_watched)).collect(),
        unnamed: located
            .expected
            .unnamed()
            .iter()
            .map(|(kind, count)| wire::UnnamedOrganisations { kind: kind.as_str().to_owned(), count: *count })
            .collect(),
        plan: plan.map(MergePlan::to_wire),
        decisions: admitted.sections().iter().map(|section| decision(*section, decided)).collect(),
        completeness: completeness(admitted, located, heard),
        receipt: Some(wire::Receipt {
            assertion_digest: admitted.token().digest().to_vec(),
            statement_digests: statement_digests(heard).iter().map(Digest::to_vec).collect(),
            plan_digest: plan.map(|plan| plan_digest(plan).to_vec()).unwrap_or_default(),
            audit_digest: recorded.digest().to_vec(),
        }),
    }
}

/// Digests of every statement that leaves, in order of organisation.
pub fn statement_digests(heard: &BTreeMap<OdsCode, Heard>) -> Vec<Digest> {
    heard.values().filter_map(|heard| heard.said.as_ref()).map(|said| said.statement.digest()).collect()
}

/// Digest of the plan as it leaves.
pub fn plan_digest(plan: &MergePlan) -> Digest {
    Digest::of(&plan.to_wire().encode_to_vec())
}

/// One organisation's outcome as a message, with or without what it said.
pub fn outcome_message(heard: &Heard, with_answer: bool) -> wire::OrganisationOutcome {
    wire::OrganisationOutcome {
        organisation: heard.organisation.to_string(),
        outcome: heard.outcome.to_wire(),
        reason_code: heard.reason_code.clone(),
        reason_text: heard.reason_text.clone(),
        elapsed_ms: u32::try_from(heard.elapsed.as_millis()).unwrap_or(u32::MAX),
        answer: heard.said.as_ref().filter(|_| with_answer).map(verbatim),
    }
}

fn verbatim(said: &Said) -> wire::VerbatimAnswer {
    wire::VerbatimAnswer {
        query: Some(said.query.as_wire().clone()),
        answer: Some(said.answer.to_wire()),
        cached: said.cached,
    }
}

fn decision(section: Section, decided: &Decided) -> wire::SectionDecision {
    let grant = decided.permitted.permit().grant(section).cloned().unwrap_or_else(Grant::none);
    let reason = decided.decision.reason(section);
    wire::SectionDecision {
        section: section.to_wire(),
        level: grant.level.to_wire(),
        predicates: grant.filter.predicates().map(Predicate::to_wire).collect(),
        reason_text: reason.text.chars().take(limit::REASON_CHARS).collect(),
        policies: reason.policies.iter().take(limit::POLICIES).cloned().collect(),
    }
}

/// How complete each permitted section is.
fn completeness(
    admitted: &Admitted,
    located: &Located,
    heard: &BTreeMap<OdsCode, Heard>,
) -> Vec<wire::SectionCompleteness> {
    let stated = |organisation: &OdsCode| {
        heard.get(organisation).and_then(|heard| heard.said.as_ref()).map(|said| &**said.statement)
    };
    admitted
        .sections()
        .iter()
        .map(|section| Completeness::roll_up(*section, located.expected.of_section(*section), stated).to_wire())
        .collect()
}
