//! One verified view.

use std::collections::BTreeMap;
use std::fmt;

use weald_proto::{
    Completeness, Digest, Grant, MergePlan, OdsCode, OrganisationKind, Outcome, Section, Statement, Timestamp,
    VerifiedAnswer, ViewId,
};

use crate::section::SectionView;

/// One view of one person's record, every part of it verified. Nothing but the client makes one.
pub struct View {
    pub(crate) id: ViewId,
    pub(crate) register_version: u64,
    pub(crate) made_at: Timestamp,
    pub(crate) organisations: BTreeMap<OdsCode, Organisation>,
    pub(crate) unnamed: BTreeMap<OrganisationKind, u32>,
    pub(crate) plan: MergePlan,
    pub(crate) decisions: BTreeMap<Section, Decision>,
    pub(crate) completeness: BTreeMap<Section, Completeness>,
    pub(crate) audit_digest: Digest,
}

/// What came of one organisation.
pub struct Organisation {
    pub(crate) outcome: Outcome,
    pub(crate) reason_code: String,
    pub(crate) reason_text: String,
    pub(crate) elapsed_ms: u32,
    pub(crate) answer: Option<VerifiedAnswer>,
    pub(crate) cached: bool,
}

/// What was decided for one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Level and filter; level none if nothing may be seen.
    pub grant: Grant,
    /// Why, in plain words.
    pub reason_text: String,
    /// Ids of the policies that decided.
    pub policies: Vec<String>,
}

impl View {
    /// Its id at the broker.
    pub fn id(&self) -> ViewId {
        self.id
    }

    /// Version of the register whose active members are all accounted for.
    pub fn register_version(&self) -> u64 {
        self.register_version
    }

    /// When it was made.
    pub fn made_at(&self) -> Timestamp {
        self.made_at
    }

    /// Digest of the broker's audit entry of this release.
    pub fn audit_digest(&self) -> Digest {
        self.audit_digest
    }

    /// Every organisation that may be named, once.
    pub fn organisations(&self) -> &BTreeMap<OdsCode, Organisation> {
        &self.organisations
    }

    /// Organisations that are only counted, by kind.
    pub fn unnamed(&self) -> &BTreeMap<OrganisationKind, u32> {
        &self.unnamed
    }

    /// What was decided, for each section asked for.
    pub fn decisions(&self) -> &BTreeMap<Section, Decision> {
        &self.decisions
    }

    /// How complete each section asked for is.
    pub fn completeness(&self) -> &BTreeMap<Section, Completeness> {
        &self.completeness
    }

    /// The plan.
    pub fn plan(&self) -> &MergePlan {
        &self.plan
    }

    /// One section, with how complete it is; none if it was not asked for.
    pub fn section(&self, section: Section) -> Option<SectionView<'_>> {
        SectionView::of(self, section)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "View({}, {} organisations)", self.id, self.organisations.len())
    }
}

impl Organisation {
    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Stable reason, if it is no answer.
    pub fn reason_code(&self) -> &str {
        &self.reason_code
    }

    /// Reason in plain words, if it is no answer.
    pub fn reason_text(&self) -> &str {
        &self.reason_text
    }

    /// Milliseconds from the question to the outcome.
    pub fn elapsed_ms(&self) -> u32 {
        self.elapsed_ms
    }

    /// True if it was said to an earlier query of the same requester.
    pub fn is_cached(&self) -> bool {
        self.cached
    }

    /// What it stated under its signature, if the outcome is its own word.
    pub fn statement(&self) -> Option<&Statement> {
        self.answer.as_ref().map(|answer| &**answer.statement())
    }
}

impl fmt::Debug for Organisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Organisation({})", self.outcome)
    }
}
