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
