//! Configurations with which no node starts: certificates, register and keys that do not hold.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use weald_certs::{Authority, LeafTerms};
use weald_proto::{FederationName, KeyId, Query, SigningKey, SpiffeId};
use weald_tests::processes::{SourceKind, pkcs8_pem, private};

use crate::trial::{Case, Trial, is_refused};

const HOUR: Duration = Duration::from_secs(3600);

/// Ways to spoil certificates, register and keys.
const TRUST: &[Case] = &[
    Case {
        name: "a certificate that is not there",
        spoil: |trial| fs::remove_file(trial.file("tls.pem")).unwrap(),
        at: "certificate",
        says: &["field `organisation[0].tls.certificate`", "tls.pem` does not exist", "correct the path"],
    },
    Case {
        name: "the key of another certificate",
        spoil: |trial| {
            let (_, key) = trial.estate.authority().equip(&trial.id(), &trial.terms()).unwrap();
            private(&trial.file("tls.key"), key.to_pem().as_bytes()).unwrap();
        },
        at: "key = \"tls.key\"",
        says: &[
            "field `organisation[0].tls.key`",
            "is not that of the certificate",
            "the key with which this certificate was requested",
        ],
    },
    Case {
        name: "the certificate of another party",
        spoil: |trial| {
            let broker = SpiffeId::broker(trial.estate.name(), "b1").unwrap();
            trial.estate.equip(trial.own(), &broker, &trial.terms()).unwrap();
        },
        at: "certificate",
        says: &[
            "is that of another party, not of spiffe://kent.weald.example/org/G99001/node",
            "name the certificate of",
        ],
    },
    Case {
        name: "a certificate that has expired",
        spoil: |trial| {
            let terms = trial.terms();
            let expired = LeafTerms {
                not_before: terms.not_before.minus(48 * HOUR),
                not_after: terms.not_after.minus(25 * HOUR),
                ..terms
            };
            trial.estate.equip(trial.own(), &trial.id(), &expired).unwrap();
        },
        at: "certificate",
        says: &["the certificate expired at 20", "request a new one from the federation's authority"],
    },
    Case {
        name: "a certificate that is no PEM",
        spoil: |trial| fs::write(trial.file("tls.pem"), "no PEM").unwrap(),
        at: "certificate",
        says: &["tls.pem` holds no certificate in PEM", "the own certificate first"],
    },
    Case {
        name: "the certificate of another authority",
        spoil: |trial| {
            let env = trial.estate.env();
            let other = Authority::new(trial.estate.name().clone(), env.random.clone(), env.clock.now()).unwrap();
            let (issued, key) = other.equip(&trial.id(), &trial.terms()).unwrap();
            fs::write(trial.file("tls.pem"), issued.pem).unwrap();
            private(&trial.file("tls.key"), key.to_pem().as_bytes()).unwrap();
        },
        at: "certificate",
        says: &["none of the federation's roots has issued the certificate", "check that certificate and `roots`"],
    },
    Case {
        name: "a private key that others can read",
        spoil: |trial| fs::set_permissions(trial.file("tls.key"), Permissions::from_mode(0o644)).unwrap(),
        at: "key = \"tls.key\"",
        says: &["tls.key` can be read by others (mode 0644)", "run chmod 600 "],
    },
    Case {
        name: "roots that are no PEM",
        spoil: |trial| fs::write(trial.estate.path("roots.pem"), "").unwrap(),
        at: "roots",
        says: &["field `tls.roots`", "roots.pem` holds no certificates in PEM", "the federation's root certificates"],
    },
    Case {
        name: "the register of another federation",
        spoil: |trial| {
            trial
                .estate
                .publish(|draft| {
                    draft.federation = FederationName::parse("sussex.weald.example").unwrap();
                    draft.brokers.clear();
                })
                .unwrap();
        },
        at: "file",
        says: &[
            "field `register.file`",
            "the register's signature does not hold",
            "name the register of this federation",
        ],
    },
    Case {
        name: "a register that has expired",
        spoil: |trial| {
            let now = trial.estate.env().clock.now();
            trial
                .estate
                .publish(|draft| {
                    draft.issued_at = now.minus(2 * HOUR);
                    draft.expires_at = Some(now.minus(HOUR));
                })
                .unwrap();
        },
        at: "file",
        says: &["field `register.file`", "the register expired at 20", "put a newer register in its place"],
    },
    Case {
        name: "a register without the organisation",
        spoil: |trial| trial.estate.publish(|draft| draft.members.clear()).unwrap(),
        at: "code",
        says: &["the register (version 1) has no member G99001", "have the organisation entered in the register"],
    },
    Case {
        name: "a signing key that the register does not know",
        spoil: |trial| trial.replace("G99001/statement/1", "G99001/statement/2"),
        at: "key_id = \"G99001/",
        says: &[
            "the register has no key `G99001/statement/2` of G99001",
            "have the key's public half entered in the register",
        ],
    },
    Case {
        name: "a signing key for another use",
        spoil: |trial| trial.replace("G99001/statement/1", "G99001/assertion/1"),
        at: "key_id = \"G99001/",
        says: &["the register has `G99001/assertion/1` as a key for another use", "the key that is for this use"],
    },
    Case {
        name: "another signing key than the register has",
        spoil: |trial| {
            let id = KeyId::parse("G99001/statement/1").unwrap();
            let other: SigningKey<Query> = SigningKey::generate(id, &*trial.estate.env().random);
            private(&trial.file("statement.key"), pkcs8_pem(&other)).unwrap();
        },
        at: "key = \"statement.key\"",
        says: &["is not the one that the register has as `G99001/statement/1`", "name the file of that key"],
    },
    Case {
        name: "a signing key that is none",
        spoil: |trial| fs::copy(trial.file("tls.key"), trial.file("statement.key")).map(drop).unwrap(),
        at: "key = \"statement.key\"",
        says: &["statement.key` is no Ed25519 private key in PKCS #8 PEM", "openssl genpkey -algorithm ed25519"],
    },
];

#[test]
fn certificates_registers_and_keys_that_do_not_hold_are_refused_at_their_line() {
    TRUST.iter().for_each(|case| is_refused(case, Trial::of_node(SourceKind::Sqlite)));
}
