//! Configurations with which no broker starts.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use weald_certs::LeafTerms;
use weald_proto::{FederationName, KeyId, OdsCode, Query, SigningKey, SpiffeId};
use weald_tests::population::HOPFIELD;
use weald_tests::processes::{pkcs8_pem, private};

use crate::trial::{Case, Trial, frightens_nobody, is_refused};

const HOUR: Duration = Duration::from_secs(3600);

/// Ways to spoil what is written in the file.
const FORM: &[Case] = &[
    Case {
        name: "a key that is not known",
        spoil: |trial| trial.replace("audit_log", "colour = \"blue\"\naudit_log"),
        at: "colour",
        says: &["field `colour`: is not known; correct or remove it: the keys here are name, federation, listen"],
    },
    Case {
        name: "a value of another type",
        spoil: |trial| trial.replace("pseudonym_key = \"pseudonym.key\"", "pseudonym_key = [\"pseudonym.key\"]"),
        at: "pseudonym_key",
        says: &["field `pseudonym_key`: must be a text, and is a list", "write pseudonym_key = \"pseudonym.key\""],
    },
    Case {
        name: "a key that is missing",
        spoil: |trial| trial.replace("roots = ", "# roots = "),
        at: "[tls]",
        says: &["field `tls.roots`: is missing", "write roots = \"roots.pem\" in `tls`"],
    },
    Case {
        name: "a name that is none",
        spoil: |trial| trial.replace("name = \"b1\"", "name = \"Broker 1\""),
        at: "name",
        says: &["field `name`: is not a name of 1 to 32 of a-z, 0-9 and '-'", "write it like name = \"b1\""],
    },
    Case {
        name: "an anchor whose public key is none",
        spoil: |trial| trial.replace("public_key = \"", "public_key = \"AAAA"),
        at: "public_key",
        says: &["field `register.anchors[0].public_key`", "is not base64 of a 32-byte Ed25519 public key"],
    },
];

