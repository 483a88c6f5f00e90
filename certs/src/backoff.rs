//! How long to wait before dialling again.

use std::time::Duration;

use weald_proto::Random;

/// The most that is waited after a first failure.
const FIRST: Duration = Duration::from_millis(500);
/// The most that is ever waited.
const LAST: Duration = Duration::from_secs(60);

/// Waits that grow from 0.5 s to 60 s, each drawn evenly from nothing to its most ("full jitter"), so
/// that whoever lost the same broker does not come back in step.
#[derive(Debug, Clone, Copy, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure.
    pub fn wait(&mut self, random: &dyn Random) -> Duration {
        let most = self.most();
        self.failures = self.failures.saturating_add(1);
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        // A modulus of 60,000 favours nothing measurably in 64 bits.
        Duration::from_millis(u64::from_le_bytes(bytes) % most.saturating_add(1))
    }

    /// Begins again, after a connection that lasted.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    fn most(self) -> Duration {
        let doubled = 1_u32.checked_shl(self.failures).and_then(|times| FIRST.checked_mul(times));
        doubled.map_or(LAST, |most| most.min(LAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the same byte for ever.
    struct Always(u8);

    impl Random for Always {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn the_most_doubles_from_half_a_second_to_a_minute_and_stays_there() {
        let mut backoff = Backoff::default();
        let mut most = Vec::new();
        for _ in 0..40 {
            most.push(backoff.most().as_millis());
            backoff.wait(&Always(7));
        }
        assert_eq!(most[..8], [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]);
        assert!(most[8..].iter().all(|most| *most == 60_000));
        backoff.reset();
        assert_eq!(backoff.most(), FIRST);
    }

    #[test]
    fn a_wait_is_anything_from_nothing_to_its_most() {
        assert_eq!(Backoff::default().wait(&Always(0)), Duration::ZERO);
        let waits: Vec<Duration> = (0..=255).map(|byte| Backoff::default().wait(&Always(byte))).collect();
        assert!(waits.iter().all(|wait| *wait <= FIRST));
        let (low, high) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
        assert!(*low < FIRST / 8 && *high > FIRST * 7 / 8, "{low:?} to {high:?}");
    }
}
