//! A register file is accepted whole or refused, with the member and the field named.

#![cfg(test)]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use weald_certs::{
    Authority, Broker, KeyState, Member, MemberState, Register, RegisterAnchor, RegisterDocument, RegisterDraft,
    RegisterError, RegisteredKey,
};
use weald_proto::{
    Assertion, Digest, FederationName, KeyId, KeyOwner, KeyUse, Keyring as _, OdsCode, OrganisationKind, Section,
    SigningKey, SpiffeId, SystemRandom, Timestamp, VerifyError,
};

const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

static ROOT: LazyLock<Authority> = LazyLock::new(|| Authority::new(federation(), Arc::new(SystemRandom), NOW).unwrap());

fn federation() -> FederationName {
    FederationName::parse("kent.weald.example").unwrap()
}

fn id(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

/// The key that signs registers here.
fn signer() -> SigningKey<RegisterDocument> {
    SigningKey::from_seed(id("root-1"), &[1; 32])
}

fn anchor() -> RegisterAnchor {
    RegisterAnchor::new(federation(), id("root-1"), signer().verifying_key())
}

fn key(kid: &str, usage: KeyUse, seed: u8, state: KeyState) -> RegisteredKey {
    let key = SigningKey::<Assertion>::from_seed(id(kid), &[seed; 32]).verifying_key();
    RegisteredKey { id: id(kid), usage, key, state }
}

fn member(code: &str, seed: u8) -> Member {
    Member {
        organisation: ods(code),
        name: format!("Organisation {code}"),
        kind: OrganisationKind::Acute,
        state: MemberState::Active,
        address: Some("node.example:8443".into()),
        sections: [Section::Allergies, Section::Medications].into(),
        always_ask: false,
        keys: vec![
            key(&format!("{code}/a1"), KeyUse::Assertion, seed, KeyState::Active),
            key(&format!("{code}/s0"), KeyUse::Statement, seed + 1, KeyState::VerifyOnly),
            key(&format!("{code}/s1"), KeyUse::Statement, seed + 2, KeyState::Active),
            key(&format!("{code}/s2"), KeyUse::Statement, seed + 3, KeyState::Pending),
            key(&format!("{code}/s-1"), KeyUse::Statement, seed + 4, KeyState::Retired),
        ],
    }
}

fn broker() -> SpiffeId {
    SpiffeId::broker(&federation(), "b1").unwrap()
}

fn draft() -> RegisterDraft {
    let mut suspended = member("G82001", 30);
    suspended.state = MemberState::Suspended;
    RegisterDraft {
        federation: federation(),
        version: 7,
        issued_at: NOW,
        expires_at: Some(NOW.plus(Duration::from_secs(3600))),
        policy_digest: Digest::of(b"baseline"),
        roots: vec![ROOT.root().clone()],
        brokers: vec![Broker {
            id: broker(),
            address: Some("broker.kent.weald.example:7400".into()),
            keys: vec![key("b1/q1", KeyUse::Query, 60, KeyState::Active)],
        }],
        members: vec![member("RVV", 20), suspended],
    }
}

fn load(draft: &RegisterDraft) -> Result<Register, RegisterError> {
    Register::load(&draft.sign(&signer()), &anchor(), NOW)
}

/// Signs the draft's JSON after a change that no draft can express, and tells what was refused.
fn fault_of(change: impl FnOnce(&mut Value)) -> String {
    let mut json: Value = serde_json::from_slice(draft().document().as_bytes()).unwrap();
    change(&mut json);
    let document = RegisterDocument::unchecked(json.to_string().into_bytes());
    match Register::load(&document.sign(&federation(), &signer()), &anchor(), NOW) {
        Err(RegisterError::Contents(fault)) => fault.to_string(),
        other => panic!("{other:?}"),
    }
}

fn assert_names(fault: &str, place: &str, field: &str) {
    assert!(fault.starts_with(place) && fault.contains(field), "`{fault}` names neither `{place}` nor `{field}`");
}

#[test]
fn what_a_draft_says_is_what_a_register_holds() {
    let (draft, register) = (draft(), load(&draft()).unwrap());
    assert_eq!(register.federation(), &draft.federation);
    assert_eq!((register.version(), register.issued_at()), (7, NOW));
    assert_eq!(register.expires_at(), draft.expires_at);
    assert_eq!(register.policy_digest(), draft.policy_digest);
    assert_eq!(register.roots(), draft.roots);
    assert_eq!(register.member(&ods("RVV")), draft.members.first());
    assert_eq!(register.members().count(), 2);
    assert_eq!(register.active_members().map(|member| member.organisation.as_str()).collect::<Vec<_>>(), ["RVV"]);
    assert_eq!(register.broker(&broker()), draft.brokers.first());
}

#[test]
fn a_key_is_given_with_its_owner_for_its_own_use_only() {
    let register = load(&draft()).unwrap();
    let given = register.key(&id("RVV/a1"), KeyUse::Assertion).unwrap();
    assert_eq!(given.owner, KeyOwner::Organisation(ods("RVV")));
    assert_eq!(given.key, draft().members[0].keys[0].key);
    let given = register.key(&id("b1/q1"), KeyUse::Query).unwrap();
    assert_eq!(given.owner, KeyOwner::Broker(broker()));
    for usage in [KeyUse::Query, KeyUse::Statement, KeyUse::Log, KeyUse::Register] {
        assert!(register.key(&id("RVV/a1"), usage).is_none());
    }
    assert!(register.key(&id("unknown"), KeyUse::Assertion).is_none());
}

#[test]
fn only_keys_in_use_or_kept_for_verification_are_given() {
    let register = load(&draft()).unwrap();
    let given = |kid: &str| register.key(&id(kid), KeyUse::Statement).is_some();
    assert!(given("RVV/s1") && given("RVV/s0"));
    assert!(!given("RVV/s2") && !given("RVV/s-1"));
}

#[test]
fn a_suspended_members_keys_are_not_given() {
    let register = load(&draft()).unwrap();
    assert_eq!(register.member(&ods("G82001")).unwrap().state, MemberState::Suspended);
    for kid in ["G82001/a1", "G82001/s0", "G82001/s1"] {
        for usage in [KeyUse::Assertion, KeyUse::Statement] {
            assert!(register.key(&id(kid), usage).is_none());
        }
    }
}

#[test]
fn a_register_signed_by_anybody_else_is_refused() {
    let other = SigningKey::from_seed(id("root-1"), &[2; 32]);
    let refused = Register::load(&draft().sign(&other), &anchor(), NOW).unwrap_err();
    assert!(matches!(refused, RegisterError::Signature(VerifyError::WrongSignature)));
    let unknown = SigningKey::from_seed(id("root-2"), &[1; 32]);
    let refused = Register::load(&draft().sign(&unknown), &anchor(), NOW).unwrap_err();
    assert!(matches!(refused, RegisterError::Signature(VerifyError::UnknownKey)));
}

#[test]
fn either_of_two_root_keys_will_do() {
    let second = SigningKey::from_seed(id("root-2"), &[2; 32]);
    let both = anchor().and(id("root-2"), second.verifying_key());
    for key in [signer(), second] {
        assert_eq!(Register::load(&draft().sign(&key), &both, NOW).unwrap().version(), 7);
    }
}

#[test]
fn an_anchor_parses_as_its_keys_are_written() {
    let anchor = anchor();
    let (kid, text) = anchor.keys().next().unwrap();
    assert_eq!(RegisterAnchor::parse("kent.weald.example", kid.as_str(), &text).unwrap(), anchor);
    assert_eq!(RegisterAnchor::parse("kent.weald.example", "root-1", "AAAA").unwrap_err().field, "public_key");
}

#[test]
fn a_register_for_another_federation_is_refused() {
    let elsewhere = FederationName::parse("sussex.weald.example").unwrap();
    let bytes = draft().document().sign(&elsewhere, &signer());
    let refused = Register::load(&bytes, &anchor(), NOW).unwrap_err();
    assert!(matches!(refused, RegisterError::Signature(VerifyError::WrongSignature)));

    let mut draft = draft();
    (draft.federation, draft.brokers) = (elsewhere, vec![]);
    let refused = Register::load(&draft.document().sign(&federation(), &signer()), &anchor(), NOW).unwrap_err();
    assert!(matches!(refused, RegisterError::OtherFederation));
}

#[test]
fn a_register_holds_from_its_issue_to_its_expiry() {
    let bytes = draft().sign(&signer());
    let load = |now| Register::load(&bytes, &anchor(), now);
    assert!(matches!(load(NOW.minus(Duration::from_secs(61))), Err(RegisterError::NotYetIssued { .. })));
    assert!(load(NOW.minus(Duration::from_secs(60))).is_ok());
    assert!(load(NOW.plus(Duration::from_secs(3599))).is_ok());
    assert!(matches!(load(NOW.plus(Duration::from_secs(3600))), Err(RegisterError::Expired { .. })));
}

#[test]
fn a_register_never_goes_back() {
    let version = |version| load(&RegisterDraft { version, ..draft() }).unwrap();
    assert_eq!(version(7).succeed(version(8)).unwrap().version(), 8);
    assert_eq!(version(7).succeed(version(7)).unwrap().version(), 7);
    assert!(matches!(version(7).succeed(version(6)), Err(RegisterError::Rollback { known: 7, offered: 6 })));
    let other = load(&RegisterDraft { policy_digest: Digest::of(b"other"), ..draft() }).unwrap();
    assert!(matches!(version(7).succeed(other), Err(RegisterError::Rollback { known: 7, offered: 7 })));
}

#[test]
fn a_key_id_or_a_public_key_that_stands_twice_is_refused() {
    let mut twice = draft();
    twice.members[1].keys[0].id = id("RVV/a1");
    let fault = load(&twice).unwrap_err();
    assert_names(&source(&fault), "member G82001", "`kid`");

    let mut twice = draft();
    twice.members[0].keys[0].key = twice.brokers[0].keys[0].key.clone();
    let fault = load(&twice).unwrap_err();
    assert_names(&source(&fault), "member RVV", "`public_key`");
}

fn source(error: &RegisterError) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[test]
fn a_party_that_stands_twice_is_refused() {
    let mut twice = draft();
    twice.members.push(Member { keys: vec![], ..member("RVV", 0) });
    assert_names(&source(&load(&twice).unwrap_err()), "member RVV", "listed twice");
    let mut twice = draft();
    twice.brokers.push(Broker { id: broker(), address: None, keys: vec![] });
    assert_names(&source(&load(&twice).unwrap_err()), "broker spiffe://kent.weald.example/broker/b1", "listed twice");
}

#[test]
fn unknown_fields_are_refused_at_every_depth() {
    assert_names(&fault_of(|json| json["color"] = json!(1)), "register", "`color`");
    assert_names(&fault_of(|json| json["members"][0]["color"] = json!(1)), "member RVV", "`color`");
    assert_names(&fault_of(|json| json["brokers"][0]["color"] = json!(1)), "broker", "`color`");
    assert_names(&fault_of(|json| json["members"][1]["keys"][0]["color"] = json!(1)), "member G82001", "`color`");
}

#[test]
fn missing_fields_are_refused() {
    for field in ["organisation", "name", "kind", "state", "sections", "always_ask", "keys"] {
        let fault = fault_of(|json| drop(json["members"][0].as_object_mut().unwrap().remove(field)));
        let place = if field == "organisation" { "members[0]" } else { "member RVV" };
        assert_names(&fault, place, field);
    }
}

#[test]
fn unknown_words_and_bad_values_are_refused_by_member_and_field() {
    let cases = [
        ("/members/0/kind", json!("circus"), "member RVV", "`kind`"),
        ("/members/0/state", json!("gone"), "member RVV", "`state`"),
        ("/members/0/sections/0", json!("gossip"), "member RVV", "`section`"),
        ("/members/0/sections/1", json!("allergies"), "member RVV", "`sections`"),
        ("/members/0/address", json!("no port"), "member RVV", "`address`"),
        ("/members/0/address", json!("host:0"), "member RVV", "`address`"),
        ("/members/0/name", json!(""), "member RVV", "`name`"),
        ("/members/0/organisation", json!("rvv"), "members[0]", "`organisation`"),
        ("/members/0/keys/0/use", json!("gossip"), "member RVV", "`use`"),
        ("/members/0/keys/0/use", json!("query"), "member RVV", "`use`"),
        ("/members/0/keys/0/use", json!("register"), "member RVV", "`use`"),
        ("/members/0/keys/0/state", json!("lost"), "member RVV", "`state`"),
        ("/members/0/keys/0/kid", json!("a b"), "member RVV", "`kid`"),
        ("/members/0/keys/0/public_key", json!("AAAA"), "member RVV", "`public_key`"),
        ("/brokers/0/keys/0/use", json!("statement"), "broker ", "`use`"),
        ("/brokers/0/id", json!("spiffe://sussex.weald.example/broker/b1"), "broker ", "`id`"),
        ("/brokers/0/id", json!("spiffe://kent.weald.example/org/RVV/node"), "broker ", "`id`"),
        ("/roots", json!([]), "register", "`roots`"),
        ("/roots/0", json!("AAAA"), "roots[0]", "root certificate"),
        ("/policy_digest", json!("ABCD"), "register", "`policy_digest`"),
        ("/version", json!(-1), "register", "u64"),
        ("/federation", json!("Kent"), "register", "`federation`"),
    ];
    for (pointer, value, place, field) in cases {
        assert_names(&fault_of(|json| *json.pointer_mut(pointer).unwrap() = value), place, field);
    }
}

#[test]
fn files_are_read_and_errors_name_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("register.json");
    let missing = Register::open(&path, &anchor(), NOW).unwrap_err();
    assert!(missing.to_string().contains("register.json"));
    std::fs::write(&path, draft().sign(&signer())).unwrap();
    assert_eq!(Register::open(&path, &anchor(), NOW).unwrap().version(), 7);
    std::fs::write(&path, "{}").unwrap();
    assert!(matches!(Register::open(&path, &anchor(), NOW), Err(RegisterError::Envelope(_))));
}

static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| draft().sign(&signer()));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_file_with_any_one_byte_changed_is_refused(position in 0..FILE.len(), byte in any::<u8>()) {
        let mut altered = FILE.clone();
        prop_assume!(altered[position] != byte);
        altered[position] = byte;
        prop_assert!(Register::load(&altered, &anchor(), NOW).is_err());
    }

    #[test]
    fn a_file_that_is_cut_short_is_refused(length in 0..FILE.len()) {
        prop_assert!(Register::load(&FILE[..length], &anchor(), NOW).is_err());
    }
}
