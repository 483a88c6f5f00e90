//! What a program takes from outside: time, randomness, and (feature `grpc`) the network.

use crate::Timestamp;
#[cfg(feature = "grpc")]
use crate::network::Network;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Wall time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Unpredictable bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// The operating system's random generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::panic, reason = "without randomness nothing may be signed or asked")]
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random bytes: {error}");
        }
    }
}

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> Self {
        ManualClock(Arc::new(AtomicI64::new(now.as_millis())))
    }

    /// Moves it on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Sets it, back or forth.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// Everything from outside, as one argument.
#[cfg(feature = "grpc")]
#[derive(Clone)]
pub struct Env {
    /// Wall time, for validity. Deadlines run on tokio's timer.
    pub clock: Arc<dyn Clock>,
    /// Nonces, ids, salts.
    pub random: Arc<dyn Random>,
    /// Connections to others.
    pub network: Arc<dyn Network>,
}

#[cfg(feature = "grpc")]
impl Env {
    /// The machine's own clock, randomness and network.
    pub fn system() -> Self {
        Env {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            network: Arc::new(crate::network::TcpNetwork),
        }
    }
}

#[cfg(feature = "grpc")]
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Env")
    }
}
