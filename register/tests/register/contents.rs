//! What targets say.

use std::time::Duration;

use weald_proto::{KeyId, OdsCode, SpiffeId};
use weald_register::{Revocations, RevokedCertificate, RevokedKey, RevokedOrganisation, RevokedParty, Serial};

use crate::maker::*;

fn node(code: &str) -> SpiffeId {
    SpiffeId::node(&federation(), &OdsCode::parse(code).unwrap())
}

fn revocations() -> Revocations {
    let mut revocations = Revocations::none();
    for serial in ["7f01", "01"] {
        let serial = serial.parse().unwrap();
        revocations.add_certificate(RevokedCertificate { serial, spiffe_id: node("RVV"), revoked_at: START });
    }
    revocations.add_key(RevokedKey { kid: KeyId::parse("RVV/statement/1").unwrap(), revoked_at: START });
    let organisation = OdsCode::parse("G82001").unwrap();
    revocations.add_organisation(RevokedOrganisation { organisation, revoked_at: START });
    revocations.add_party(RevokedParty { spiffe_id: node("RWF"), issued_before: START });
    revocations
}

#[test]
fn certificates_keys_organisations_and_parties_can_be_revoked() {
    let revocations = Revocations::read(&revocations().write().unwrap()).unwrap();
    let serial = |text: &str| text.parse::<Serial>().unwrap();
    assert_eq!(revocations.len(), 5);
    assert!(revocations.revokes_certificate(&serial("7f01"), &node("RVV"), START));
    assert!(!revocations.revokes_certificate(&serial("7f02"), &node("RVV"), START));
    assert!(revocations.revokes_key(&KeyId::parse("RVV/statement/1").unwrap()));
    assert!(!revocations.revokes_key(&KeyId::parse("RVV/statement/2").unwrap()));
    let app = SpiffeId::viewer(&federation(), &OdsCode::parse("G82001").unwrap(), "emr").unwrap();
    assert!(revocations.revokes_certificate(&serial("05"), &app, START), "with its organisation");
    let before = START.minus(Duration::from_millis(1));
    assert!(revocations.revokes_certificate(&serial("05"), &node("RWF"), before), "issued before");
    assert!(!revocations.revokes_certificate(&serial("05"), &node("RWF"), START), "enrolled again since");
}

#[test]
fn of_two_moments_for_a_party_the_later_counts() {
    let mut revocations = revocations();
    revocations.add_party(RevokedParty { spiffe_id: node("RWF"), issued_before: START.plus(MINUTE) });
    revocations.add_party(RevokedParty { spiffe_id: node("RWF"), issued_before: START });
    assert!(revocations.revokes_certificate(&"05".parse().unwrap(), &node("RWF"), START));
    assert_eq!(revocations.len(), 5);
}

#[test]
fn serial_numbers_have_one_spelling_and_are_compared_as_numbers() {
    assert_eq!(Serial::of(&[0, 0x7f, 1]).unwrap(), "7f01".parse().unwrap());
    for text in ["", "0", "00", "007f", "7F", "0x7f", "7f1", &"ab".repeat(21)] {
        assert!(text.parse::<Serial>().is_err(), "{text}");
    }
    assert!(Serial::of(&[0; 4]).is_err());
}

#[test]
fn revocations_that_are_unsorted_doubled_or_say_more_are_refused() {
    let text = String::from_utf8(revocations().write().unwrap()).unwrap();
    for (from, to) in [
        ("\"serial\":\"01\"", "\"serial\":\"7f01\""),
        ("\"serial\":\"01\"", "\"serial\":\"8f01\""),
        ("\"keys\":[", "\"keys\":[1,"),
        ("\"parties\"", "\"people\""),
        ("\"kid\"", "\"why\":\"\",\"kid\""),
        ("/org/RVV/node", "/org/rvv/node"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(Revocations::read(text.replacen(from, to, 1).as_bytes()).is_err(), "{to}");
    }
    assert!(Revocations::read(b"{}").is_err(), "a list that is missing is not an empty one");
}

#[test]
fn all_shards_together_say_what_one_register_file_would_say() {
    let maker = Maker::begin();
    let trusted = maker.follower(START);
    let current = trusted.last().unwrap();
    let json: serde_json::Value =
        serde_json::from_slice(&current.contents().register_json(current.version()).unwrap()).unwrap();
    assert_eq!(json["federation"], "kent.weald.example");
    assert_eq!(json["version"], 1);
    let codes: Vec<&str> =
        json["members"].as_array().unwrap().iter().map(|member| member["organisation"].as_str().unwrap()).collect();
    assert_eq!(codes, ["G82001", "G82002", "RVV", "RWF"]);
}
