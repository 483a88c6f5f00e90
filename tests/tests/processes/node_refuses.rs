//! Configurations with which no node starts: what is written in them, sources, policies and what is written to.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use weald_audit::Log;
use weald_certs::MemberState;
use weald_tests::population::HOPFIELD;
use weald_tests::processes::SourceKind;

use crate::trial::{Case, Trial, frightens_nobody, is_refused};

/// Ways to spoil what is written in the file.
const FORM: &[Case] = &[
    Case {
        name: "a key that is not known",
        spoil: |trial| trial.replace("audit_log", "polices = \"own.cedar\"\naudit_log"),
        at: "polices",
        says: &[
            "field `organisation[0].polices`",
            "is not known",
            "did you mean `policies`?",
            "the keys here are code, listen",
        ],
    },
    Case {
        name: "a value of another type",
        spoil: |trial| trial.replace("listen = \"", "listen = 7401 #"),
        at: "listen",
        says: &[
            "field `organisation[0].listen`",
            "must be a text, and is a whole number",
            "write listen = \"127.0.0.1:",
        ],
    },
    Case {
        name: "answers that are to be kept longer than any may be",
        spoil: |trial| trial.replace("audit_log", "cache_seconds = 61\naudit_log"),
        at: "cache_seconds",
        says: &["field `organisation[0].cache_seconds`: must be 0 to 60", "write cache_seconds = 30"],
    },
    Case {
        name: "answers that are to be kept for a time below zero",
        spoil: |trial| trial.replace("audit_log", "cache_seconds = -1\naudit_log"),
        at: "cache_seconds",
        says: &["field `organisation[0].cache_seconds`: must be 0 to 60"],
    },
    Case {
        name: "a number that is written as a text",
        spoil: |trial| trial.replace("audit_log", "cache_seconds = \"30\"\naudit_log"),
        at: "cache_seconds",
        says: &["field `organisation[0].cache_seconds`: must be a whole number, and is a text"],
    },
    Case {
        name: "a key that is missing",
        spoil: |trial| trial.replace("audit_log", "# audit_log"),
        at: "[[organisation]]",
        says: &["field `organisation[0].audit_log`: is missing", "write audit_log = ", "in `organisation[0]`"],
    },
    Case {
        name: "a table that is missing",
        spoil: |trial| {
            trial.replace("[organisation.statement]\nkey_id = \"G99001/statement/1\"\nkey = \"statement.key\"\n", "");
        },
        at: "[[organisation]]",
        says: &["field `organisation[0].statement`: is missing", "write statement = { key_id = "],
    },
    Case {
        name: "a proxy with a password in its address",
        spoil: |trial| trial.replace("[tls]", "[proxy]\nurl = \"http://node:secret@proxy:3128\"\n\n[tls]"),
        at: "url",
        says: &["field `proxy.url`", "holds a name and a password", "name it as `credentials`"],
    },
    Case {
        name: "a proxy that is reached by TLS",
        spoil: |trial| trial.replace("[tls]", "[proxy]\nurl = \"https://proxy:3128\"\n\n[tls]"),
        at: "url",
        says: &["field `proxy.url`", "http://"],
    },
    Case {
        name: "no TOML",
        spoil: |trial| trial.replace("code = \"G99001\"", "code = G99001"),
        at: "code",
        says: &["is not TOML", "correct this line"],
    },
    Case {
        name: "an address without a port",
        spoil: |trial| trial.replace("listen = \"127.", "listen = \"localhost\" #"),
        at: "listen",
        says: &["field `organisation[0].listen`", "is not an IP address and a port", "write it like listen = "],
    },
    Case {
        name: "an organisation whose code is none",
        spoil: |trial| trial.replace("code = \"G99001\"", "code = \"g99 001\""),
        at: "code",
        says: &["field `organisation[0].code`", "write it like code = \"RVV\""],
    },
    Case {
        name: "a level that there is none of",
        spoil: |trial| trial.replace("\"trace\"", "\"inof\""),
        at: "level",
        says: &["field `log.level`", "is none of error, warn, info, debug, trace", "did you mean \"info\"?"],
    },
    Case {
        name: "two sources",
        spoil: |trial| {
            trial.replace("[organisation.sqlite]", "[organisation.bundles]\nfolder = \"b\"\n\n[organisation.sqlite]")
        },
        at: "[organisation.sqlite]",
        says: &["field `organisation[0].sqlite`: is a second source", "keep one of the tables"],
    },
];

