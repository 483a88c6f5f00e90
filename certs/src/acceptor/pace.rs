//! How fast the handshakes of one address begin, and how slowly those of one whose connections had to be ended.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;

/// Addresses that are remembered before those at rest are looked for.
const REMEMBERED: usize = 1024;

/// The pace of every address of which a connection has come lately.
///
/// Bounded: an address is at rest, and forgotten, once it has been left in peace for seconds.
#[derive(Default)]
pub(super) struct Paces(Mutex<Known>);

#[derive(Default)]
struct Known {
    by_network: HashMap<IpAddr, Pace>,
    /// When there are as many, those at rest are forgotten.
    crowd: usize,
}

/// Two buckets: turns, which time gives, and faults, which time takes.
struct Pace {
    /// Handshakes that may begin at once. Below zero: those that wait for their turn.
    turns: f64,
    /// Connections that had to be ended, as far as they are not forgiven.
    faults: f64,
    at: Instant,
}

impl Paces {
    /// How long a connection of that address waits for its turn; none if that is too long.
    pub(super) fn turn(&self, network: IpAddr, limits: &Limits) -> Option<Duration> {
        let now = Instant::now();
        self.known().of(network, limits, now).turn(limits)
    }

    /// A connection of that address had to be ended for what its peer did.
    pub(super) fn fault(&self, network: IpAddr, limits: &Limits) {
        let now = Instant::now();
        let mut known = self.known();
        let pace = known.of(network, limits, now);
        // So that whoever ends it all is forgiven within a time that does not depend on how bad it was.
        pace.faults = (pace.faults + 1.0).min(2.0 * f64::from(limits.faults.max(1)));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn of(&mut self, network: IpAddr, limits: &Limits, now: Instant) -> &mut Pace {
        if self.by_network.len() >= self.crowd.max(REMEMBERED) && !self.by_network.contains_key(&network) {
            self.by_network.retain(|_, pace| !pace.is_at_rest(limits, now));
            self.crowd = self.by_network.len().saturating_mul(2);
        }
        let pace = self.by_network.entry(network).or_insert_with(|| Pace::new(limits, now));
        pace.pass(limits, now);
        pace
    }
}

impl Pace {
    fn new(limits: &Limits, now: Instant) -> Self {
        Pace { turns: f64::from(limits.handshakes_at_once), faults: 0.0, at: now }
    }

    /// What time has passed gives turns and takes faults.
    fn pass(&mut self, limits: &Limits, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        let rate = self.rate(limits);
        let most = if self.is_slow(limits) { 1.0 } else { f64::from(limits.handshakes_at_once) };
        self.turns = (self.turns + passed * rate).min(most);
        self.faults = (self.faults - passed * f64::from(limits.faults_per_second)).max(0.0);
    }

    fn turn(&mut self, limits: &Limits) -> Option<Duration> {
        let (rate, most) = (self.rate(limits), limits.turn_time.as_secs_f64());
        // Of an address that has only now become slow more may wait than would be let in at its pace.
        self.turns = self.turns.max(-most * rate);
        let wait = (1.0 - self.turns).max(0.0) / rate;
        let in_time = wait <= most;
        if in_time {
            self.turns -= 1.0;
        }
        in_time.then(|| Duration::try_from_secs_f64(wait).unwrap_or(limits.turn_time))
    }

    fn is_slow(&self, limits: &Limits) -> bool {
        self.faults > f64::from(limits.faults)
    }

    fn rate(&self, limits: &Limits) -> f64 {
        f64::from(if self.is_slow(limits) { limits.slow_handshakes_per_second } else { limits.handshakes_per_second })
    }

    fn is_at_rest(&mut self, limits: &Limits, now: Instant) -> bool {
        self.pass(limits, now);
        self.faults <= 0.0 && self.turns >= f64::from(limits.handshakes_at_once)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            handshakes_per_second: 100,
            handshakes_at_once: 4,
            turn_time: Duration::from_secs(1),
            faults: 3,
            faults_per_second: 2,
            slow_handshakes_per_second: 10,
            ..Limits::default()
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// The waits of connections that come together, until one may not wait.
    fn crowd(paces: &Paces, last: u8) -> Vec<Duration> {
        std::iter::from_fn(|| paces.turn(address(last), &limits())).take(1000).collect()
    }

    fn at_fault(paces: &Paces, times: u32) {
        for _ in 0..times {
            paces.fault(address(1), &limits());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn some_begin_at_once_others_in_turn_and_whose_turn_is_too_far_away_does_not_wait() {
        let paces = Paces::default();
        let waits = crowd(&paces, 1);
        assert_eq!(waits.iter().filter(|wait| wait.is_zero()).count(), 4);
        assert_eq!(waits.len(), 4 + 100);
        let in_turn = waits.iter().skip(4).zip(1..).all(|(wait, n)| wait.as_millis().abs_diff(n * 10) <= 1);
        assert!(in_turn, "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn time_gives_turns_and_no_more_than_may_begin_at_once() {
        let paces = Paces::default();
        assert_eq!(crowd(&paces, 1).len(), 104);
        tokio::time::advance(Duration::from_millis(101)).await;
        assert_eq!(crowd(&paces, 1).len(), 10);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(crowd(&paces, 1).len(), 104);
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_at_fault_too_often_is_slow_and_another_is_not() {
        let paces = Paces::default();
        at_fault(&paces, 3);
        assert_eq!(crowd(&paces, 1).len(), 104, "three may be");
        at_fault(&paces, 1);
        tokio::time::advance(Duration::from_millis(401)).await;
        assert!(crowd(&paces, 1).len() <= 5, "four are too many");
        assert_eq!(crowd(&paces, 2).len(), 104);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_is_let_in_at_its_pace_all_along() {
        let paces = Paces::default();
        let mut let_in = 0;
        for _ in 0..100 {
            at_fault(&paces, 5);
            let_in += crowd(&paces, 1).len();
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert!((100..=120).contains(&let_in), "{let_in} in ten seconds");
    }

    #[tokio::test(start_paused = true)]
    async fn faults_are_forgiven_within_seconds_however_many_they_were() {
        let paces = Paces::default();
        at_fault(&paces, 1_000_000);
        crowd(&paces, 1);
        tokio::time::advance(Duration::from_millis(1400)).await;
        assert!(crowd(&paces, 1).len() <= 15);
        tokio::time::advance(Duration::from_millis(200)).await;
        crowd(&paces, 1);
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(crowd(&paces, 1).len(), 104);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_at_rest_are_forgotten() {
        let paces = Paces::default();
        let network = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..1024 {
            paces.turn(network(number), &limits());
        }
        paces.fault(network(0), &limits());
        tokio::time::advance(Duration::from_millis(100)).await;
        paces.turn(network(2000), &limits());
        assert_eq!(paces.known().by_network.len(), 2, "the one at fault, and the new one");
    }
}
