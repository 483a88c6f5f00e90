//! The digest of a `Permitted` tells every two views apart that are not the same.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use weald_policy::{Circumstances, Engine, Permit, Permitted};
use weald_proto::{
    Assertion, BirthDate, BreakGlassReason, Digest, FamilyName, Filter, Grant, JobRole, Jti, KeyEntry, KeyId, KeyOwner,
    KeyUse, Keyring, Level, NhsNumber, OdsCode, Patient, Predicate, Purpose, Relationship, RelationshipKind, Requester,
    Section, SignedAssertion, SigningKey, Timestamp, Verified, VerifyingKey,
};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::baseline().unwrap());

/// One organisation's key, and no other.
struct OneKey(VerifyingKey);

impl Keyring for OneKey {
    fn key(&self, _: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        let owner = KeyOwner::Organisation(OdsCode::parse("G82001").unwrap());
        (usage == KeyUse::Assertion).then(|| KeyEntry { owner, key: self.0.clone() })
    }
}

fn verified(assertion: &Assertion) -> Verified<Assertion> {
    let key = SigningKey::from_seed(KeyId::parse("G82001/assertion/1").unwrap(), &[7; 32]);
    SignedAssertion::sign(assertion, &key).verify(&OneKey(key.verifying_key())).unwrap()
}

fn assertion() -> Assertion {
    Assertion {
        issuer: "G82001".parse().unwrap(),
        requester: Requester::Professional {
            user: "u1".into(),
            name: "Dr Ada Test".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: "G82001".parse().unwrap(),
            team: Some("t1".into()),
        },
        patient: Patient {
            nhs_number: NhsNumber::parse("9990000018").unwrap(),
            birth_date: BirthDate::parse("1950-01-02").unwrap(),
            family_name: FamilyName::parse("Synthetic").unwrap(),
        },
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "r1".into() }),
        break_glass: None,
        sections: BTreeSet::from([Section::Allergies, Section::Results]),
        audience: weald_proto::FederationName::parse("km.weald.example").unwrap(),
        jti: Jti::parse("j1").unwrap(),
        issued_at: Timestamp::from_secs(1_795_363_200),
        expires_at: Timestamp::from_secs(1_795_363_260),
        viewer: "spiffe://km.weald.example/viewer/G82001/app".parse().unwrap(),
    }
}

/// A permit of the engine for a doctor, narrowed to these grants.
fn permit(grants: &[(Section, Level, &[Predicate])]) -> Permit {
    let circumstances = Circumstances::of(&assertion(), ENGINE.roles(), None).unwrap();
    let grants: BTreeMap<_, _> = grants
        .iter()
        .map(|(section, level, predicates)| {
            (*section, Grant { level: *level, filter: Filter::of(predicates.iter().copied()) })
        })
        .collect();
    ENGINE.decide(&circumstances).permit().within(&grants)
}

fn allergies() -> Permit {
    permit(&[(Section::Allergies, Level::Full, &[])])
}

fn digest(change: impl FnOnce(&mut Assertion)) -> Digest {
    let mut assertion = assertion();
    change(&mut assertion);
    Permitted::new(allergies(), &verified(&assertion), "v1").digest()
}

fn professional(user: &str, name: &str, role: &str, team: Option<&str>) -> Requester {
    Requester::Professional {
        user: user.into(),
        name: name.into(),
        role: JobRole::parse(role).unwrap(),
        organisation: "G82001".parse().unwrap(),
        team: team.map(str::to_owned),
    }
}

#[test]
fn the_same_view_asked_again_has_the_same_digest() {
    let again = digest(|assertion| {
        assertion.jti = Jti::parse("j2").unwrap();
        assertion.issued_at = Timestamp::from_secs(1_795_363_230);
    });
    assert_eq!(digest(|_| ()), again);
}

