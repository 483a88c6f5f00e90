//! The register, the clock and own certificates, for whoever watches the process.
//!
//! All of these are looked at when somebody is about to read them. The listener's own are in
//! `acceptor/metrics.rs`; no other file of this crate registers a metric.

use metrics::{Unit, describe_gauge, gauge};
use weald_proto::{SpiffeId, SpiffePath, Timestamp};

use crate::register::Register;

const REGISTER_VERSION: &str = "weald_register_version";
const REGISTER_AGE: &str = "weald_register_age_seconds";
const REGISTER_EXPIRES: &str = "weald_register_expires_seconds";
const CERTIFICATE_EXPIRES: &str = "weald_certificate_expires_seconds";
const CLOCK: &str = "weald_clock_seconds";

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

/// An own certificate, after which moment nobody believes it. Only nodes and brokers have one that is
/// watched.
pub fn certificate(own: &SpiffeId, expires_at: Timestamp, now: Timestamp) {
    describe_gauge!(CERTIFICATE_EXPIRES, Unit::Seconds, "Until an own certificate expires; negative once it has");
    let left = until(expires_at, now);
    match &own.path {
        SpiffePath::Broker(_) => gauge!(CERTIFICATE_EXPIRES, "party" => "broker").set(left),
        SpiffePath::Node(organisation) => {
            let organisation = organisation.as_str().to_owned();
            gauge!(CERTIFICATE_EXPIRES, "party" => "node", "organisation" => organisation).set(left);
        }
        SpiffePath::Viewer(..) => {}
    }
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
