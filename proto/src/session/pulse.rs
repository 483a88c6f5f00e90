//! How often the ends of a session let each other hear that they are there.

use std::time::Duration;

use crate::limit;

/// How often a session's ends say something, and how long either waits to hear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    /// Between two pings.
    pub ping: Duration,
    /// Nothing was heard for so long: what was kept is not shown until something is.
    pub doubt: Duration,
    /// Nothing was heard for so long: the session ends.
    pub silence: Duration,
}

/// That of the [limits](limit): both ends of a federation must have the same.
impl Default for Pulse {
    fn default() -> Self {
        Pulse { ping: limit::SESSION_PING, doubt: limit::SESSION_DOUBT, silence: limit::SESSION_SILENCE }
    }
}
