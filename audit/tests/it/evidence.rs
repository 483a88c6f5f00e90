//! What an entry takes from an assertion and from a query.

use std::collections::BTreeMap;
use std::time::Duration;

use weald_audit::{Entry, Kind, PseudonymKey, Recorder};
use weald_proto::key::KeyUse;
use weald_proto::{
    Assertion, BirthDate, Clock as _, FamilyName, FederationName, Grant, JobRole, Jti, KeyEntry, KeyId, KeyOwner,
    Keyring, Level, NhsNumber, Nonce, OdsCode, Patient, Purpose, Query, QueryId, Relationship, RelationshipKind,
    Requester, Section, Signed, SignedAssertion, SigningKey, SpiffeId, Timestamp, Verified, grant::Filter,
};

use crate::random::{clock, node};

struct OneKey(KeyEntry);

impl Keyring for OneKey {
    fn key(&self, _: &KeyId, _: KeyUse) -> Option<KeyEntry> {
        Some(self.0.clone())
    }
}

fn federation() -> FederationName {
    FederationName::parse("kent.example").unwrap()
}

fn signed(now: Timestamp) -> (SignedAssertion, Verified<Assertion>) {
    let organisation = OdsCode::parse("G82001").unwrap();
    let assertion = Assertion {
        issuer: organisation.clone(),
        requester: Requester::Professional {
            user: "u1".to_owned(),
            name: "Dr A Example".to_owned(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: organisation.clone(),
            team: None,
        },
        patient: Patient {
            nhs_number: NhsNumber::parse("9990000018").unwrap(),
            birth_date: BirthDate::parse("1950-01-02").unwrap(),
            family_name: FamilyName::parse("Example").unwrap(),
        },
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "list 1".to_owned() }),
        break_glass: None,
        sections: [Section::Allergies].into(),
        audience: federation(),
        jti: Jti::parse("a1").unwrap(),
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(10)),
        viewer: SpiffeId::viewer(&federation(), &organisation, "emr").unwrap(),
    };
    let key = SigningKey::from_seed(KeyId::parse("k1").unwrap(), &[1; 32]);
    let signed = SignedAssertion::sign(&assertion, &key);
    let ring = OneKey(KeyEntry { owner: KeyOwner::Organisation(organisation), key: key.verifying_key() });
    let verified = signed.verify(&ring).unwrap();
    (signed, verified)
}

fn query(now: Timestamp, assertion: SignedAssertion) -> Verified<Query> {
    let broker = SpiffeId::broker(&federation(), "b1").unwrap();
    let query = Query {
        id: QueryId::parse(&[1; 16]).unwrap(),
        audience: OdsCode::parse("RVV").unwrap(),
        grants: BTreeMap::from([(Section::Allergies, Grant { level: Level::Full, filter: Filter::default() })]),
        assertion,
        register_version: 1,
        register_issued_at: now,
        issued_at: now,
        expires_at: now.plus(Duration::from_secs(30)),
        nonce: Nonce::parse(&[2; 16]).unwrap(),
        time_left: Duration::from_secs(2),
        broker: broker.clone(),
        session: None,
    };
    let key = SigningKey::from_seed(KeyId::parse("k2").unwrap(), &[2; 32]);
    let ring = OneKey(KeyEntry { owner: KeyOwner::Broker(broker), key: key.verifying_key() });
    Signed::sign(&query, "RVV", &key).verify("RVV", &ring).unwrap()
}

#[test]
fn a_nodes_entry_says_who_asked_for_whom_and_why_and_counts_until_the_later_of_both_ends() {
    let now = clock().now();
    let (signed, assertion) = signed(now);
    let query = query(now, signed);
    let entry = Entry::new(Kind::Answer, node()).with_query(&query).with_assertion(&assertion);

    assert_eq!(entry.requester.as_ref(), Some(&assertion.requester));
    assert_eq!((entry.jti.as_ref(), entry.assertion_digest), (Some(&assertion.jti), Some(assertion.digest())));
    assert_eq!((entry.nonce, entry.query_digest), (Some(query.nonce), Some(query.digest())));
    let inputs = entry.inputs.as_ref().unwrap();
    assert_eq!((inputs.purpose, &inputs.relationship), (Some(Purpose::Treatment), &assertion.relationship));
    assert_eq!(inputs.sections, assertion.sections);
    let Recorder::Node { query: id, patient, .. } = &entry.recorder else { panic!("a node's") };
    assert_eq!((*id, patient.as_ref()), (Some(query.id), Some(&assertion.patient.nhs_number)));
    assert_eq!(entry.expires_at, Some(query.expires_at));
    assert_eq!(entry, Entry::new(Kind::Answer, node()).with_assertion(&assertion).with_query(&query));
}

#[test]
fn a_brokers_entry_knows_the_person_by_pseudonym_only() {
    let (_, assertion) = signed(clock().now());
    let id = SpiffeId::broker(&federation(), "b1").unwrap();
    let pseudonym = PseudonymKey::new([3; 32]).pseudonym(&assertion.patient.nhs_number);
    let recorder = Recorder::Broker { id, view: None, patient: Some(pseudonym.clone()) };
    let entry = Entry::new(Kind::Intent, recorder).with_assertion(&assertion);
    let Recorder::Broker { patient, .. } = &entry.recorder else { panic!("a broker's") };
    assert_eq!(patient, &Some(pseudonym));
    assert!(!format!("{:?} {entry:?}", entry.recorder).contains("9990000018"));
}
