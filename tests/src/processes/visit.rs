//! Asking the processes of an estate, as a viewer app and its organisation do.

use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use weald_certs::{Connector, Links, Register, Trust};
use weald_proto::{
    Assertion, JobRole, Jti, OdsCode, Patient, Purpose, Relationship, RelationshipKind, Requester, Section,
    SignedAssertion, SpiffeId, Timestamp, limit,
};
use weald_viewer::{Viewer, ViewerParts};

use super::estate::Estate;
use crate::federation::APP;

impl Estate {
    /// The viewer app of an organisation.
    ///
    /// # Errors
    ///
    /// When its certificate or its register cannot be made.
    pub fn viewer(&self, organisation: &OdsCode) -> anyhow::Result<Viewer> {
        let now = self.env.clock.now();
        let id = SpiffeId::viewer(&self.name, organisation, APP)?;
        let credentials = Arc::new(self.authority.credentials(&id, now)?);
        let trust = Arc::new(Trust::new(self.name.clone(), std::slice::from_ref(self.authority.root()))?);
        let register = Register::open(&self.path("register.json"), &self.anchor(), now)?;
        Ok(Viewer::new(ViewerParts {
            links: Links::new(Connector::new(credentials, trust, self.env.clone()), limit::CONNECT_DEADLINE),
            address: self.address("broker").context("the broker has an address")?.to_string(),
            broker: SpiffeId::broker(&self.name, "b1")?,
            register: Arc::new(ArcSwap::from_pointee(register)),
            env: self.env.clone(),
        }))
    }

    /// A doctor's assertion, for everyday care of a person of their practice.
    ///
    /// # Errors
    ///
    /// When the organisation is no holder here.
    pub fn assertion(&self, organisation: &OdsCode, patient: &Patient) -> anyhow::Result<SignedAssertion> {
        let key = self.assertion_keys.get(organisation).context("the organisation is a holder")?;
        let now = Timestamp::from_secs(self.env.clock.now().as_secs());
        let requester = Requester::Professional {
            user: "u-1".to_owned(),
            name: "Robin Example".to_owned(),
            role: JobRole::parse("R0260")?,
            organisation: organisation.clone(),
            team: None,
        };
        let relationship = Relationship { kind: RelationshipKind::RegisteredPractice, reference: "ref-1".to_owned() };
        let claims = Assertion {
            issuer: organisation.clone(),
            requester,
            patient: patient.clone(),
            purpose: Purpose::Treatment,
            relationship: Some(relationship),
            break_glass: None,
            sections: Section::ALL.iter().copied().collect(),
            audience: self.name.clone(),
            jti: Jti::generate(&*self.env.random),
            issued_at: now,
            expires_at: now.plus(limit::ASSERTION_LIFE),
            viewer: SpiffeId::viewer(&self.name, organisation, APP)?,
        };
        Ok(SignedAssertion::sign(&claims, key))
    }
}
