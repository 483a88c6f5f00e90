//! A real permit, for tests of a source alone.

use std::collections::BTreeSet;

use weald_policy::{Circumstances, Engine, Permitted};
use weald_proto::{
    Assertion, FederationName, JobRole, Jti, KeyEntry, KeyId, KeyOwner, KeyUse, Keyring, OdsCode, Patient, Purpose,
    Relationship, RelationshipKind, Requester, Section, SignedAssertion, SigningKey, SpiffeId, limit,
};
use weald_tests::population::REFERENCE;

struct OneKey(KeyEntry);

impl Keyring for OneKey {
    fn key(&self, _id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        (usage == KeyUse::Assertion).then(|| self.0.clone())
    }
}

/// What a GP may read of this person: every section, at some level.
pub(crate) fn permitted(engine: &Engine, patient: Patient) -> Permitted {
    let (practice, federation) = (OdsCode::parse("G99001").unwrap(), FederationName::parse("sources.example").unwrap());
    let assertion = Assertion {
        issuer: practice.clone(),
        requester: Requester::Professional {
            user: "u-1".into(),
            name: "Robin Example".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: practice.clone(),
            team: None,
        },
        patient,
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "ref-1".into() }),
        break_glass: None,
        sections: Section::ALL.iter().copied().collect::<BTreeSet<_>>(),
        audience: federation.clone(),
        jti: Jti::parse("bad-input-0000000001").unwrap(),
        issued_at: REFERENCE,
        expires_at: REFERENCE.plus(limit::ASSERTION_LIFE),
        viewer: SpiffeId::viewer(&federation, &practice, "record").unwrap(),
    };
    let key: SigningKey<Assertion> = SigningKey::from_seed(KeyId::parse("k1").unwrap(), &[7; 32]);
    let keys = OneKey(KeyEntry { owner: KeyOwner::Organisation(practice), key: key.verifying_key() });
    let verified = SignedAssertion::sign(&assertion, &key).verify(&keys).unwrap();
    let circumstances = Circumstances::of(&verified, engine.roles(), None).unwrap();
    Permitted::new(engine.decide(&circumstances).permit().clone(), &verified, engine.version())
}
