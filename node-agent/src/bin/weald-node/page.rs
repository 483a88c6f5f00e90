//! docs/configuration.md says what can be configured, and its example is good.

use weald_process::load::{KeySettings, PartySettings, ProxyTable, RegisterSettings};
use weald_process::{Document, Faults, Key, Table};

use crate::configuration::Configuration;
use crate::organisation;
use crate::source::{self, SourceSettings};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// The part of the page about nodes.
fn part() -> &'static str {
    let (_, after) = PAGE.split_once("\n## weald-node\n").unwrap();
    after.split("\n## ").next().unwrap()
}

#[test]
fn the_example_of_nodes_is_well_formed() {
    let (_, example) = part().split_once("```toml\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weald-node.toml");
    std::fs::write(&path, example.split("```").next().unwrap()).unwrap();
    let faults = Faults::default();
    {
        let document = Document::open(&path, &faults).unwrap();
        let parsed = document.parse(&faults).unwrap();
        let configuration =
            Configuration::read(&Table::root(&document, &parsed, &faults, Configuration::KEYS)).unwrap();
        let [one, other] = &configuration.organisations[..] else { panic!("two organisations") };
        assert!(matches!(one.source, SourceSettings::Bundles { .. }) && one.policies.is_some());
        assert!(matches!(other.source, SourceSettings::Sqlite { .. }) && other.policies.is_none());
    }
    assert_eq!(faults.into_sorted(), []);
}

#[test]
fn every_key_of_nodes_is_on_the_page() {
    let tables: [(&str, &[Key]); 8] = [
        ("tls", &[PartySettings::ROOTS]),
        ("register", RegisterSettings::KEYS),
        ("proxy", ProxyTable::KEYS),
        ("organisation", organisation::KEYS),
        ("organisation.tls", &[PartySettings::CERTIFICATE, PartySettings::KEY]),
        ("organisation.statement", KeySettings::KEYS),
        ("organisation.bundles", source::BUNDLES_KEYS),
        ("organisation.sqlite", source::SQLITE_KEYS),
    ];
    let is_table = |name: &str| tables.iter().any(|(table, _)| *table == name);
    let outermost = Configuration::KEYS.iter().map(|key| key.name.to_owned());
    let within = tables.iter().flat_map(|(table, keys)| keys.iter().map(move |key| format!("{table}.{}", key.name)));
    for name in outermost.chain(within).filter(|name| !is_table(name)) {
        assert!(part().contains(&format!("\n| `{name}` |")), "{name}");
    }
}
