//! Fifth step: write down what will leave, durably, before it leaves.

use weald_audit::{AuditedOutcome, Entry, Kind, Recorded, Recorder};
use weald_certs::PeerIdentity;
use weald_proto::{OutcomeReason, Reason};

use crate::decide::kind_of;
use crate::node::Node;
use crate::refusal::Refusal;
use crate::release::Release;
use crate::verify::Asked;

/// Records an answer. Its [`Recorded`] is the proof without which nothing can be signed.
///
/// # Errors
///
/// [`Refusal`] with [`Reason::AuditUnavailable`] when the entry is not durable: then nothing leaves.
pub async fn record(node: &Node, peer: &PeerIdentity, asked: &Asked, release: &Release) -> Result<Recorded, Refusal> {
    if release.dropped() > 0 {
        tracing::warn!(organisation = %node.organisation(), query_id = %asked.query().id, dropped = release.dropped(),
            "the source holds records of somebody else among this person's; they were dropped");
    }
    let mut entry = entry(node, Kind::Answer, peer).with_assertion(asked.assertion()).with_query(asked.query());
    if let Some(inputs) = &mut entry.inputs {
        let kind = node.parts.engine.roles().kind_of(&asked.assertion().requester);
        inputs.requester_kind = kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
        inputs.organisation_kind = kind_of(node);
        inputs.sections = asked.query().grants.keys().copied().collect();
    }
    entry.decision = release.grants();
    entry.outcomes = vec![AuditedOutcome {
        organisation: node.organisation().clone(),
        outcome: release.outcome(),
        cached: false,
        query_digest: None,
        reason: release.reason_code().parse().ok().map(OutcomeReason::Organisation),
    }];
    entry.part_digests = release.part_digests();
    entry.reason = release.reason_code().parse().ok();
    node.parts.log.append(entry).await.inspect(|_| node.metrics.released(release)).map_err(|error| {
        tracing::error!(organisation = %node.organisation(), %error, "audit log cannot be written");
        Refusal::new(Reason::AuditUnavailable, error.to_string())
    })
}

/// Records a refusal and gives it back: singly before it is answered, or by its number when there are too
/// many. It stands whether or not it can be recorded.
pub async fn record_refusal(node: &Node, peer: &PeerIdentity, refusal: Refusal) -> Refusal {
    tracing::info!(organisation = %node.organisation(), peer = %peer.spiffe_id(), reason = %refusal.reason,
        detail = %refusal.detail, "query refused");
    let mut entry = entry(node, Kind::Refusal, peer);
    if let Some(assertion) = &refusal.assertion {
        entry = entry.with_assertion(assertion);
    }
    if let Some(query) = &refusal.query {
        entry = entry.with_query(query);
    }
    entry.reason = Some(refusal.reason);
    if let Err(error) = node.parts.log.record_refusal(entry).await {
        tracing::error!(organisation = %node.organisation(), %error, "audit log cannot be written");
    }
    refusal
}

fn entry(node: &Node, kind: Kind, peer: &PeerIdentity) -> Entry {
    let mut entry = Entry::new(kind, Recorder::node(node.organisation().clone()));
    entry.peer = Some(peer.spiffe_id().clone());
    entry.policy_version = node.parts.engine.version().to_owned();
    entry.register_version = node.register().version();
    entry
}
