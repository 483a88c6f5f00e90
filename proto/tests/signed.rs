//! What a signature promises.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weald_proto::assertion::NotNow;
use weald_proto::*;

/// One key, for one use.
struct One {
    id: KeyId,
    usage: KeyUse,
    key: VerifyingKey,
}

impl Keyring for One {
    fn key(&self, id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        let owner = KeyOwner::Organisation(OdsCode::parse("RVV").ok()?);
        (*id == self.id && usage == self.usage).then(|| KeyEntry { owner, key: self.key.clone() })
    }
}

/// A random generator that is none.
struct Fixed(u8);

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

fn kid(text: &str) -> KeyId {
    KeyId::parse(text).unwrap()
}

fn ods(text: &str) -> OdsCode {
    OdsCode::parse(text).unwrap()
}

fn statement() -> Statement {
    Statement {
        organisation: ods("RVV"),
        query_digest: Digest::of(b"query"),
        outcome: Outcome::NotKnownHere,
        reason_code: String::new(),
        reason_text: String::new(),
        sections: BTreeMap::new(),
        identity_digest: None,
        source_as_of: NOW,
        retrieved_at: NOW,
        cache_seconds: 0,
        policy_version: "v1".into(),
        audit_digest: Digest::of(b"entry"),
        register_version: 1,
        unmapped: BTreeMap::new(),
    }
}

fn signing_key<T: Signable>(seed: u8) -> SigningKey<T> {
    SigningKey::from_seed(kid("RVV/1"), &[seed; 32])
}

fn ring<T: Signable>(key: &SigningKey<T>, usage: KeyUse) -> One {
    One { id: key.id().clone(), usage, key: key.verifying_key() }
}

fn assertion() -> Assertion {
    let federation = FederationName::parse("kent.weald.example").unwrap();
    Assertion {
        issuer: ods("G99001"),
        requester: Requester::Professional {
            user: "u1".into(),
            name: "Dr Ada Test".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: ods("G99001"),
            team: None,
        },
        patient: Patient {
            nhs_number: NhsNumber::parse("9990000018").unwrap(),
            birth_date: BirthDate::parse("1950-04-01").unwrap(),
            family_name: FamilyName::parse("Test").unwrap(),
        },
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "list".into() }),
        break_glass: None,
        sections: BTreeSet::from([Section::Allergies, Section::Medications]),
        audience: federation.clone(),
        jti: Jti::generate(&Fixed(7)),
        issued_at: NOW,
        expires_at: NOW.plus(limit::ASSERTION_LIFE),
        viewer: SpiffeId::viewer(&federation, &ods("G99001"), "emr").unwrap(),
    }
}

#[test]
fn what_was_signed_comes_back() {
    let key = signing_key(1);
    let signed = Signed::sign(&statement(), "aud", &key);
    let verified = signed.verify("aud", &ring(&key, KeyUse::Statement)).unwrap();
    assert_eq!(*verified, statement());
    assert_eq!(verified.digest(), signed.digest());
}

#[test]
fn another_audience_key_use_or_id_is_refused() {
    let key = signing_key::<Statement>(1);
    let signed = Signed::sign(&statement(), "aud", &key);
    let good = ring(&key, KeyUse::Statement);
    assert_eq!(signed.verify("other", &good).unwrap_err(), VerifyError::WrongSignature);
    let other_key = One { key: signing_key::<Statement>(2).verifying_key(), ..ring(&key, KeyUse::Statement) };
    assert_eq!(signed.verify("aud", &other_key).unwrap_err(), VerifyError::WrongSignature);
    assert_eq!(signed.verify("aud", &ring(&key, KeyUse::Query)).unwrap_err(), VerifyError::UnknownKey);
    let other_id = One { id: kid("RVV/2"), ..ring(&key, KeyUse::Statement) };
    assert_eq!(signed.verify("aud", &other_id).unwrap_err(), VerifyError::UnknownKey);
}

/// The same bytes as a statement, under another context.
struct Impostor(Vec<u8>);

impl Signable for Impostor {
    const CONTEXT: &'static str = "application/vnd.weald.impostor.v1+protobuf";
    const USE: KeyUse = KeyUse::Statement;

    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(Impostor(bytes.to_vec()))
    }
}

#[test]
fn the_same_bytes_under_another_context_are_refused() {
    let key = signing_key::<Impostor>(1);
    let signed = Signed::sign(&Impostor(statement().encode()), "aud", &key);
    let as_statement: Signed<Statement> = Signed::from_wire(signed.as_wire().clone());
    let refused = as_statement.verify("aud", &ring(&key, KeyUse::Statement)).unwrap_err();
    assert_eq!(refused, VerifyError::WrongSignature);
}