/// Ways to spoil what it points at.
const FILES: &[Case] = &[
    Case {
        name: "a certificate that is not there",
        spoil: |trial| trial.replace("\"tls.pem\"", "\"tsl.pem\""),
        at: "certificate",
        says: &["field `tls.certificate`", "tsl.pem` does not exist", "correct the path"],
    },
    Case {
        name: "the key of another certificate",
        spoil: |trial| {
            let (_, key) = trial.estate.authority().equip(&trial.id(), &trial.terms()).unwrap();
            private(&trial.file("tls.key"), key.to_pem().as_bytes()).unwrap();
        },
        at: "key = \"tls.key\"",
        says: &[
            "field `tls.key`",
            "is not that of the certificate",
            "the key with which this certificate was requested",
        ],
    },
    Case {
        name: "the certificate of another party",
        spoil: |trial| {
            let node = SpiffeId::node(trial.estate.name(), &OdsCode::parse(HOPFIELD.ods).unwrap());
            trial.estate.equip(trial.own(), &node, &trial.terms()).unwrap();
        },
        at: "certificate",
        says: &["is that of another party, not of spiffe://kent.weald.example/broker/b1", "name the certificate of"],
    },
    Case {
        name: "a certificate that has expired",
        spoil: |trial| {
            let terms = trial.terms();
            let (not_before, not_after) = (terms.not_before.minus(48 * HOUR), terms.not_after.minus(25 * HOUR));
            let expired = LeafTerms { not_before, not_after, ..terms };
            trial.estate.equip(trial.own(), &trial.id(), &expired).unwrap();
        },
        at: "certificate",
        says: &["the certificate expired at 20", "request a new one from the federation's authority"],
    },
    Case {
        name: "a certificate that is no PEM",
        spoil: |trial| fs::copy(trial.file("pseudonym.key"), trial.file("tls.pem")).map(drop).unwrap(),
        at: "certificate",
        says: &["tls.pem` holds no certificate in PEM", "the own certificate first"],
    },
    Case {
        name: "a folder in place of a file",
        spoil: |trial| trial.replace("key = \"query.key\"", "key = \".\""),
        at: "key = \".\"",
        says: &["field `query.key`", "is a folder, not a file", "name a file"],
    },
    Case {
        name: "a file below a file",
        spoil: |trial| trial.replace("\"../register.json\"", "\"tls.pem/register.json\""),
        at: "file",
        says: &["field `register.file`", "a part of", "is a file, not a folder", "correct the path"],
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
                .unwrap()
        },
        at: "file",
        says: &["the register's signature does not hold", "check `federation` and `anchors` with whoever signs it"],
    },
    Case {
        name: "a register that has expired",
        spoil: |trial| {
            let now = trial.estate.env().clock.now();
            trial.estate.publish(|draft| draft.expires_at = Some(now.minus(HOUR))).unwrap();
        },
        at: "file",
        says: &["the register expired at 20", "put a newer register in its place"],
    },
    Case {
        name: "a broker that the register does not have",
        spoil: |trial| trial.estate.publish(|draft| draft.brokers.clear()).unwrap(),
        at: "name",
        says: &["the register (version 1) has no broker spiffe://kent.weald.example/broker/b1", "correct the name"],
    },
    Case {
        name: "a query key that the register does not have",
        spoil: |trial| trial.replace("b1/query/1", "b1/query/2"),
        at: "key_id = \"b1/",
        says: &["field `query.key_id`: the register has no key `b1/query/2` of this broker", "correct the id"],
    },
    Case {
        name: "another query key than the register has",
        spoil: |trial| {
            let id = KeyId::parse("b1/query/1").unwrap();
            let other: SigningKey<Query> = SigningKey::generate(id, &*trial.estate.env().random);
            private(&trial.file("query.key"), pkcs8_pem(&other)).unwrap();
        },
        at: "key = \"query.key\"",
        says: &[
            "field `query.key`",
            "is not the one that the register has as `b1/query/1`",
            "name the file of that key",
        ],
    },
    Case {
        name: "a query key that others can read",
        spoil: |trial| fs::set_permissions(trial.file("query.key"), Permissions::from_mode(0o640)).unwrap(),
        at: "key = \"query.key\"",
        says: &["field `query.key`", "query.key` can be read by others (mode 0640)", "run chmod 600 "],
    },
    Case {
        name: "a key for pseudonyms that is none",
        spoil: |trial| private(&trial.file("pseudonym.key"), "horse staple").unwrap(),
        at: "pseudonym_key",
        says: &["field `pseudonym_key`", "does not hold one line of base64 of 32 bytes", "openssl rand -base64 32"],
    },
    Case {
        name: "a port in use",
        spoil: |trial| {
            let listener = TcpListener::bind(trial.estate.address("broker").unwrap()).unwrap();
            // Until the test's process ends.
            std::mem::forget(listener);
        },
        at: "listen",
        says: &["field `listen`: the port 127.", "is in use", "or choose another port"],
    },
    Case {
        name: "an address of another machine",
        spoil: |trial| trial.replace("listen = \"127.", "listen = \"192.0.2.1:7400\" # \"127."),
        at: "listen",
        says: &["field `listen`: 192.0.2.1 is no address of this machine", "name one, or 0.0.0.0 for all of them"],
    },
];

#[test]
fn a_file_that_is_wrong_in_itself_is_refused_at_its_line() {
    FORM.iter().for_each(|case| is_refused(case, Trial::of_broker()));
}

#[test]
fn what_a_configuration_points_at_is_refused_at_its_line() {
    FILES.iter().for_each(|case| is_refused(case, Trial::of_broker()));
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let mut trial = Trial::of_broker();
    trial.config = trial.file("weald-brokr.toml");
    let ended = trial.run();
    assert_eq!(ended.code, Some(78));
    assert!(ended.stderr.starts_with(&format!("{}: `", trial.config.display())), "{}", ended.stderr);
    assert!(ended.stderr.contains("weald-brokr.toml` does not exist; correct the path"), "{}", ended.stderr);
    frightens_nobody(&ended.stderr);
}

#[test]
fn several_faults_of_form_are_said_at_once() {
    let trial = Trial::of_broker();
    trial.replace("name = \"b1\"", "nam = \"b1\"");
    trial.replace("listen = \"", "listen = 1 #");
    trial.replace("[query]\nkey_id", "[query]\nkeyid");
    let ended = trial.run();
    let fields: Vec<&str> = ended.stderr.lines().filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(fields, ["nam", "name", "listen", "query.key_id", "query.keyid"], "{}", ended.stderr);
    assert_eq!(ended.code, Some(78));
}
