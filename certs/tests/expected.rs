//! Whose answer a section needs, and who is only counted.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use weald_certs::{
    Authority, Expected, Member, MemberState, Register, RegisterAnchor, RegisterDocument, RegisterDraft,
};
use weald_proto::{
    Digest, FederationName, KeyId, OdsCode, OrganisationKind, Section, SigningKey, SystemRandom, Timestamp,
};

const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

fn codes(codes: &[&str]) -> BTreeSet<OdsCode> {
    codes.iter().map(|code| ods(code)).collect()
}

fn member(code: &str, kind: OrganisationKind, sections: &[Section]) -> Member {
    Member {
        organisation: ods(code),
        name: code.to_owned(),
        kind,
        state: MemberState::Active,
        address: None,
        sections: sections.iter().copied().collect(),
        always_ask: false,
        keys: Vec::new(),
    }
}

/// Two trusts, a practice, a mental-health trust, a council that is suspended.
fn register() -> Register {
    let federation = FederationName::parse("kent.weald.example").unwrap();
    let authority = Authority::new(federation.clone(), Arc::new(SystemRandom), NOW).unwrap();
    let key: SigningKey<RegisterDocument> = SigningKey::from_seed(KeyId::parse("root-1").unwrap(), &[1; 32]);
    let anchor = RegisterAnchor::new(federation.clone(), key.id().clone(), key.verifying_key());
    let clinical = [Section::Allergies, Section::Medications];
    let mut council = member("X9KCC", OrganisationKind::SocialCare, &[Section::SocialCareAdult]);
    council.state = MemberState::Suspended;
    let mut practice = member("G99001", OrganisationKind::GpPractice, &clinical);
    practice.always_ask = true;
    let draft = RegisterDraft {
        federation,
        version: 1,
        issued_at: NOW,
        expires_at: None,
        policy_digest: Digest::of(b"baseline"),
        roots: vec![authority.root().clone()],
        brokers: Vec::new(),
        members: vec![
            member("RVV", OrganisationKind::Acute, &clinical),
            member("RWF", OrganisationKind::Acute, &[Section::Location]),
            practice,
            member("RXY", OrganisationKind::MentalHealth, &[Section::MentalHealth]),
            council,
        ],
    };
    Register::load(&draft.sign(&key), &anchor, NOW).unwrap()
}

#[test]
fn every_member_that_holds_a_permitted_section_is_expected_there() {
    let expected = Expected::of(&register(), &[Section::Allergies, Section::Location].into(), &BTreeSet::new());
    assert_eq!(*expected.of_section(Section::Allergies), codes(&["G99001", "RVV"]));
    assert_eq!(*expected.of_section(Section::Location), codes(&["RWF"]));
    assert!(expected.of_section(Section::Medications).is_empty(), "what is not permitted is expected of nobody");
}

#[test]
fn a_kind_that_holds_nothing_permitted_is_counted_and_not_named() {
    let expected = Expected::of(&register(), &[Section::Allergies].into(), &BTreeSet::new());
    // The second trust holds no allergies, but trusts do: naming it tells nothing.
    assert_eq!(*expected.named(), codes(&["G99001", "RVV", "RWF"]));
    assert_eq!(*expected.unnamed(), BTreeMap::from([(OrganisationKind::MentalHealth, 1)]));
}

#[test]
fn a_suspended_member_is_neither_named_nor_counted() {
    let expected = Expected::of(&register(), &[Section::SocialCareAdult].into(), &BTreeSet::new());
    assert!(expected.named().is_empty());
    assert!(!expected.unnamed().contains_key(&OrganisationKind::SocialCare));
}

#[test]
fn who_is_not_located_is_named_and_not_expected_unless_always_asked() {
    let expected = Expected::of(&register(), &[Section::Allergies].into(), &codes(&["G99001", "RVV"]));
    assert_eq!(*expected.of_section(Section::Allergies), codes(&["G99001"]));
    assert!(expected.named().contains(&ods("RVV")));
}
