//! How fast the handshakes of everybody together begin, where that is limited.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::limits::Limits;

/// A token bucket that holds what may begin in one second.
#[derive(Default)]
pub(super) struct Everybody(Mutex<Option<Left>>);

/// What is left, as of when. Nothing was taken where there is none.
#[derive(Clone, Copy)]
struct Left {
    turns: f64,
    at: Instant,
}

impl Everybody {
    /// Whether one more may begin.
    pub(super) fn may_begin(&self, limits: &Limits) -> bool {
        limits.handshakes_per_second_of_all.is_none_or(|rate| self.take(rate, 0.0) >= 1.0)
    }

    /// One more begins.
    pub(super) fn begin(&self, limits: &Limits) {
        if let Some(rate) = limits.handshakes_per_second_of_all {
            self.take(rate, 1.0);
        }
    }

    /// What is left when so much is taken.
    fn take(&self, rate: u32, amount: f64) -> f64 {
        let (now, rate) = (Instant::now(), f64::from(rate));
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Left { turns, at } = left.unwrap_or(Left { turns: rate, at: now });
        let passed = now.saturating_duration_since(at).as_secs_f64();
        let turns = passed.mul_add(rate, turns).min(rate) - amount;
        *left = Some(Left { turns, at: now });
        turns
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn so_many_begin_in_a_second_whoever_they_are() {
        let limits = Limits { handshakes_per_second_of_all: Some(4), ..Limits::default() };
        let everybody = Everybody::default();
        let begin = || {
            let begins = |_: &u32| everybody.may_begin(&limits).then(|| everybody.begin(&limits)).is_some();
            (0..100).filter(begins).count()
        };
        assert_eq!(begin(), 4);
        tokio::time::advance(Duration::from_millis(500)).await;
        assert_eq!(begin(), 2);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(begin(), 4);
        assert!((0..1000).all(|_| everybody.may_begin(&Limits::default())), "a port has no such limit");
    }
}
