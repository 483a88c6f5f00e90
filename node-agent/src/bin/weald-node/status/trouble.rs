//! What is wrong with a node, or in its way to brokers.

use std::time::Duration;

use weald_process::status::{Failure, Trouble, moment};
use weald_proto::Timestamp;
use weald_proto::session::Availability;

use super::{BrokerStatus, LinkState, NodeStatus, SessionStatus, SourceStatus};

/// From 60 s on queries are refused.
const CLOCK_MS: i64 = 30_000;
/// A session begins within moments of a link.
const SESSION_SOON: Duration = Duration::from_secs(10);

/// Everything that is wrong with it, under a register of that version.
pub(super) fn of(status: &NodeStatus, register_version: u64, now: Timestamp) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if status.availability == Availability::Paused.as_str() {
        let what = "the node is paused: it answers nobody";
        troubles.push(Trouble::new(
            &status.organisation,
            "PAUSED",
            what,
            "resume it when what it was paused for is over",
        ));
    }
    troubles.extend(of_source(&status.organisation, &status.source));
    for broker in &status.brokers {
        troubles.extend(of_links(broker, now));
        troubles.extend(of_session(broker, register_version, now));
    }
    troubles
}

fn of_source(organisation: &str, source: &SourceStatus) -> Vec<Trouble> {
    let about = |word, what: String, remedy| Trouble::new(organisation, word, what, remedy);
    let mut troubles = Vec::new();
    if source.is_readable == Some(false) {
        let what = "the local system cannot be read: nobody is found, and every section is unavailable".to_owned();
        troubles.push(about(
            "SOURCE_UNREADABLE",
            what,
            "correct what the log names: the source's path, its files or its mapping",
        ));
    }
    if source.notices > 0 {
        let what = format!("{} files, rows or columns of the local system cannot be used", source.notices);
        troubles.push(about("SOURCE_IN_PART", what, "the log names each, with what is wrong with it"));
    }
    troubles
}

fn of_links(broker: &BrokerStatus, now: Timestamp) -> Option<Trouble> {
    let expected = broker.links.len();
    let attached = broker.links.iter().filter(|link| link.state == LinkState::Attached).count();
    if attached == expected {
        return None;
    }
    let about = |what: String, remedy: String| {
        let word = if attached == 0 { "NO_LINK" } else { "LINK_MISSING" };
        Trouble::new(&broker.broker, word, format!("{attached} of {expected} links; {what}"), remedy)
    };
    let failures = broker.links.iter().filter_map(|link| link.failure.as_ref());
    let next = broker.links.iter().filter_map(|link| link.next_attempt_at).min();
    let next = next.map_or_else(|| "tried again now".to_owned(), |next| format!("next attempt {}", moment(next, now)));
    Some(match failures.max_by_key(|failure| failure.at) {
        Some(Failure { at, cause, what, remedy, ask }) => {
            about(format!("{cause}: {what}, {}; {next}", moment(*at, now)), format!("{remedy}. Ask: {ask}"))
        }
        None => about(format!("no attempt has failed; {next}"), "wait, and ask again in a minute".to_owned()),
    })
}

fn of_session(broker: &BrokerStatus, register_version: u64, now: Timestamp) -> Vec<Trouble> {
    let about = |word, what: String, remedy| Trouble::new(&broker.broker, word, what, remedy);
    let oldest =
        broker.links.iter().filter(|link| link.state == LinkState::Attached).filter_map(|link| link.since).min();
    let Some(SessionStatus { register_version: theirs, clock_ahead_ms, .. }) = &broker.session else {
        let is_late = oldest.is_some_and(|since| since.plus(SESSION_SOON) < now);
        let what = "there are links and no session: the broker may keep no answers".to_owned();
        let remedy = "look for `session ended` in the log of either";
        return is_late.then(|| about("NO_SESSION", what, remedy)).into_iter().collect();
    };
    let mut troubles = Vec::new();
    if *theirs != register_version {
        let what = format!("its register is version {theirs}, ours is {register_version}");
        let remedy = "whoever has the older one gets the newer, and starts the process again";
        troubles.push(about("REGISTER_DIFFERS", what, remedy));
    }
    if clock_ahead_ms.saturating_abs() > CLOCK_MS {
        let direction = if *clock_ahead_ms > 0 { "ahead of" } else { "behind" };
        let seconds = clock_ahead_ms.saturating_abs() / 1000;
        let what = format!("its clock is {seconds} s {direction} ours; from 60 s on queries are refused");
        troubles.push(about("CLOCK_WRONG", what, "find out whose is wrong: check the time service on both machines"));
    }
    troubles
}
