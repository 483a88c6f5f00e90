//! What is wrong with an organisation's node, as far as a broker can tell.

use std::time::Duration;

use weald_certs::Register;
use weald_process::status::{Trouble, moment};
use weald_proto::session::Availability;
use weald_proto::{OdsCode, Timestamp};

use super::{OrganisationStatus, Reached, SessionStatus};

/// From 60 s on queries are refused.
const CLOCK_MS: i64 = 30_000;
/// A session begins within moments of a link.
const SESSION_SOON: Duration = Duration::from_secs(10);

/// Everything that is wrong with it.
pub(super) fn of(one: &OrganisationStatus, register: &Register, now: Timestamp) -> Vec<Trouble> {
    let about = |word, what: String, remedy: String| Trouble::new(&one.organisation, word, what, remedy);
    let mut troubles = Vec::new();
    let member = OdsCode::parse(&one.organisation).ok().and_then(|code| register.member(&code).cloned());
    if !member.is_some_and(|member| member.is_active()) {
        let what = "its node has dialled in, and the register does not have it as an active member: nobody asks it";
        troubles.push(about("NOT_A_MEMBER", what.to_owned(), "ask whoever keeps the register".to_owned()));
    }
    match one.state {
        Reached::Away => troubles.push(away(one, now)),
        Reached::Attached => {
            let lasting = one.links.iter().filter(|link| !link.is_draining).count();
            let expected = one.links_expected.unwrap_or(0);
            if lasting < expected {
                let what = format!("{lasting} of {expected} links: when that one ends too, it is away");
                let remedy = "run `weald-node status` there: it says why the other cannot be made".to_owned();
                troubles.push(about("LINK_MISSING", what, remedy));
            }
        }
        Reached::Dialled => {}
    }
    match &one.session {
        Some(session) => troubles.extend(of_session(one, session, register)),
        None if one.state == Reached::Attached && one.since.is_some_and(|since| since.plus(SESSION_SOON) < now) => {
            let what = "it has links and no session: its answers are not kept, and nothing is known of it".to_owned();
            let remedy = "look for `session ended` in the log of either".to_owned();
            troubles.push(about("NO_SESSION", what, remedy));
        }
        None => {}
    }
    if one.notices_in_log {
        let what = format!("more than {} views from memory of which it was not told yet", one.notices_waiting);
        let remedy = "what is not told within a day is given up: have its node connected before that".to_owned();
        troubles.push(about("NOTICES_PILE_UP", what, remedy));
    }
    troubles
}

fn away(one: &OrganisationStatus, now: Timestamp) -> Trouble {
    let since = match one.since {
        Some(since) => format!("away since {}", moment(since, now)),
        None => "not seen since this broker started".to_owned(),
    };
    let (what, remedy) = match (&one.failure, &one.address) {
        (Some(failure), _) => (
            format!("{since}; dialling it fails: {}: {}", failure.cause, failure.what),
            format!("{}. Ask: {}", failure.remedy, failure.ask),
        ),
        (None, Some(address)) => {
            (format!("{since}; it is dialled at {address}"), "look for `session ended` in the log".to_owned())
        }
        (None, None) => (
            format!("{since}; it dials in, and does not"),
            "ask the organisation to run `weald-node status`: it says whether its node runs, and what is in its way"
                .to_owned(),
        ),
    };
    Trouble::new(&one.organisation, "AWAY", what, remedy)
}

fn of_session(one: &OrganisationStatus, session: &SessionStatus, register: &Register) -> Vec<Trouble> {
    let about = |word, what: String, remedy: &str| Trouble::new(&one.organisation, word, what, remedy);
    let mut troubles = Vec::new();
    let (theirs, ours) = (session.register_version, register.version());
    if theirs != ours {
        let what = format!("its register is version {theirs}, ours is {ours}");
        let remedy = "whoever has the older one gets the newer, and starts the process again";
        troubles.push(about("REGISTER_DIFFERS", what, remedy));
    }
    if session.clock_ahead_ms.saturating_abs() > CLOCK_MS {
        let direction = if session.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
        let seconds = session.clock_ahead_ms.saturating_abs() / 1000;
        let what = format!("its clock is {seconds} s {direction} ours; from 60 s on queries are refused");
        troubles.push(about("CLOCK_WRONG", what, "find out whose is wrong: check the time service on both machines"));
    }
    if session.availability == Availability::Paused.as_str() {
        let what = "its organisation has paused it: it answers nobody".to_owned();
        troubles.push(about("PAUSED", what, "if nobody said why, ask the organisation"));
    }
    troubles
}
