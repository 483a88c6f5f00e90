//! docs/configuration.md says what can be configured, and its example is good.

use weald_process::load::{KeySettings, PartySettings, RegisterSettings};
use weald_process::{Document, Faults, Key, LogSettings, MetricsSettings, Table};

use crate::configuration::{AuthoritySettings, Configuration};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// The part of the page from one heading to the next.
fn part(heading: &str) -> &'static str {
    let (_, after) = PAGE.split_once(&format!("\n## {heading}\n")).unwrap();
    after.split("\n## ").next().unwrap()
}

#[test]
fn the_example_of_a_broker_is_well_formed() {
    let (_, example) = part("weald-broker").split_once("```toml\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weald-broker.toml");
    std::fs::write(&path, example.split("```").next().unwrap()).unwrap();
    let faults = Faults::default();
    {
        let document = Document::open(&path, &faults).unwrap();
        let parsed = document.parse(&faults).unwrap();
        let keys = [Configuration::KEYS, &[LogSettings::TABLE, MetricsSettings::TABLE]].concat();
        let root = Table::root(&document, &parsed, &faults, &keys);
        LogSettings::read(&root.table(LogSettings::TABLE, LogSettings::KEYS).unwrap());
        assert!(MetricsSettings::read(&root.table(MetricsSettings::TABLE, MetricsSettings::KEYS).unwrap()).is_some());
        let configuration = Configuration::read(&root).unwrap();
        assert_eq!(configuration.id.value.to_string(), "spiffe://kent.weald.example/broker/b1");
        assert_eq!(configuration.roots.value, folder.path().join("roots.pem"));
    }
    assert_eq!(faults.into_sorted(), []);
}

#[test]
fn every_key_of_a_broker_is_on_the_page() {
    let tls = [PartySettings::CERTIFICATE, PartySettings::KEY, PartySettings::ROOTS];
    let tables: [(&str, &str, &[Key]); 6] = [
        ("weald-broker", "tls", &tls),
        ("weald-broker", "register", RegisterSettings::KEYS),
        ("weald-broker", "query", KeySettings::KEYS),
        ("weald-broker", "authority", AuthoritySettings::KEYS),
        ("Both", "log", LogSettings::KEYS),
        ("Both", "metrics", MetricsSettings::KEYS),
    ];
    let within = |key: &&Key| tables.iter().any(|(_, table, _)| *table == key.name);
    for key in Configuration::KEYS.iter().filter(|key| !within(key)) {
        assert!(part("weald-broker").contains(&format!("\n| `{}` |", key.name)), "{}", key.name);
    }
    for (heading, table, keys) in tables {
        for key in keys {
            assert!(part(heading).contains(&format!("\n| `{table}.{}` |", key.name)), "{table}.{}", key.name);
        }
    }
}
