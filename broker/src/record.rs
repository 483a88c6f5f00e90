//! What is written down: the intent before anything is asked, the release before anything leaves.

use weald_audit::{AuditedOutcome, Entry, Kind, Recorded, Recorder};
use weald_certs::PeerIdentity;
use weald_proto::{Assertion, Reason, Verified, ViewId};

use crate::admit::Admitted;
use crate::ask::Heard;
use crate::broker::Broker;
use crate::decide::Decided;
use crate::locate::Located;
use crate::refusal::Refusal;
use crate::summary::{Findings, plan_digest, statement_digests};

/// Records that the located organisations are about to be asked.
///
/// # Errors
///
/// [`Refusal`] with [`Reason::AuditUnavailable`]: then nobody is asked.
pub async fn intend(
    broker: &Broker,
    admitted: &Admitted,
    decided: &Decided,
    located: &Located,
) -> Result<Recorded, Refusal> {
    let mut entry = entry_of(broker, Kind::Intent, admitted, decided);
    entry.register_version = located.register.version();
    append(broker, entry).await
}

/// Records what is about to leave.
///
/// # Errors
///
/// [`Refusal`] with [`Reason::AuditUnavailable`]: then nothing leaves.
pub async fn record(broker: &Broker, findings: &Findings<'_>) -> Result<Recorded, Refusal> {
    let mut entry = entry_of(broker, Kind::Release, findings.admitted, findings.decided);
    entry.register_version = findings.located.register.version();
    entry.outcomes = findings.heard.values().map(audited).collect();
    entry.statement_digests = statement_digests(findings.heard);
    entry.plan_digest = findings.plan.map(plan_digest);
    append(broker, entry).await
}

/// Records a refusal and gives it back: singly before it is answered, or by its number when there are too
/// many. It stands whether or not it can be recorded.
pub async fn record_refusal(broker: &Broker, peer: &PeerIdentity, refusal: Refusal) -> Refusal {
    tracing::info!(peer = %peer.spiffe_id(), reason = %refusal.reason, detail = %refusal.detail, "view refused");
    let mut entry = entry(broker, Kind::Refusal, None, refusal.assertion.as_deref());
    entry.assertion_digest = refusal.token;
    entry.reason = Some(refusal.reason);
    entry.peer = Some(peer.spiffe_id().clone());
    if let Err(error) = broker.parts.log.record_refusal(entry).await {
        tracing::error!(%error, "audit log cannot be written");
    }
    refusal
}

fn audited(heard: &Heard) -> AuditedOutcome {
    AuditedOutcome {
        organisation: heard.organisation.clone(),
        outcome: heard.outcome,
        cached: heard.said.as_ref().is_some_and(|said| said.cached),
        query_digest: heard.query,
        reason: heard.reason,
    }
}

fn entry_of(broker: &Broker, kind: Kind, admitted: &Admitted, decided: &Decided) -> Entry {
    let mut entry = entry(broker, kind, Some(admitted.view()), Some(admitted.assertion()));
    if let Some(inputs) = &mut entry.inputs {
        inputs.sections.clone_from(admitted.sections());
    }
    entry.decision.clone_from(decided.permitted.permit().grants());
    entry.peer = Some(admitted.viewer().clone());
    entry
}

fn entry(broker: &Broker, kind: Kind, view: Option<ViewId>, assertion: Option<&Verified<Assertion>>) -> Entry {
    let patient = assertion.map(|assertion| broker.parts.pseudonyms.pseudonym(&assertion.patient.nhs_number));
    let mut entry = Entry::new(kind, Recorder::Broker { id: broker.parts.name.clone(), view, patient });
    entry.policy_version = broker.parts.engine.version().to_owned();
    entry.register_version = broker.register().version();
    let Some(assertion) = assertion else { return entry };
    entry = entry.with_assertion(assertion);
    if let Some(inputs) = &mut entry.inputs {
        let kind = broker.parts.engine.roles().kind_of(&assertion.requester);
        inputs.requester_kind = kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
    }
    entry
}

async fn append(broker: &Broker, entry: Entry) -> Result<Recorded, Refusal> {
    broker.parts.log.append(entry).await.map_err(|error| {
        tracing::error!(%error, "audit log cannot be written");
        Refusal::new(Reason::AuditUnavailable, error.to_string())
    })
}
