//! How much everybody and anybody may have of something: token buckets, one for all and one for each network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// So many at once after a rest, and so many a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    most: f64,
    per_second: f64,
}

impl Rate {
    pub(super) const fn of(most: u32, per_second: u32) -> Self {
        Rate { most: most as f64, per_second: per_second as f64 }
    }
}

/// What is left for everybody, and for each network.
///
/// Bounded: of a network something is kept only while something of it is missing, and for what is missing
/// everybody's allowance was used.
pub(super) struct Allowance {
    all: Rate,
    each: Rate,
    left: Mutex<Left>,
}

struct Left {
    all: Bucket,
    each: HashMap<IpAddr, Bucket>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// The shortest time after which it is worth trying again.
const LEAST_WAIT: Duration = Duration::from_millis(100);
/// The wait that is told where nothing ever comes back.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

impl Allowance {
    pub(super) fn new(all: Rate, each: Rate, now: Instant) -> Self {
        let left = Left { all: Bucket::full(all, now), each: HashMap::new() };
        Allowance { all, each, left: Mutex::new(left) }
    }

    /// Takes so much for whoever is in that network, if anything is left; it may be more than is left, which is
    /// missing then. Otherwise after how long something will be. Whoever has had its own part takes none of the
    /// others'.
    pub(super) fn take(&self, network: IpAddr, amount: f64, now: Instant) -> Result<(), Duration> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = left.each.get(&network).copied().unwrap_or(Bucket::full(self.each, now));
        own.refill(self.each, now);
        own.has_some(self.each)?;
        left.all.refill(self.all, now);
        left.all.has_some(self.all)?;
        left.all.left -= amount;
        own.left -= amount;
        left.each.retain(|_, bucket| {
            bucket.refill(self.each, now);
            bucket.left < self.each.most
        });
        left.each.insert(network, own);
        Ok(())
    }
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Bucket { left: rate.most, at: now }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = passed.mul_add(rate.per_second, self.left).min(rate.most);
        self.at = now;
    }

    fn has_some(&self, rate: Rate) -> Result<(), Duration> {
        let missing = 1.0 - self.left;
        if missing <= 0.0 {
            return Ok(());
        }
        let wait = Duration::try_from_secs_f64(missing / rate.per_second).unwrap_or(NEVER);
        Err(wait.max(LEAST_WAIT))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn network(number: u32) -> IpAddr {
        Ipv4Addr::from(number).into()
    }

    #[test]
    fn one_network_has_its_part_and_leaves_the_others_theirs() {
        let now = Instant::now();
        let allowance = Allowance::new(Rate::of(10, 1), Rate::of(3, 1), now);
        for _ in 0..3 {
            allowance.take(network(1), 1.0, now).unwrap();
        }
        for _ in 0..1000 {
            assert_eq!(allowance.take(network(1), 1.0, now), Err(Duration::from_secs(1)));
        }
        allowance.take(network(2), 1.0, now).unwrap();
        let now = now + Duration::from_secs(1);
        allowance.take(network(1), 1.0, now).unwrap();
        assert!(allowance.take(network(1), 1.0, now).is_err());
    }

    #[test]
    fn all_networks_together_have_no_more_than_all_may_and_not_all_are_remembered() {
        let now = Instant::now();
        let allowance = Allowance::new(Rate::of(10, 1), Rate::of(3, 1), now);
        let taken = (0..100_000).filter(|number| allowance.take(network(*number), 1.0, now).is_ok()).count();
        assert_eq!(taken, 10);
        assert_eq!(allowance.left.lock().unwrap().each.len(), 10);
        let now = now + Duration::from_secs(60);
        allowance.take(network(7), 1.0, now).unwrap();
        assert_eq!(allowance.left.lock().unwrap().each.len(), 1);
    }

    #[test]
    fn what_is_larger_than_what_is_left_passes_once_and_is_missing_then() {
        let now = Instant::now();
        let allowance = Allowance::new(Rate::of(100, 8), Rate::of(4, 2), now);
        allowance.take(network(1), 10.0, now).unwrap();
        assert_eq!(allowance.take(network(1), 1.0, now), Err(Duration::from_millis(3500)));
        let now = now + Duration::from_millis(3500);
        allowance.take(network(1), 1.0, now).unwrap();
    }
}
