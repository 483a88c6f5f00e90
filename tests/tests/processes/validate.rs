//! `config validate`: what it says of good configurations and of others.

use std::fs;
use std::path::Path;
use std::time::Duration;

use weald_certs::LeafTerms;
use weald_tests::processes::{Ended, Program, Running, SourceKind};

use crate::trial::{Trial, frightens_nobody};

fn validate(program: Program, config: &Path) -> Ended {
    Running::to_the_end(program, &["config", "validate", "--config", config.to_str().unwrap()]).unwrap()
}

#[test]
fn a_good_configuration_of_a_broker_is_summed_up() {
    let trial = Trial::of_broker();
    let Ended { code, stdout, stderr } = validate(trial.program, &trial.config);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    let address = trial.estate.address("broker").unwrap();
    for words in [
        format!("weald-broker: {} is good", trial.config.display()),
        "federation kent.weald.example: register version 1, 1 active members".to_owned(),
        format!("broker spiffe://kent.weald.example/broker/b1 listens on {address}"),
        "baseline policies: ".to_owned(),
    ] {
        assert!(stdout.contains(&words), "{words}\n{stdout}");
    }
    assert!(!trial.file("broker.audit").exists(), "nothing is written");
}

#[test]
fn a_good_configuration_of_a_node_is_summed_up() {
    for (kind, source) in [(SourceKind::Sqlite, "SQLite database"), (SourceKind::Bundles, "FHIR bundles in")] {
        let trial = Trial::of_node(kind);
        let forbid =
            "@id(\"own\")\n@reason(\"not from here\")\nforbid (principal, action, resource == Section::\"documents\");";
        fs::write(trial.file("own.cedar"), forbid).unwrap();
        trial.replace("audit_log", "policies = \"own.cedar\"\naudit_log");
        let Ended { code, stdout, stderr } = validate(trial.program, &trial.config);
        assert_eq!(code, Some(0), "{stdout}{stderr}");
        let listens = format!("node of G99001 listens on {}: {source}", trial.estate.address("G99001").unwrap());
        assert!(stdout.contains(&listens) && stdout.contains(".local-"), "{stdout}");
        assert!(!trial.file("G99001.audit").exists(), "nothing is written");
        frightens_nobody(&stderr);
    }
}

#[test]
fn a_configuration_is_good_beside_the_program_that_runs_with_it() {
    let trial = Trial::of_node(SourceKind::Sqlite);
    let running = Running::start(trial.program, &trial.config).unwrap();
    running.wait_until_it_says("serving the node of G99001").unwrap();
    assert_eq!(validate(trial.program, &trial.config).code, Some(0));
    assert_eq!(running.stop().unwrap().code, Some(0));
}

#[test]
fn a_certificate_that_expires_within_the_hour_is_warned_about() {
    let trial = Trial::of_broker();
    let soon = trial.estate.env().clock.now().plus(Duration::from_secs(1800));
    trial.estate.equip(trial.own(), &trial.id(), &LeafTerms { not_after: soon, ..trial.terms() }).unwrap();
    let Ended { code, stderr, .. } = validate(trial.program, &trial.config);
    assert_eq!(code, Some(0), "{stderr}");
    let place = format!("{}:{}:", trial.config.display(), trial.line("certificate"));
    for words in ["WARN", &place, "in less than an hour", "request a new one from the federation's authority"] {
        assert!(stderr.contains(words), "{words}\n{stderr}");
    }
}

#[test]
fn a_wrong_configuration_is_refused_as_at_start() {
    let trial = Trial::of_node(SourceKind::Sqlite);
    fs::remove_file(trial.file("statement.key")).unwrap();
    let (validated, run) = (validate(trial.program, &trial.config), trial.run());
    assert_eq!((validated.code, &validated.stderr), (Some(78), &run.stderr));
    assert!(run.stderr.contains("statement.key` does not exist"), "{}", run.stderr);
}

#[test]
fn a_wrong_command_line_is_clap_s_own_matter() {
    let ended = Running::to_the_end(Program::Broker, &["run"]).unwrap();
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("--config <FILE>"), "{}", ended.stderr);
}
