//! Entries as messages, and back.

use std::net::IpAddr;
use std::num::NonZeroU64;

use weald_proto::grant::parse_grants;
use weald_proto::{
    Digest, Grant, Jti, Malformed, NhsNumber, Nonce, OdsCode, Outcome, QueryId, Relationship, Requester, Section,
    SpiffeId, Timestamp, ViewId, wire,
};

use crate::entry::{AuditedOutcome, AuditedView, Entry, Inputs, Kind, Recorder};
use crate::pseudonym::Pseudonym;

impl Entry {
    /// The message, without sequence, previous digest and time: those are the log's to give.
    pub(crate) fn into_message(self) -> wire::AuditEntry {
        let (recorded_by, view_id, patient) = recorder_message(&self.recorder);
        wire::AuditEntry {
            sequence: 0,
            previous_digest: Vec::new(),
            recorded_at: None,
            kind: self.kind.to_wire().into(),
            recorded_by,
            view_id,
            nonce: self.nonce.map(|nonce| nonce.to_vec()).unwrap_or_default(),
            query_digest: optional_bytes(self.query_digest),
            jti: self.jti.map(|jti| jti.as_str().to_owned()).unwrap_or_default(),
            assertion_digest: optional_bytes(self.assertion_digest),
            requester: self.requester.as_ref().map(Requester::to_wire),
            patient,
            inputs: self.inputs.map(inputs_message),
            decision: self.decision.iter().map(|(section, grant)| Grant::to_wire(grant, *section)).collect(),
            policy_version: self.policy_version,
            register_version: self.register_version,
            outcomes: self.outcomes.iter().map(outcome_message).collect(),
            part_digests: self.part_digests.iter().map(Digest::to_vec).collect(),
            statement_digests: self.statement_digests.iter().map(Digest::to_vec).collect(),
            reason_code: self.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
            peer: self.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            plan_digest: optional_bytes(self.plan_digest),
            expires_at: self.expires_at.map(Timestamp::to_wire),
            count: self.count.map_or(0, NonZeroU64::get),
            address: self.address.map(|address| address.to_string()).unwrap_or_default(),
            viewed: self.viewed.as_ref().map(viewed_message),
            enrolling: self.enrolling.map(|party| party.to_string()).unwrap_or_default(),
            certificate_digest: optional_bytes(self.certificate_digest),
        }
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the first field that does not parse.
    pub(crate) fn from_message(message: &wire::AuditEntry) -> Result<Self, Malformed> {
        Ok(Entry {
            kind: Kind::from_wire(message.kind)?,
            recorder: recorder(message)?,
            nonce: given(&message.nonce).map(|bytes| Nonce::parse(bytes)).transpose()?,
            query_digest: optional_digest("query_digest", &message.query_digest)?,
            jti: given(&message.jti).map(|text| Jti::parse(text)).transpose()?,
            assertion_digest: optional_digest("assertion_digest", &message.assertion_digest)?,
            requester: message.requester.as_ref().map(Requester::from_wire).transpose()?,
            inputs: message.inputs.as_ref().map(inputs).transpose()?,
            decision: parse_grants(&message.decision)?,
            policy_version: message.policy_version.clone(),
            register_version: message.register_version,
            outcomes: message.outcomes.iter().map(outcome).collect::<Result<_, _>>()?,
            part_digests: digests("part_digests", &message.part_digests)?,
            statement_digests: digests("statement_digests", &message.statement_digests)?,
            plan_digest: optional_digest("plan_digest", &message.plan_digest)?,
            reason: given(&message.reason_code).map(|code| code.parse()).transpose()?,
            peer: given(&message.peer).map(|id| SpiffeId::parse(id)).transpose()?,
            expires_at: message.expires_at.map(|at| Timestamp::from_wire("expires_at", Some(at))).transpose()?,
            count: NonZeroU64::new(message.count),
            address: given(&message.address).map(|text| address(text)).transpose()?,
            viewed: message.viewed.as_ref().map(viewed).transpose()?,
            enrolling: given(&message.enrolling).map(|id| SpiffeId::parse(id)).transpose()?,
            certificate_digest: optional_digest("certificate_digest", &message.certificate_digest)?,
        })
    }
}

fn recorder_message(recorder: &Recorder) -> (String, Vec<u8>, String) {
    match recorder {
        Recorder::Broker { id, view, patient } => (
            id.to_string(),
            view.map(|view| view.to_vec()).unwrap_or_default(),
            patient.as_ref().map(|patient| patient.as_str().to_owned()).unwrap_or_default(),
        ),
        Recorder::Node { organisation, query, patient } => (
            organisation.to_string(),
            query.map(|query| query.to_vec()).unwrap_or_default(),
            patient.as_ref().map(|patient| patient.expose().to_owned()).unwrap_or_default(),
        ),
    }
}

/// A SPIFFE id is a broker's, an ODS code a node's: no ODS code holds a colon.
fn recorder(message: &wire::AuditEntry) -> Result<Recorder, Malformed> {
    if message.recorded_by.contains(':') {
        Ok(Recorder::Broker {
            id: SpiffeId::parse(&message.recorded_by)?,
            view: given(&message.view_id).map(|bytes| ViewId::parse(bytes)).transpose()?,
            patient: given(&message.patient).map(|text| Pseudonym::parse(text)).transpose()?,
        })
    } else {
        Ok(Recorder::Node {
            organisation: OdsCode::parse(&message.recorded_by)?,
            query: given(&message.view_id).map(|bytes| QueryId::parse(bytes)).transpose()?,
            patient: given(&message.patient).map(|text| NhsNumber::parse(text)).transpose()?,
        })
    }
}

fn viewed_message(viewed: &AuditedView) -> wire::AuditViewed {
    wire::AuditViewed {
        log: viewed.log.to_vec(),
        sequence: viewed.sequence,
        viewed_at: Some(viewed.viewed_at.to_wire()),
        view_id: viewed.view.to_vec(),
        viewer: viewed.viewer.to_string(),
    }
}

fn viewed(message: &wire::AuditViewed) -> Result<AuditedView, Malformed> {
    Ok(AuditedView {
        log: Digest::parse("log", &message.log)?,
        sequence: message.sequence,
        viewed_at: Timestamp::from_wire("viewed_at", message.viewed_at)?,
        view: ViewId::parse(&message.view_id)?,
        viewer: SpiffeId::parse(&message.viewer)?,
    })
}

fn inputs_message(inputs: Inputs) -> wire::DecisionInputs {
    let (relationship, relationship_reference) = inputs
        .relationship
        .map(|relationship| (relationship.kind.as_str().to_owned(), relationship.reference))
        .unwrap_or_default();
    wire::DecisionInputs {
        requester_kind: inputs.requester_kind,
        purpose: inputs.purpose.map(|purpose| purpose.code().to_owned()).unwrap_or_default(),
        relationship,
        relationship_reference,
        break_glass: inputs.break_glass.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
        organisation_kind: inputs.organisation_kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        sections: inputs.sections.iter().map(|section| section.to_wire()).collect(),
    }
}

fn inputs(message: &wire::DecisionInputs) -> Result<Inputs, Malformed> {
    let relationship = given(&message.relationship)
        .map(|kind| Ok(Relationship { kind: kind.parse()?, reference: message.relationship_reference.clone() }))
        .transpose()?;
    Ok(Inputs {
        requester_kind: message.requester_kind.clone(),
        purpose: given(&message.purpose).map(|code| code.parse()).transpose()?,
        relationship,
        break_glass: given(&message.break_glass).map(|word| word.parse()).transpose()?,
        organisation_kind: given(&message.organisation_kind).map(|word| word.parse()).transpose()?,
        sections: message.sections.iter().map(|number| Section::from_wire(*number)).collect::<Result<_, _>>()?,
    })
}

fn outcome_message(outcome: &AuditedOutcome) -> wire::AuditOutcome {
    wire::AuditOutcome {
        organisation: outcome.organisation.to_string(),
        outcome: outcome.outcome.to_wire(),
        cached: outcome.cached,
        query_digest: optional_bytes(outcome.query_digest),
        reason_code: outcome.reason.map(|reason| reason.as_str().to_owned()).unwrap_or_default(),
    }
}

fn outcome(message: &wire::AuditOutcome) -> Result<AuditedOutcome, Malformed> {
    Ok(AuditedOutcome {
        organisation: OdsCode::parse(&message.organisation)?,
        outcome: Outcome::from_wire(message.outcome)?,
        cached: message.cached,
        query_digest: optional_digest("query_digest", &message.query_digest)?,
        reason: given(&message.reason_code).map(|code| code.parse()).transpose()?,
    })
}

fn address(text: &str) -> Result<IpAddr, Malformed> {
    text.parse().map_err(|_| Malformed::new("address", "an IPv4 or IPv6 address"))
}

/// What a field holds, unless it is empty: protobuf has no other way to leave one out.
fn given<T: AsRef<[u8]>>(field: &T) -> Option<&T> {
    (!field.as_ref().is_empty()).then_some(field)
}

fn optional_bytes(digest: Option<Digest>) -> Vec<u8> {
    digest.map(|digest| digest.to_vec()).unwrap_or_default()
}

fn optional_digest(field: &'static str, bytes: &Vec<u8>) -> Result<Option<Digest>, Malformed> {
    given(bytes).map(|bytes| Digest::parse(field, bytes)).transpose()
}

fn digests(field: &'static str, digests: &[Vec<u8>]) -> Result<Vec<Digest>, Malformed> {
    digests.iter().map(|bytes| Digest::parse(field, bytes)).collect()
}