/// Ways to spoil the database, its mapping, policies and what is written to.
const REST: &[Case] = &[
    Case {
        name: "a port in use",
        spoil: |trial| {
            let listener = TcpListener::bind(trial.estate.address(HOPFIELD.ods).unwrap()).unwrap();
            // Until the test's process ends.
            std::mem::forget(listener);
        },
        at: "listen",
        says: &["field `organisation[0].listen`: the port 127.", "is in use", "stop the program that listens there"],
    },
    Case {
        name: "policies that do not parse",
        spoil: |trial| {
            fs::write(trial.file("own.cedar"), "forbid everything").unwrap();
            trial.replace("audit_log", "policies = \"own.cedar\"\naudit_log");
        },
        at: "policies",
        says: &["field `organisation[0].policies`", "own.cedar does not parse", "it must be Cedar policies"],
    },
    Case {
        name: "policies that permit",
        spoil: |trial| {
            fs::create_dir(trial.file("policies")).unwrap();
            let permit =
                "@id(\"own\")\n@reason(\"more\")\npermit (principal, action in Action::\"up_to_full\", resource);";
            fs::write(trial.file("policies/own.cedar"), permit).unwrap();
            trial.replace("audit_log", "policies = \"policies\"\naudit_log");
        },
        at: "policies",
        says: &["own.cedar, policy own", "may only forbid, and this one permits", "correct the policy, or take it out"],
    },
    Case {
        name: "a folder of policies without any",
        spoil: |trial| {
            fs::create_dir(trial.file("policies")).unwrap();
            trial.replace("audit_log", "policies = \"policies\"\naudit_log");
        },
        at: "policies",
        says: &["holds no .cedar file", "remove `policies` if there are none"],
    },
    Case {
        name: "a database that is not there",
        spoil: |trial| fs::remove_file(trial.file("records.sqlite")).unwrap(),
        at: "database",
        says: &["field `organisation[0].sqlite.database`", "records.sqlite` does not exist", "correct the path"],
    },
    Case {
        name: "a database that is none",
        spoil: |trial| fs::write(trial.file("records.sqlite"), "no database").unwrap(),
        at: "database",
        says: &[
            "field `organisation[0].sqlite.database`",
            "cannot be read",
            "name the database that the mapping is for",
        ],
    },
    Case {
        name: "a mapping that maps to nothing",
        spoil: |trial| {
            let mapping = fs::read_to_string(trial.file("mapping.toml")).unwrap();
            fs::write(
                trial.file("mapping.toml"),
                mapping.replace("surname = \"names.family\"", "surname = \"names.famly\""),
            )
            .unwrap();
        },
        at: "mapping",
        says: &[
            "field `organisation[0].sqlite.mapping`",
            "mapping.toml",
            "famly is not a field of HumanName: did you mean family?",
            "correct the mapping",
        ],
    },
    Case {
        name: "a folder of the audit log that is not there",
        spoil: |trial| trial.replace("G99001.audit", "logs/G99001.audit"),
        at: "audit_log",
        says: &["logs` of the audit log does not exist", "make it, for the user that the process runs as"],
    },
    Case {
        name: "an audit log below a file",
        spoil: |trial| trial.replace("G99001.audit", "tls.pem/G99001.audit"),
        at: "audit_log",
        says: &["is a file, not a folder", "correct the path"],
    },
    Case {
        name: "an audit log that another process writes",
        spoil: |trial| {
            let log = Log::open(&trial.file("G99001.audit"), trial.estate.env().clock.clone()).unwrap();
            // Until the test's process ends.
            std::mem::forget(log);
        },
        at: "audit_log",
        says: &["another process writes the audit log", "give each program and organisation a log of its own"],
    },
    Case {
        name: "an audit log that is damaged",
        spoil: |trial| fs::write(trial.file("G99001.audit"), [1; 300]).unwrap(),
        at: "audit_log",
        says: &["G99001.audit` is damaged: entry 1 at byte 0", "keep the file as evidence"],
    },
];

