//! What is written down about one request, query or release.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU64;

use weald_proto::{
    Assertion, BreakGlassReason, Digest, Grant, Jti, Malformed, NhsNumber, Nonce, OdsCode, OrganisationKind, Outcome,
    OutcomeReason, Purpose, Query, QueryId, Reason, Relationship, Requester, Section, SpiffeId, Timestamp, Verified,
    ViewId, wire,
};

use crate::Pseudonym;

/// What an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A broker is about to ask.
    Intent,
    /// A broker is about to release a summary, or one update of it.
    Release,
    /// A node is about to answer.
    Answer,
    /// A request or a query was refused.
    Refusal,
    /// An answer of this node was shown again from a broker's memory.
    Viewed,
    /// A broker is about to pass on a certificate that the authority issued.
    Enrolment,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] =
        &[Kind::Intent, Kind::Release, Kind::Answer, Kind::Refusal, Kind::Viewed, Kind::Enrolment];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Intent => "intent",
            Kind::Release => "release",
            Kind::Answer => "answer",
            Kind::Refusal => "refusal",
            Kind::Viewed => "viewed",
            Kind::Enrolment => "enrolment",
        }
    }

    pub(crate) const fn to_wire(self) -> wire::AuditKind {
        match self {
            Kind::Intent => wire::AuditKind::Intent,
            Kind::Release => wire::AuditKind::Release,
            Kind::Answer => wire::AuditKind::Answer,
            Kind::Refusal => wire::AuditKind::Refusal,
            Kind::Viewed => wire::AuditKind::Viewed,
            Kind::Enrolment => wire::AuditKind::Enrolment,
        }
    }

    pub(crate) fn from_wire(number: i32) -> Result<Self, Malformed> {
        match wire::AuditKind::try_from(number) {
            Ok(wire::AuditKind::Intent) => Ok(Kind::Intent),
            Ok(wire::AuditKind::Release) => Ok(Kind::Release),
            Ok(wire::AuditKind::Answer) => Ok(Kind::Answer),
            Ok(wire::AuditKind::Refusal) => Ok(Kind::Refusal),
            Ok(wire::AuditKind::Viewed) => Ok(Kind::Viewed),
            Ok(wire::AuditKind::Enrolment) => Ok(Kind::Enrolment),
            Ok(wire::AuditKind::Unspecified) | Err(_) => Err(Malformed::new("kind", "a known value")),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whose log this is, and what only that log holds: a broker's never holds an NHS number.
///
/// `Debug` prints ids, and nothing of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorder {
    /// A broker.
    Broker {
        /// Its name.
        id: SpiffeId,
        /// The view, once there is one.
        view: Option<ViewId>,
        /// Whom the view is about, once that is known.
        patient: Option<Pseudonym>,
    },
    /// A node.
    Node {
        /// The organisation for which it speaks.
        organisation: OdsCode,
        /// The query, once it is known.
        query: Option<QueryId>,
        /// Whom the query is about, once that is known.
        patient: Option<NhsNumber>,
    },
}

impl Recorder {
    /// A node of which nothing more is known yet.
    pub fn node(organisation: OdsCode) -> Self {
        Recorder::Node { organisation, query: None, patient: None }
    }

    /// A broker of which nothing more is known yet.
    pub fn broker(id: SpiffeId) -> Self {
        Recorder::Broker { id, view: None, patient: None }
    }
}

/// The inputs of a decision: enough to take it again. `Debug` prints nothing of them.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Kind of requester, as the role table gives it; empty if it gave none.
    pub requester_kind: String,
    /// Purpose of use.
    pub purpose: Option<Purpose>,
    /// Why it is the requester's business.
    pub relationship: Option<Relationship>,
    /// Why the glass was broken.
    pub break_glass: Option<BreakGlassReason>,
    /// Kind of the organisation that would answer; none in a broker's log.
    pub organisation_kind: Option<OrganisationKind>,
    /// Sections asked for.
    pub sections: BTreeSet<Section>,
}

/// What came of one organisation, in a broker's release; or of the node's own, in its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedOutcome {
    /// The organisation.
    pub organisation: OdsCode,
    /// What came of it.
    pub outcome: Outcome,
    /// True if a kept answer was used.
    pub cached: bool,
    /// SHA-256 of the payload of the query that was sent, in a broker's log: what joins it to the
    /// organisation's own log, whether or not an answer came.
    pub query_digest: Option<Digest>,
    /// Why it is no answer; none if it is one, or if the organisation's own reason is in no closed list.
    pub reason: Option<OutcomeReason>,
}

/// Where and when an answer of a node was shown again from a broker's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedView {
    /// Digest of the first entry of the broker's log: tells it from every other.
    pub log: Digest,
    /// Number of the entry about it in that log.
    pub sequence: u64,
    /// When it was shown.
    pub viewed_at: Timestamp,
    /// The view.
    pub view: ViewId,
    /// The viewer app.
    pub viewer: SpiffeId,
}

