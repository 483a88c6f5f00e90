//! How much one end of a session may say.

use std::time::{Duration, Instant};

use crate::limit;

/// Counts notices, second by second.
#[derive(Debug)]
pub struct Pace {
    second: Instant,
    notices: u32,
}

impl Pace {
    /// None yet.
    pub fn from(now: Instant) -> Self {
        Pace { second: now, notices: 0 }
    }

    /// Counts one more; false if there are more than [`limit::NOTICES_PER_SECOND`].
    pub fn takes(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            *self = Pace::from(now);
        }
        self.notices = self.notices.saturating_add(1);
        self.notices <= limit::NOTICES_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any moment will do")]
    fn so_many_a_second_pass_and_one_more_does_not() {
        let now = Instant::now();
        let mut pace = Pace::from(now);
        for second in 0..3 {
            let now = now + Duration::from_secs(second);
            assert!((0..limit::NOTICES_PER_SECOND).all(|_| pace.takes(now)));
            assert!(!pace.takes(now));
        }
    }
}