#[test]
fn whatever_else_differs_in_the_assertion_makes_another_digest() {
    let citizen =
        Requester::Citizen { user: "u1".into(), name: "Dr Ada Test".into(), provider: "G82001".parse().unwrap() };
    let digests = [
        digest(|_| ()),
        digest(|a| a.requester = professional("u2", "Dr Ada Test", "R8000", Some("t1"))),
        digest(|a| a.requester = professional("u1", "Dr Ada Tests", "R8000", Some("t1"))),
        digest(|a| a.requester = professional("u1", "Dr Ada Test", "R8001", Some("t1"))),
        digest(|a| a.requester = professional("u1", "Dr Ada Test", "R8000", Some("t2"))),
        digest(|a| a.requester = professional("u1", "Dr Ada Test", "R8000", None)),
        digest(|a| a.requester = professional("u1D", "r Ada Test", "R8000", Some("t1"))),
        digest(|a| a.requester = citizen),
        digest(|a| {
            a.issuer = "G82002".parse().unwrap();
            if let Requester::Professional { organisation, .. } = &mut a.requester {
                *organisation = "G82002".parse().unwrap();
            }
        }),
        digest(|a| a.patient.nhs_number = NhsNumber::parse("9990000026").unwrap()),
        digest(|a| a.patient.birth_date = BirthDate::parse("1950-01-03").unwrap()),
        digest(|a| a.patient.family_name = FamilyName::parse("Synthetik").unwrap()),
        digest(|a| a.purpose = Purpose::Coordination),
        digest(|a| a.relationship.as_mut().unwrap().kind = RelationshipKind::OpenReferral),
        digest(|a| a.relationship.as_mut().unwrap().reference = "r2".into()),
        digest(|a| a.break_glass = Some(BreakGlassReason::Emergency)),
        digest(|a| a.break_glass = Some(BreakGlassReason::Statute)),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
}

#[test]
fn another_level_filter_section_or_policy_version_makes_another_digest() {
    let assertion = verified(&assertion());
    let of = |permit: Permit, version: &str| Permitted::new(permit, &assertion, version).digest();
    let digests = [
        of(allergies(), "v1"),
        of(allergies(), "v2"),
        of(permit(&[]), "v1"),
        of(permit(&[(Section::Allergies, Level::Summary, &[])]), "v1"),
        of(permit(&[(Section::Allergies, Level::Full, &[Predicate::Active])]), "v1"),
        of(permit(&[(Section::Allergies, Level::Full, &[Predicate::Active, Predicate::Recent])]), "v1"),
        of(permit(&[(Section::Results, Level::Full, &[])]), "v1"),
        of(permit(&[(Section::Allergies, Level::Full, &[]), (Section::Results, Level::Full, &[])]), "v1"),
    ];
    assert_eq!(digests.iter().collect::<BTreeSet<_>>().len(), digests.len());
}

#[test]
fn a_section_that_the_assertion_does_not_name_is_never_permitted() {
    let wide = permit(&[(Section::Allergies, Level::Full, &[]), (Section::Conditions, Level::Full, &[])]);
    let permitted = Permitted::new(wide, &verified(&assertion()), "v1");
    assert_eq!(permitted.permit(), &allergies());
}

#[test]
fn debug_prints_the_digest_and_nothing_of_the_person() {
    let permitted = Permitted::new(allergies(), &verified(&assertion()), "v1");
    let printed = format!("{permitted:?}");
    assert_eq!(printed, format!("Permitted({})", permitted.digest()));
    assert_eq!(permitted.patient(), &assertion().patient);
    assert_eq!(permitted.requester(), &assertion().requester);
    assert_eq!(permitted.policy_version(), "v1");
}

#[test]
fn a_role_in_no_row_is_refused() {
    let unknown = Assertion { requester: professional("u1", "A Coder", "R8007", None), ..assertion() };
    let error = Circumstances::of(&unknown, ENGINE.roles(), None).unwrap_err();
    assert!(error.to_string().contains("R8007"));
}
