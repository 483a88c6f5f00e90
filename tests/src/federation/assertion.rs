//! Assertions, as a requester's organisation would make them.

use std::collections::BTreeSet;

use weald_proto::{
    Assertion, BreakGlassReason, JobRole, Jti, OdsCode, Patient, Purpose, Relationship, RelationshipKind, Requester,
    Section, SignedAssertion, SpiffeId, limit,
};

use super::{APP, Federation};
use crate::silence::{self, SecretKind};

/// What an assertion is to say. Starts as everyday care; every field may be changed before it is signed.
#[derive(Debug, Clone)]
pub struct AssertionDraft {
    /// The organisation that vouches.
    pub organisation: OdsCode,
    /// Job-role code; none for a citizen.
    pub role: Option<JobRole>,
    /// Whom it is about.
    pub patient: Patient,
    /// What for.
    pub purpose: Purpose,
    /// Why it is their business.
    pub relationship: Option<RelationshipKind>,
    /// Why the glass was broken, if it was.
    pub break_glass: Option<BreakGlassReason>,
    /// What they want to see.
    pub sections: BTreeSet<Section>,
}

impl AssertionDraft {
    /// A professional of `organisation` in `role`, treating `patient`, who wants to see everything.
    pub fn treatment(organisation: OdsCode, role: JobRole, relationship: RelationshipKind, patient: Patient) -> Self {
        AssertionDraft {
            organisation,
            role: Some(role),
            patient,
            purpose: Purpose::Treatment,
            relationship: Some(relationship),
            break_glass: None,
            sections: Section::ALL.iter().copied().collect(),
        }
    }

    /// The person themselves, through an app of `provider`.
    pub fn own(provider: OdsCode, patient: Patient) -> Self {
        AssertionDraft {
            organisation: provider,
            role: None,
            patient,
            purpose: Purpose::PatientRequest,
            relationship: None,
            break_glass: None,
            sections: Section::ALL.iter().copied().collect(),
        }
    }

    /// The claims, valid now for five minutes, for the app of that organisation.
    ///
    /// # Errors
    ///
    /// When a name does not parse.
    pub fn claims(&self, federation: &Federation) -> anyhow::Result<Assertion> {
        let now = federation.ground.env.clock.now();
        let organisation = self.organisation.clone();
        let (user, name) = ("u-1".to_owned(), "Robin Example".to_owned());
        silence::know(|secrets| {
            secrets.add_patient(&self.patient);
            secrets.add(SecretKind::Name, &name);
            Ok(())
        })?;
        let requester = match &self.role {
            None => Requester::Citizen { user, name, provider: organisation.clone() },
            Some(role) if role.as_str() == Requester::PRIVACY_OFFICER_ROLE => {
                Requester::PrivacyOfficer { user, name, organisation: organisation.clone() }
            }
            Some(role) => Requester::Professional {
                user,
                name,
                role: role.clone(),
                organisation: organisation.clone(),
                team: None,
            },
        };
        let issued_at = weald_proto::Timestamp::from_secs(now.as_secs());
        Ok(Assertion {
            issuer: organisation.clone(),
            requester,
            patient: self.patient.clone(),
            purpose: self.purpose,
            relationship: self.relationship.map(|kind| Relationship { kind, reference: "ref-1".to_owned() }),
            break_glass: self.break_glass,
            sections: self.sections.clone(),
            audience: federation.ground.name.clone(),
            jti: Jti::generate(&*federation.ground.env.random),
            issued_at,
            expires_at: issued_at.plus(limit::ASSERTION_LIFE),
            viewer: SpiffeId::viewer(&federation.ground.name, &organisation, APP)?,
        })
    }

    /// Signs it with the organisation's assertion key.
    ///
    /// # Errors
    ///
    /// When the organisation is no member of the federation.
    pub fn sign(&self, federation: &Federation) -> anyhow::Result<SignedAssertion> {
        let key = federation
            .assertion_key(&self.organisation)
            .ok_or_else(|| anyhow::anyhow!("{} is no member of this federation", self.organisation))?;
        let token = SignedAssertion::sign(&self.claims(federation)?, key);
        silence::know(|secrets| {
            secrets.add_token(token.expose());
            Ok(())
        })?;
        Ok(token)
    }
}
