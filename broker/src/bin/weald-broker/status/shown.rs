//! A broker's status as a table.

use weald_process::status::{Columns, PartyStatus, Report, known, millis, moment, number, or_unknown};
use weald_proto::Timestamp;

use super::{BrokerStatus, OrganisationStatus, Reached};

const HEADS: &[&str] = &[
    "ORG",
    "STATE",
    "SINCE",
    "LINKS",
    "FROM",
    "SOFTWARE",
    "REGISTER",
    "CLOCK",
    "ROUND TRIP",
    "LOAD",
    "QUERIES",
    "HEARD",
    "NOTICES",
];

impl Report for BrokerStatus {
    fn tables(parties: &[PartyStatus<Self>], now: Timestamp) -> Vec<Columns> {
        parties.iter().map(|party| of_party(party, now)).collect()
    }
}

fn of_party(party: &PartyStatus<BrokerStatus>, now: Timestamp) -> Columns {
    let in_trouble = |one: &&OrganisationStatus| party.troubles.iter().any(|trouble| trouble.about == one.organisation);
    let mut all: Vec<&OrganisationStatus> = party.of_party.organisations.iter().collect();
    all.sort_by_key(|one| (!in_trouble(one), one.organisation.as_str()));
    let mut columns = Columns::new(HEADS);
    all.into_iter().for_each(|one| columns.push(row(one, now)));
    columns
}

fn row(one: &OrganisationStatus, now: Timestamp) -> Vec<String> {
    let session = one.session.as_ref();
    let last = one.last_session.as_ref();
    let state = match one.state {
        Reached::Attached => "attached",
        Reached::Dialled => "dialled",
        Reached::Away => "away",
    };
    let links = match one.links_expected {
        Some(expected) => format!("{}/{expected}", one.links.len()),
        None => "-".to_owned(),
    };
    let mut from: Vec<&str> = one.links.iter().filter_map(|link| host(link.from.as_deref()?)).collect();
    from.dedup();
    let from = if from.is_empty() { one.address.clone().unwrap_or_else(|| "-".to_owned()) } else { from.join(" ") };
    let version = session.map(|session| &session.software).or(last.map(|last| &last.software));
    let register = session.map(|session| session.register_version).or(last.map(|last| last.register_version));
    let more = if one.notices_in_log { "+" } else { "" };
    vec![
        one.organisation.clone(),
        state.to_owned(),
        known(one.since, |since| moment(since, now)),
        links,
        from,
        or_unknown(version.map(String::as_str)),
        number(register),
        millis(session.map(|session| session.clock_ahead_ms)),
        known(session.and_then(|session| session.round_trip_ms), |millis| format!("{millis:.1} ms")),
        number(session.and_then(|session| session.in_flight)),
        or_unknown(session.map(|session| session.availability.as_str())),
        known(session.map(|session| session.heard_at), |at| weald_process::status::ago(at, now)),
        format!("{}{more}", one.notices_waiting),
    ]
}

/// The host of `host:port`.
fn host(address: &str) -> Option<&str> {
    Some(address.rsplit_once(':')?.0)
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

    fn example() -> Status<BrokerStatus> {
        serde_json::from_str(block("\nA broker's:\n", "json")).unwrap()
    }

    #[test]
    fn the_page_has_every_member_of_the_form_and_no_other() {
        let written: Value = serde_json::from_str(block("\nA broker's:\n", "json")).unwrap();
        assert_eq!(serde_json::to_value(example()).unwrap(), written);
    }

    #[test]
    fn the_page_shows_what_is_printed_of_its_example() {
        let printed = page(&example());
        assert_eq!(block("A broker whose second organisation was just killed:", "text"), printed, "{printed}");
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