#[test]
fn an_assertion_survives_and_is_bound_to_its_key() {
    let key = signing_key(3);
    let token = SignedAssertion::sign(&assertion(), &key);
    let verified = token.verify(&ring(&key, KeyUse::Assertion)).unwrap();
    assert!(*verified == assertion());
    let stranger = ring(&signing_key::<Assertion>(4), KeyUse::Assertion);
    assert_eq!(token.verify(&stranger).unwrap_err(), VerifyError::WrongSignature);
}

#[test]
fn no_header_chooses_how_it_is_checked() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let key = signing_key(3);
    let ring = ring(&key, KeyUse::Assertion);
    let token = SignedAssertion::sign(&assertion(), &key);
    let rest = token.expose().split_once('.').unwrap().1.to_owned();
    for header in [
        r#"{"alg":"none","typ":"weald-assertion+jwt","kid":"RVV/1"}"#,
        r#"{"alg":"HS256","typ":"weald-assertion+jwt","kid":"RVV/1"}"#,
        r#"{"alg":"EdDSA","typ":"JWT","kid":"RVV/1"}"#,
        r#"{"alg":"EdDSA","typ":"weald-assertion+jwt","kid":"RVV/1","jwk":{}}"#,
        r#"{"alg":"EdDSA","typ":"weald-assertion+jwt","kid":"RVV/1","crit":["x"]}"#,
    ] {
        let forged = SignedAssertion::parse(&format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))).unwrap();
        assert!(matches!(forged.verify(&ring), Err(VerifyError::Malformed(_))), "{header}");
    }
}

#[test]
fn an_assertion_is_valid_for_its_time_give_or_take_a_minute() {
    let assertion = assertion();
    let minute = limit::CLOCK_SKEW;
    assert_eq!(assertion.check_time(NOW.minus(minute)), Ok(()));
    assert_eq!(assertion.check_time(NOW.minus(minute * 2)), Err(NotNow::NotYet));
    assert_eq!(assertion.check_time(assertion.expires_at.plus(minute)), Ok(()));
    assert_eq!(assertion.check_time(assertion.expires_at.plus(minute * 2)), Err(NotNow::Expired));
}

#[test]
fn an_assertion_that_lives_too_long_or_asks_for_nothing_does_not_parse() {
    let mut long = assertion();
    long.expires_at = NOW.plus(limit::ASSERTION_LIFE * 2);
    assert_eq!(Assertion::decode(&long.encode()).unwrap_err().field, "exp");
    let mut idle = assertion();
    idle.sections.clear();
    assert_eq!(Assertion::decode(&idle.encode()).unwrap_err().field, "sections");
    let mut stranger = assertion();
    stranger.relationship = None;
    assert_eq!(Assertion::decode(&stranger.encode()).unwrap_err().field, "relationship");
}

proptest! {
    #[test]
    fn no_altered_byte_is_accepted(position in any::<prop::sample::Index>(), flip in 1u8..) {
        let key = signing_key(1);
        let ring = ring(&key, KeyUse::Statement);
        let mut message = Signed::sign(&statement(), "aud", &key).as_wire().clone();
        let payload = message.payload.len();
        let at = position.index(payload + message.signature.len());
        if at < payload { message.payload[at] ^= flip } else { message.signature[at - payload] ^= flip }
        let altered: Signed<Statement> = Signed::from_wire(message);
        prop_assert!(altered.verify("aud", &ring).is_err());
    }

    #[test]
    fn no_altered_character_of_an_assertion_is_accepted(position in any::<prop::sample::Index>(), other in "[A-Za-z0-9_-]") {
        let key = signing_key(3);
        let token = SignedAssertion::sign(&assertion(), &key);
        let at = position.index(token.expose().len());
        let mut altered = token.expose().to_owned();
        altered.replace_range(at..=at, &other);
        prop_assume!(altered != token.expose());
        let accepted = SignedAssertion::parse(&altered).map(|token| token.verify(&ring(&key, KeyUse::Assertion)).is_ok());
        prop_assert!(!matches!(accepted, Ok(true)));
    }

    #[test]
    fn bytes_from_anywhere_never_break_a_decoder(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Statement::decode(&bytes);
        let _ = Query::decode(&bytes);
        let _ = Assertion::decode(&bytes);
        if let Ok(text) = std::str::from_utf8(&bytes) {
            let _ = SignedAssertion::parse(text);
            let _ = SpiffeId::parse(text);
        }
    }
}
