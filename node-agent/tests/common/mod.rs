//! A real permit for a synthetic person: decided by the baseline policies, under a signed assertion.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use weald_policy::{Circumstances, Engine, Permitted};
use weald_proto::{
    Assertion, BirthDate, FamilyName, FederationName, JobRole, Jti, KeyEntry, KeyId, KeyOwner, KeyUse, Keyring,
    NhsNumber, OdsCode, Patient, Purpose, Relationship, RelationshipKind, Requester, Section, SignedAssertion,
    SigningKey, SpiffeId, Timestamp, limit,
};
use weald_tests::silence;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::baseline().unwrap());

struct OneKey(KeyEntry);

impl Keyring for OneKey {
    fn key(&self, _id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        (usage == KeyUse::Assertion).then(|| self.0.clone())
    }
}

/// What a GP may read of this person: every section, at some level. From here on, nothing that is
/// written may say anything about them.
pub(crate) fn permitted(nhs_number: &str) -> Permitted {
    let (practice, federation) = (OdsCode::parse("G99001").unwrap(), FederationName::parse("sources.example").unwrap());
    let issued_at = Timestamp::from_secs(1_795_363_200);
    let assertion = Assertion {
        issuer: practice.clone(),
        requester: Requester::Professional {
            user: "u-1".into(),
            name: "Robin Example".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: practice.clone(),
            team: None,
        },
        patient: Patient {
            nhs_number: NhsNumber::parse(nhs_number).unwrap(),
            birth_date: BirthDate::parse("1950-04-01").unwrap(),
            family_name: FamilyName::parse("Ashenhurst").unwrap(),
        },
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "ref-1".into() }),
        break_glass: None,
        sections: Section::ALL.iter().copied().collect(),
        audience: federation.clone(),
        jti: Jti::parse("sources-000000000001").unwrap(),
        issued_at,
        expires_at: issued_at.plus(limit::ASSERTION_LIFE),
        viewer: SpiffeId::viewer(&federation, &practice, "record").unwrap(),
    };
    silence::know(|secrets| {
        secrets.add_patient(&assertion.patient);
        Ok(())
    })
    .unwrap();
    let key: SigningKey<Assertion> = SigningKey::from_seed(KeyId::parse("k1").unwrap(), &[7; 32]);
    let keys = OneKey(KeyEntry { owner: KeyOwner::Organisation(practice), key: key.verifying_key() });
    let verified = SignedAssertion::sign(&assertion, &key).verify(&keys).unwrap();
    let engine = &*ENGINE;
    let circumstances = Circumstances::of(&verified, engine.roles(), None).unwrap();
    let permitted = Permitted::new(engine.decide(&circumstances).permit().clone(), &verified, engine.version());
    let granted: BTreeSet<Section> = permitted.permit().grants().keys().copied().collect();
    assert_eq!(granted, Section::ALL.iter().copied().collect(), "a GP may read every section");
    permitted
}