/// One entry, before the log gives it a place in the chain and a time. What does not apply is empty.
///
/// Holds personal data (domain rules, audit): `Debug` prints the kind and nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it records.
    pub kind: Kind,
    /// Whose log, and about whom.
    pub recorder: Recorder,
    /// The query's nonce, in a node's log.
    pub nonce: Option<Nonce>,
    /// SHA-256 of the payload of the query, in a node's log.
    pub query_digest: Option<Digest>,
    /// The assertion's id.
    pub jti: Option<Jti>,
    /// SHA-256 of the assertion.
    pub assertion_digest: Option<Digest>,
    /// Who asked, with name and role as at the time.
    pub requester: Option<Requester>,
    /// Everything that went into the decision.
    pub inputs: Option<Inputs>,
    /// What was decided.
    pub decision: BTreeMap<Section, Grant>,
    /// Version of the policies that decided; empty if nothing was decided.
    pub policy_version: String,
    /// Version of the register that was used; 0 if none was.
    pub register_version: u64,
    /// What came of each organisation.
    pub outcomes: Vec<AuditedOutcome>,
    /// SHA-256 of each part that leaves, in a node's log.
    pub part_digests: Vec<Digest>,
    /// SHA-256 of the payload of each statement that leaves, in a broker's log.
    pub statement_digests: Vec<Digest>,
    /// SHA-256 of the encoded merge plan that leaves, in a broker's log.
    pub plan_digest: Option<Digest>,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// The peer on the connection.
    pub peer: Option<SpiffeId>,
    /// The later of the two moments at which assertion and query expire: how long a replay matters.
    pub expires_at: Option<Timestamp>,
    /// How many refusals it stands for, if they were counted and not recorded one by one.
    pub count: Option<NonZeroU64>,
    /// The network address from which a refused connection or call came, if that is known.
    pub address: Option<IpAddr>,
    /// Where an answer was shown again, in a node's log.
    pub viewed: Option<AuditedView>,
    /// For whom a certificate was asked, at a broker's door for strangers. Whoever asked has not proved to be it.
    pub enrolling: Option<SpiffeId>,
    /// SHA-256 of the certificate that was issued.
    pub certificate_digest: Option<Digest>,
}

impl Entry {
    /// An entry that says nothing but what and whose.
    pub fn new(kind: Kind, recorder: Recorder) -> Self {
        Entry {
            kind,
            recorder,
            nonce: None,
            query_digest: None,
            jti: None,
            assertion_digest: None,
            requester: None,
            inputs: None,
            decision: BTreeMap::new(),
            policy_version: String::new(),
            register_version: 0,
            outcomes: Vec::new(),
            part_digests: Vec::new(),
            statement_digests: Vec::new(),
            plan_digest: None,
            reason: None,
            peer: None,
            expires_at: None,
            count: None,
            address: None,
            viewed: None,
            enrolling: None,
            certificate_digest: None,
        }
    }

    /// A refusal of somebody of whom it is known where they came from, and perhaps who they are.
    pub fn refused(recorder: Recorder, reason: Reason, address: IpAddr, peer: Option<SpiffeId>) -> Self {
        Entry { reason: Some(reason), address: Some(address), peer, ..Entry::new(Kind::Refusal, recorder) }
    }

    /// With what an assertion says: who, why, its id and digest, what it asks for, how long it
    /// counts; and in a node's log, whom it is about.
    pub fn with_assertion(mut self, assertion: &Verified<Assertion>) -> Self {
        if let Recorder::Node { patient, .. } = &mut self.recorder {
            *patient = Some(assertion.patient.nhs_number.clone());
        }
        self.requester = Some(assertion.requester.clone());
        self.jti = Some(assertion.jti.clone());
        self.assertion_digest = Some(assertion.digest());
        let inputs = self.inputs.get_or_insert_default();
        inputs.purpose = Some(assertion.purpose);
        inputs.relationship.clone_from(&assertion.relationship);
        inputs.break_glass = assertion.break_glass;
        inputs.sections.clone_from(&assertion.sections);
        self.until(assertion.expires_at)
    }

    /// With what a query says: its id, nonce and digest, and how long it counts.
    pub fn with_query(mut self, query: &Verified<Query>) -> Self {
        if let Recorder::Node { query: id, .. } = &mut self.recorder {
            *id = Some(query.id);
        }
        self.nonce = Some(query.nonce);
        self.query_digest = Some(query.digest());
        self.until(query.expires_at)
    }

    fn until(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = self.expires_at.max(Some(expires_at));
        self
    }
}

impl fmt::Debug for Inputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inputs(..)")
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({})", self.kind)
    }
}
