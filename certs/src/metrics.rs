//! The register, the clock, own certificates and listeners, for whoever watches the process.
//!
//! All of these are looked at when somebody is about to read them. No other file of this crate registers
//! a metric. Labels come from closed lists, and the code of the organisation whose node it is.

use metrics::{Label, Unit, counter, describe_counter, describe_gauge, gauge};
use weald_proto::{Reason, SpiffeId, SpiffePath, Timestamp};

use crate::acceptor::Occupancy;
use crate::register::Register;

const REGISTER_VERSION: &str = "weald_register_version";
const REGISTER_AGE: &str = "weald_register_age_seconds";
const REGISTER_EXPIRES: &str = "weald_register_expires_seconds";
const CERTIFICATE_EXPIRES: &str = "weald_certificate_expires_seconds";
const CLOCK: &str = "weald_clock_seconds";
const CONNECTIONS: &str = "weald_listener_connections";
const HANDSHAKES: &str = "weald_listener_handshakes_in_progress";
const CALLERS: &str = "weald_listener_callers";
const CALLS: &str = "weald_listener_calls_in_flight";
const LINKS: &str = "weald_node_links";
const STRANGERS: &str = "weald_listener_strangers";
const STRANGERS_REFUSED: &str = "weald_listener_strangers_refused_total";
const REFUSED: &str = "weald_listener_refused_total";

/// The register that is held now, and the clock by which it is.
pub fn register(register: &Register, now: Timestamp) {
    describe_gauge!(REGISTER_VERSION, Unit::Count, "Version of the register that is held");
    describe_gauge!(REGISTER_AGE, Unit::Seconds, "Time since the register that is held was issued");
    describe_gauge!(CLOCK, Unit::Seconds, "This machine's clock, since 1970 UTC");
    // Beyond 2^53 versions the last digits go.
    gauge!(REGISTER_VERSION).set(register.version() as f64);
    gauge!(REGISTER_AGE).set(now.since(register.issued_at()));
    gauge!(CLOCK).set(now.since(Timestamp::from_secs(0)));
    if let Some(expires_at) = register.expires_at() {
        describe_gauge!(REGISTER_EXPIRES, Unit::Seconds, "Until the register that is held ceases to hold");
        gauge!(REGISTER_EXPIRES).set(until(expires_at, now));
    }
}

/// An own certificate, after which moment nobody believes it.
pub fn certificate(own: &SpiffeId, expires_at: Timestamp, now: Timestamp) {
    describe_gauge!(CERTIFICATE_EXPIRES, Unit::Seconds, "Until an own certificate expires; negative once it has");
    gauge!(CERTIFICATE_EXPIRES, labels(own)).set(until(expires_at, now));
}

/// A port of `own`: who is there, and who was refused before anything was served.
pub fn listener(own: &SpiffeId, occupancy: &Occupancy) {
    describe_gauge!(CONNECTIONS, Unit::Count, "Connections that are open, those in a handshake included");
    describe_gauge!(HANDSHAKES, Unit::Count, "TLS handshakes in progress");
    describe_gauge!(CALLERS, Unit::Count, "Identities that are connected");
    describe_gauge!(CALLS, Unit::Count, "Calls in flight");
    describe_counter!(REFUSED, Unit::Count, "Connections and calls that the port itself refused, by reason");
    let whose = labels(own);
    gauge!(CONNECTIONS, whose.clone()).set(number(occupancy.connections()));
    gauge!(HANDSHAKES, whose.clone()).set(number(occupancy.handshakes()));
    gauge!(CALLERS, whose.clone()).set(number(occupancy.callers()));
    gauge!(CALLS, whose.clone()).set(number(occupancy.requests()));
    // Most reasons are never a port's: each appears when it first is.
    for reason in Reason::ALL {
        let refused = occupancy.refused(*reason);
        if refused > 0 {
            let why = Label::from_static_parts("reason", reason.as_str());
            counter!(REFUSED, whose.iter().cloned().chain([why]).collect::<Vec<_>>()).absolute(refused);
        }
    }
}

/// The links that a node keeps to brokers: how many of them are attached.
pub fn links(own: &SpiffeId, attached: usize) {
    let SpiffePath::Node(organisation) = &own.path else { return };
    describe_gauge!(LINKS, Unit::Count, "Links on which a node that dials in is attached, to all brokers together");
    gauge!(LINKS, "organisation" => organisation.as_str().to_owned()).set(number(attached));
}

/// Who is at a broker's door for strangers.
pub fn strangers(occupancy: &Occupancy) {
    describe_gauge!(STRANGERS, Unit::Count, "Connections at the door for strangers");
    describe_counter!(
        STRANGERS_REFUSED,
        Unit::Count,
        "Connections and calls that the door for strangers itself refused"
    );
    gauge!(STRANGERS).set(number(occupancy.connections()));
    for reason in Reason::ALL {
        let refused = occupancy.refused(*reason);
        if refused > 0 {
            counter!(STRANGERS_REFUSED, "reason" => reason.as_str()).absolute(refused);
        }
    }
}

/// Whose it is: a broker's, or the node's of an organisation. There are no others that listen.
fn labels(own: &SpiffeId) -> Vec<Label> {
    let party = |kind| Label::from_static_parts("party", kind);
    match &own.path {
        SpiffePath::Broker(_) => vec![party("broker")],
        SpiffePath::Node(organisation) => {
            vec![party("node"), Label::new("organisation", organisation.as_str().to_owned())]
        }
        SpiffePath::Viewer(..) => vec![party("viewer")],
        SpiffePath::Authority => vec![party("authority")],
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Seconds until then; negative if it is over.
fn until(then: Timestamp, now: Timestamp) -> f64 {
    if then >= now { then.since(now).as_secs_f64() } else { -now.since(then).as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_ended_a_negative_time_from_now() {
        let now = Timestamp::from_secs(1_000);
        assert!((until(Timestamp::from_secs(1_060), now) - 60.0).abs() < f64::EPSILON);
        assert!((until(Timestamp::from_secs(940), now) + 60.0).abs() < f64::EPSILON);
    }
}
