//! A status of nodes as tables.

use weald_process::status::{Columns, PartyStatus, Report, known, millis, moment, number, or_unknown};
use weald_proto::Timestamp;

use super::{BrokerStatus, LinkState, NodeStatus};

const NODES: &[&str] =
    &["ORG", "REACHED", "QUERIES", "LOAD", "SOURCE", "NOTICES", "KEPT ANSWERS", "CERTIFICATE EXPIRES", "POLICIES"];
const BROKERS: &[&str] =
    &["ORG", "BROKER", "LINKS", "SINCE", "THROUGH", "SESSION SINCE", "SOFTWARE", "REGISTER", "CLOCK", "NEXT ATTEMPT"];

impl Report for NodeStatus {
    fn tables(parties: &[PartyStatus<Self>], now: Timestamp) -> Vec<Columns> {
        let mut all: Vec<&PartyStatus<Self>> = parties.iter().collect();
        all.sort_by_key(|party| (party.troubles.is_empty(), party.of_party.organisation.as_str()));
        let (mut nodes, mut brokers) = (Columns::new(NODES), Columns::new(BROKERS));
        for party in all {
            nodes.push(node(party, now));
            for broker in &party.of_party.brokers {
                brokers.push(row(&party.of_party, broker, now));
            }
        }
        vec![nodes, brokers]
    }
}

fn node(party: &PartyStatus<NodeStatus>, now: Timestamp) -> Vec<String> {
    let node = &party.of_party;
    let source = match node.source.is_readable {
        Some(true) => format!("{} readable", node.source.kind),
        Some(false) => format!("{} NOT READABLE", node.source.kind),
        None => format!("{} unknown", node.source.kind),
    };
    vec![
        node.organisation.clone(),
        node.listens_at.map_or_else(|| "dials in".to_owned(), |address| format!("listens on {address}")),
        node.availability.clone(),
        node.in_flight.to_string(),
        source,
        node.source.notices.to_string(),
        node.grants.to_string(),
        known(party.certificate_expires_at, |at| moment(at, now)),
        node.policy_version.clone(),
    ]
}

fn row(node: &NodeStatus, broker: &BrokerStatus, now: Timestamp) -> Vec<String> {
    let attached: Vec<Timestamp> =
        broker.links.iter().filter(|link| link.state == LinkState::Attached).filter_map(|link| link.since).collect();
    let (since, links) = match node.listens_at {
        Some(_) => ("-".to_owned(), "-".to_owned()),
        None => (
            attached.iter().min().map_or_else(|| "-".to_owned(), |since| moment(*since, now)),
            format!("{}/{}", attached.len(), broker.links.len()),
        ),
    };
    let session = broker.session.as_ref();
    let next = broker.links.iter().filter_map(|link| link.next_attempt_at).min();
    // The name is what tells brokers apart; the federation is one.
    let name = broker.broker.rsplit('/').next().unwrap_or(&broker.broker);
    vec![
        node.organisation.clone(),
        name.to_owned(),
        links,
        since,
        broker.through.clone().unwrap_or_else(|| "-".to_owned()),
        session.map_or_else(|| "none".to_owned(), |session| moment(session.since, now)),
        or_unknown(session.map(|session| session.software.as_str())),
        number(session.map(|session| session.register_version)),
        millis(session.map(|session| session.clock_ahead_ms)),
        next.map_or_else(|| "-".to_owned(), |next| moment(next, now)),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use weald_process::status::{Status, page};

    use super::*;

    const PAGE: &str = include_str!("../../../../../docs/status.md");

    fn block(after: &str, kind: &str) -> &'static str {
        let (_, rest) = PAGE.split_once(after).unwrap();
        let (_, rest) = rest.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("```").unwrap().0
    }

    fn example() -> Status<NodeStatus> {
        serde_json::from_str(block("\nA node's:\n", "json")).unwrap()
    }

    #[test]
    fn the_page_has_every_member_of_the_form_and_no_other() {
        let written: Value = serde_json::from_str(block("\nA node's:\n", "json")).unwrap();
        assert_eq!(serde_json::to_value(example()).unwrap(), written);
    }

    #[test]
    fn the_page_shows_what_is_printed_of_its_example() {
        let printed = page(&example());
        assert_eq!(block("A node behind a proxy that does not know its password:", "text"), printed, "{printed}");
    }

    #[test]
    fn the_page_explains_every_trouble() {
        let (_, rows) = PAGE.split_once("## Troubles").unwrap();
        let rows: Vec<&str> = rows.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next()).collect();
        let sources = [
            include_str!("trouble.rs"),
            include_str!("../status.rs"),
            include_str!("../../../../../process/src/status/form.rs"),
        ];
        let quoted = sources.iter().flat_map(|source| source.split('"').skip(1).step_by(2));
        let is_word = |text: &&str| {
            text.len() > 3
                && !text.starts_with("CARGO_")
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        let words: BTreeSet<&str> = quoted.filter(is_word).collect();
        assert!(words.len() >= 10, "{words:?}");
        for word in words {
            assert!(rows.iter().any(|row| row.split('`').any(|one| one == word)), "{word}");
        }
    }
}
