//! How far a register may be relied on, by the clock.

use std::fmt;
use std::time::Duration;

use weald_proto::{Timestamp, limit as contract};

use crate::document::Role;

/// How long a timestamp is fresh, at most, whatever it says of itself.
pub(crate) const FRESH_FOR: Duration = Duration::from_secs(15 * 60);
/// How long after it ceased to be fresh a register may still be used: 24 h after it was made.
pub(crate) const SOFT_FOR: Duration = Duration::from_secs(24 * 60 * 60 - 15 * 60);

/// How far a register may be relied on. Later is never better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Without reserve.
    Fresh {
        /// When it ceases to be fresh.
        until: Timestamp,
    },
    /// It may be used, and whoever runs this must hear of it and what is done under it must be marked.
    Stale {
        /// Since when.
        since: Timestamp,
        /// Which role's document has expired.
        role: Role,
        /// When it may not be used any more.
        stops: Timestamp,
    },
    /// It may not be used.
    Stopped(Stopped),
}

/// Why no register may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Stopped {
    /// It has not been renewed for too long.
    #[error(
        "the register's {role} is older than it may be since {since}: fetch a newer one, and check this machine's clock"
    )]
    TooOld {
        /// Since when it may not be used.
        since: Timestamp,
        /// Which role's document has expired.
        role: Role,
    },
    /// There is none: nothing was fetched yet, or the root has withdrawn the keys that it was signed with.
    #[error("there is no register that the root's keys have signed: fetch one")]
    Nothing,
}

/// What limits a register's use: the expiry of each of its documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The earliest expiry, and whose it is.
    until: Timestamp,
    role: Role,
}

impl Limits {
    /// The earliest of these expiries. A timestamp counts no longer than it may be fresh after we have accepted it, so
    /// that whoever has its key cannot make it last.
    pub(crate) fn of(expiries: [(Role, Timestamp); 4], accepted_at: Timestamp) -> Self {
        let accepted = (Role::Timestamp, accepted_at.plus(FRESH_FOR).plus(contract::CLOCK_SKEW));
        let first = expiries.into_iter().fold(accepted, |first, next| if next.1 < first.1 { next } else { first });
        Limits { until: first.1, role: first.0 }
    }

    /// When use must stop.
    pub(crate) fn stops(&self) -> Timestamp {
        self.until.plus(SOFT_FOR)
    }

    pub(crate) fn at(&self, now: Timestamp) -> Freshness {
        let (role, stops) = (self.role, self.stops());
        if now < self.until {
            Freshness::Fresh { until: self.until }
        } else if now < stops {
            Freshness::Stale { since: self.until, role, stops }
        } else {
            Freshness::Stopped(Stopped::TooOld { since: stops, role })
        }
    }
}

impl Freshness {
    /// True if the register may be used, marked or not.
    pub fn serves(&self) -> bool {
        !matches!(self, Freshness::Stopped(_))
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Freshness::Fresh { until } => write!(f, "fresh until {until}"),
            Freshness::Stale { since, role, stops } => {
                write!(f, "stale since {since}, when its {role} expired; may be used until {stops}")
            }
            Freshness::Stopped(stopped) => write!(f, "stopped: {stopped}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn minutes(minutes: i64) -> Timestamp {
        Timestamp::from_secs(minutes * 60)
    }

    fn limits(timestamp: i64, root: i64) -> Limits {
        let far = minutes(1_000_000);
        let expiries = [
            (Role::Root, minutes(root)),
            (Role::Timestamp, minutes(timestamp)),
            (Role::Snapshot, far),
            (Role::Targets, far),
        ];
        Limits::of(expiries, minutes(0))
    }

    #[test]
    fn a_timestamp_is_fresh_for_a_quarter_of_an_hour_usable_for_a_day_and_then_not() {
        let limits = limits(15, 1_000_000);
        assert_eq!(limits.at(minutes(0)), Freshness::Fresh { until: minutes(15) });
        assert!(limits.at(minutes(15).minus(Duration::from_millis(1))).serves());
        let stale = Freshness::Stale { since: minutes(15), role: Role::Timestamp, stops: minutes(24 * 60) };
        assert_eq!(limits.at(minutes(15)), stale);
        assert_eq!(limits.at(minutes(24 * 60).minus(Duration::from_millis(1))), stale);
        let stopped = Stopped::TooOld { since: minutes(24 * 60), role: Role::Timestamp };
        assert_eq!(limits.at(minutes(24 * 60)), Freshness::Stopped(stopped));
    }

    #[test]
    fn a_timestamp_that_says_it_lasts_for_years_lasts_no_longer() {
        assert_eq!(limits(500_000, 1_000_000).at(minutes(0)), Freshness::Fresh { until: minutes(16) });
    }

    #[test]
    fn the_first_document_to_expire_counts_and_is_named() {
        let stale = Freshness::Stale { since: minutes(5), role: Role::Root, stops: minutes(24 * 60 - 10) };
        assert_eq!(limits(15, 5).at(minutes(6)), stale);
    }

    proptest! {
        #[test]
        fn later_is_never_better(
            timestamp in 0..3000_i64, root in 0..3000_i64, one in 0..6000_i64, other in 0..6000_i64
        ) {
            let limits = limits(timestamp, root);
            let (earlier, later) = (limits.at(minutes(one.min(other))), limits.at(minutes(one.max(other))));
            prop_assert!(earlier <= later, "{earlier} and then {later}");
        }
    }
}
