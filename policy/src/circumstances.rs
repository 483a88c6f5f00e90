//! Everything that a decision depends on, and nothing about an individual.

use weald_proto::{Assertion, BreakGlassReason, OdsCode, OrganisationKind, Purpose, RelationshipKind};

use crate::{RequesterKind, RoleTable, UnknownRole};

/// The inputs of a decision: few and discrete, so that a decision can be remembered. No patient, no
/// user and no name ever enters a policy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// What kind of requester looks.
    pub kind: RequesterKind,
    /// What for.
    pub purpose: Purpose,
    /// What makes it their business, if they say.
    pub relationship: Option<RelationshipKind>,
    /// Why the glass was broken, if it was.
    pub break_glass: Option<BreakGlassReason>,
    /// The organisation that vouches for the requester.
    pub requester_organisation: OdsCode,
    /// The organisation that would answer, and its kind; none where a broker decides for all.
    pub answering: Option<(OdsCode, OrganisationKind)>,
}

impl Circumstances {
    /// The circumstances of one view.
    ///
    /// # Errors
    ///
    /// [`UnknownRole`] when the requester's job role is in no row of the table.
    pub fn of(
        assertion: &Assertion,
        roles: &RoleTable,
        answering: Option<(OdsCode, OrganisationKind)>,
    ) -> Result<Self, UnknownRole> {
        Ok(Circumstances {
            kind: roles.kind_of(&assertion.requester)?,
            purpose: assertion.purpose,
            relationship: assertion.relationship.as_ref().map(|relationship| relationship.kind),
            break_glass: assertion.break_glass,
            requester_organisation: assertion.requester.organisation().clone(),
            answering,
        })
    }
}
