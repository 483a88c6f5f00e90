//! A panic is said with its place and without its words.

#![cfg(test)]

use std::process::Command;

use weald_process::command::ConfigCommand;
use weald_process::status::{Columns, PartyStatus, Report};
use weald_process::{Command as Told, Faults, Key, Program, Service, Table};
use weald_proto::Timestamp;
use weald_proto::env::Env;

/// Set for the process that panics.
const CONFIGURATION: &str = "WEALD_TEST_CONFIGURATION";

struct Panicking;

/// Nobody asks it.
#[derive(serde::Deserialize)]
struct Nothing {}

impl Report for Nothing {
    fn tables(_parties: &[PartyStatus<Self>], _now: Timestamp) -> Vec<Columns> {
        Vec::new()
    }
}

impl Program for Panicking {
    type Status = Nothing;
    const NAME: &'static str = "panicking";
    const KEYS: &'static [Key] = &[];
    type Loaded = ();

    fn read(_: &Table<'_>) -> Option<Self> {
        Some(Panicking)
    }

    fn load(&self, _: &Env, _: &Faults) -> Option<()> {
        panic!("about {}", "Winifred Example")
    }

    fn summary(&self, (): &()) -> Vec<String> {
        Vec::new()
    }

    async fn open(self, (): (), _: &Env, _: &Faults) -> Option<Vec<Service>> {
        None
    }
}

#[test]
fn the_words_of_a_panic_are_written_nowhere() {
    // In the process that this test starts below.
    if let Some(config) = std::env::var_os(CONFIGURATION) {
        weald_process::main::<Panicking>(&Told::Config(ConfigCommand::Validate { config: config.into() }));
    }
    let folder = tempfile::tempdir().unwrap();
    for (format, place) in
        [("text", "place=\"process/tests/panic.rs:"), ("json", "\"place\":\"process/tests/panic.rs:")]
    {
        let config = folder.path().join(format);
        std::fs::write(&config, format!("[log]\nformat = \"{format}\"\n")).unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "the_words_of_a_panic_are_written_nowhere", "--nocapture"]).env(CONFIGURATION, &config);
        let output = child.output().unwrap();
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_eq!(output.status.code(), Some(101), "{said}");
        assert!(said.contains("a fault of the program") && said.contains(place), "{said}");
        assert!(!said.contains("Winifred"), "{said}");
    }
}
