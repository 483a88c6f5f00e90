//! Everything that a decision depends on, and nothing about an individual.

use std::collections::BTreeSet;

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

/// Circumstances as far as a decision can depend on them: an organisation that no policy names is as
/// good as any other. So few combinations occur that a decision can be remembered for each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Combination {
    kind: RequesterKind,
    purpose: Purpose,
    relationship: Option<RelationshipKind>,
    break_glass: Option<BreakGlassReason>,
    requester_organisation: Option<OdsCode>,
    answering: Option<(Option<OdsCode>, OrganisationKind)>,
    answers_its_own: bool,
}

impl Combination {
    /// What is left of circumstances when policies name only these organisations.
    pub(crate) fn of(circumstances: &Circumstances, named: &BTreeSet<OdsCode>) -> Self {
        let if_named = |organisation: &OdsCode| named.get(organisation).cloned();
        let requester = &circumstances.requester_organisation;
        Combination {
            kind: circumstances.kind,
            purpose: circumstances.purpose,
            relationship: circumstances.relationship,
            break_glass: circumstances.break_glass,
            requester_organisation: if_named(requester),
            answering: circumstances.answering.as_ref().map(|(organisation, kind)| (if_named(organisation), *kind)),
            answers_its_own: circumstances
                .answering
                .as_ref()
                .is_some_and(|(organisation, _)| organisation == requester),
        }
    }
}
