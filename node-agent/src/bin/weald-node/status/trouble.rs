//! What is wrong with a node, or in its way to brokers.

use std::net::SocketAddr;
use std::time::Duration;

use weald_process::status::{Failure, Trouble, moment};
use weald_proto::Timestamp;
use weald_proto::session::Availability;

use super::{BrokerStatus, LinkState, NodeStatus, SessionStatus, SourceStatus};

/// From 60 s on queries are refused.
const CLOCK_MS: i64 = 30_000;
/// A session begins within moments of a link.
const SESSION_SOON: Duration = Duration::from_secs(10);
/// A broker dials a node that listens again and again, and has a session with it.
const SILENCE: Duration = Duration::from_secs(60);

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
    troubles.extend(of_all_links(status));
    for broker in &status.brokers {
        troubles.extend(status.listens_at.and_then(|listens_at| of_silence(broker, listens_at, now)));
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

/// A node that dials in, and has nobody to dial.
fn of_all_links(status: &NodeStatus) -> Option<Trouble> {
    let is_reached = status.listens_at.is_some() || status.brokers.iter().any(|broker| !broker.links.is_empty());
    let what = "the register gives no broker an address: there is nobody to dial, and nobody reaches this node";
    let remedy = "ask the authority for a register in which a broker has one, or let brokers dial: write `listen`";
    (!is_reached).then(|| Trouble::new(&status.organisation, "NO_LINK", what, remedy))
}

/// A broker that does not come to a node that listens.
fn of_silence(broker: &BrokerStatus, listens_at: SocketAddr, now: Timestamp) -> Option<Trouble> {
    let since = broker.silent_since.filter(|since| since.plus(SILENCE) < now)?;
    let what = format!("no session, and not a word from this broker since {}", moment(since, now));
    let remedy = format!(
        "let its operator run `weald-broker status`, which says why; here, look whether a firewall lets it reach \
         {listens_at}, or what is forwarded there"
    );
    Some(Trouble::new(&broker.broker, "NO_SESSION", what, remedy))
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

#[cfg(test)]
mod tests {
    use super::super::LinkStatus;
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn broker(silent_since: Option<Timestamp>) -> BrokerStatus {
        BrokerStatus {
            broker: "spiffe://kent.weald.example/broker/b1".to_owned(),
            address: None,
            through: None,
            links: Vec::new(),
            session: silent_since.is_none().then(|| SessionStatus {
                since: NOW,
                heard_at: NOW,
                software: "0.1.0".to_owned(),
                register_version: 7,
                clock_ahead_ms: 0,
            }),
            silent_since,
        }
    }

    fn node(listens_at: Option<&str>, brokers: Vec<BrokerStatus>) -> NodeStatus {
        NodeStatus {
            organisation: "RVV".to_owned(),
            listens_at: listens_at.map(|address| address.parse().unwrap()),
            availability: Availability::Serving.as_str().to_owned(),
            policy_version: String::new(),
            in_flight: 0,
            grants: 0,
            source: SourceStatus { kind: "bundles".to_owned(), is_readable: Some(true), notices: 0 },
            brokers,
        }
    }

    fn words(node: &NodeStatus) -> Vec<(String, String)> {
        of(node, 7, NOW).into_iter().map(|trouble| (trouble.about, trouble.word)).collect()
    }

    fn ago(seconds: i64) -> Option<Timestamp> {
        Some(Timestamp::from_secs(NOW.as_secs() - seconds))
    }

    #[test]
    fn a_node_that_listens_and_that_a_broker_has_not_reached_for_a_minute_is_in_trouble() {
        let listening = |brokers| node(Some("192.0.2.1:9001"), brokers);
        assert_eq!(words(&listening(vec![broker(None)])), []);
        assert_eq!(words(&listening(vec![broker(ago(60))])), [], "it may have begun just now");
        let silent = listening(vec![broker(None), broker(ago(61))]);
        assert_eq!(words(&silent), [(broker(None).broker, "NO_SESSION".to_owned())]);
        let [trouble] = &of(&silent, 7, NOW)[..] else { panic!("one trouble") };
        assert!(trouble.remedy.contains("192.0.2.1:9001"), "{}", trouble.remedy);
    }

    #[test]
    fn a_node_that_dials_in_and_has_nobody_to_dial_is_in_trouble_at_once() {
        let no_link = [("RVV".to_owned(), "NO_LINK".to_owned())];
        assert_eq!(words(&node(None, vec![broker(ago(0))])), no_link);
        assert_eq!(words(&node(None, Vec::new())), no_link);
        let link = LinkStatus { state: LinkState::Attached, since: Some(NOW), failure: None, next_attempt_at: None };
        assert_eq!(words(&node(None, vec![BrokerStatus { links: vec![link], ..broker(None) }])), []);
    }
}
