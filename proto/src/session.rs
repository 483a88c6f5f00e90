//! What broker and node say on a session, parsed.
//!
//! A session is the lasting conversation between one broker and one node. Each end begins with a hello;
//! what does not parse ends it.

mod broker_notice;
mod node_notice;
mod pace;
mod pulse;

pub use broker_notice::{BrokerHello, BrokerNotice, Ping, Viewed};
pub use node_notice::{Changed, NodeHello, NodeNotice, NodeState, Pong};
pub use pace::Pace;
pub use pulse::Pulse;

use crate::closed::closed_enum;

closed_enum!(
    /// Whether a node takes queries.
    Availability, "availability", {
        /// It does.
        Serving = "serving",
        /// Its organisation paused it: queries are answered with the outcome paused.
        Paused = "paused",
        /// Its process is about to end: new queries go on other links.
        Draining = "draining",
    }
);