/// Ways to spoil a folder of bundles.
const BUNDLES: &[Case] = &[
    Case {
        name: "a folder that is a file",
        spoil: |trial| trial.replace("folder = \"bundles\"", "folder = \"tls.pem\""),
        at: "folder",
        says: &["field `organisation[0].bundles.folder`", "tls.pem` is a file, not a folder", "name a folder"],
    },
    Case {
        name: "a folder that is not there",
        spoil: |trial| trial.replace("folder = \"bundles\"", "folder = \"bundels\""),
        at: "folder",
        says: &["bundels` does not exist", "correct the path"],
    },
    Case {
        name: "a folder below a file",
        spoil: |trial| trial.replace("folder = \"bundles\"", "folder = \"tls.pem/bundles\""),
        at: "folder",
        says: &["a part of", "tls.pem/bundles` is a file, not a folder", "correct the path"],
    },
    Case {
        name: "a folder without bundles",
        spoil: |trial| {
            fs::create_dir(trial.file("empty")).unwrap();
            trial.replace("folder = \"bundles\"", "folder = \"empty\"");
        },
        at: "folder",
        says: &["field `organisation[0].bundles.folder`", "empty cannot be read", "repair what it names"],
    },
    Case {
        name: "a list of identities with another header",
        spoil: |trial| fs::write(trial.file("bundles/identities.csv"), "nhs,id\n").unwrap(),
        at: "identities",
        says: &[
            "field `organisation[0].bundles.identities`",
            "must have the header system,value,nhs_number,birth_date",
        ],
    },
];

#[test]
fn a_file_that_is_wrong_in_itself_is_refused_at_its_line() {
    FORM.iter().for_each(|case| is_refused(case, Trial::of_node(SourceKind::Sqlite)));
}

#[test]
fn ports_policies_databases_and_logs_that_cannot_be_used_are_refused_at_their_line() {
    REST.iter().for_each(|case| is_refused(case, Trial::of_node(SourceKind::Sqlite)));
}

#[test]
fn folders_that_cannot_be_read_are_refused_at_their_line() {
    BUNDLES.iter().for_each(|case| is_refused(case, Trial::of_node(SourceKind::Bundles)));
}

#[test]
fn a_folder_that_may_not_be_read_is_refused_at_its_line() {
    let mut trial = Trial::of_node(SourceKind::Bundles);
    let bundles = trial.file("bundles");
    trial.replace("identities = ", "# identities = ");
    trial.be_nobody();
    fs::set_permissions(&bundles, Permissions::from_mode(0o000)).unwrap();
    let ended = trial.run();
    // So that whoever is not root can remove it.
    fs::set_permissions(&bundles, Permissions::from_mode(0o700)).unwrap();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(78), ""), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    assert!(ended.stderr.starts_with(&format!("{}:{}:", trial.config.display(), trial.line("folder"))), "{ended:?}");
    for words in [
        "field `organisation[0].bundles.folder`",
        "bundles` may not be opened by this process",
        "give the user that the process runs as access to it",
    ] {
        assert!(ended.stderr.contains(words), "does not say \"{words}\"\n{}", ended.stderr);
    }
    frightens_nobody(&ended.stderr);
}

#[test]
fn every_fault_is_said_at_once_in_the_order_of_the_file() {
    let mut trial = Trial::of_node(SourceKind::Sqlite);
    fs::remove_file(trial.estate.path("roots.pem")).unwrap();
    fs::write(trial.file("tls.pem"), "no PEM").unwrap();
    fs::remove_file(trial.file("mapping.toml")).unwrap();
    trial.estate.publish(|draft| draft.members[0].state = MemberState::Suspended).unwrap();
    let ended = trial.run();
    assert_eq!(ended.code, Some(78));
    let refused: Vec<&str> = ended.stderr.lines().filter(|line| !line.contains("WARN")).collect();
    for (line, begins) in refused.iter().zip(["roots", "certificate", "mapping"]) {
        assert!(line.starts_with(&format!("{}:{}:", trial.config.display(), trial.line(begins))), "{}", ended.stderr);
    }
    assert_eq!(refused.len(), 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("suspended: nobody will ask it"), "{}", ended.stderr);
}
