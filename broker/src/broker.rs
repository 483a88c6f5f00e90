//! What a broker needs to serve views.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::{Log, PseudonymKey};
use weald_certs::Register;
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::{FederationName, Query, Replay, SigningKey, SpiffeId};

use crate::ask::AskNode;
use crate::cache::Cache;
use crate::fair::Viewers;
use crate::metrics::Metrics;

/// What a broker is made of.
pub struct BrokerParts {
    /// Its own name.
    pub name: SpiffeId,
    /// The federation that it serves.
    pub federation: FederationName,
    /// The newest register, swapped in place.
    pub register: Arc<ArcSwap<Register>>,
    /// The baseline policies, and the table of roles.
    pub engine: Arc<Engine>,
    /// Its own audit log.
    pub log: Arc<Log>,
    /// Assertions that were seen.
    pub replay: Replay,
    /// Signs queries.
    pub key: SigningKey<Query>,
    /// Makes pseudonyms of NHS numbers for the audit log.
    pub pseudonyms: PseudonymKey,
    /// How nodes are reached.
    pub nodes: Arc<dyn AskNode>,
    /// Time, randomness, network.
    pub env: Env,
}

/// A broker.
pub struct Broker {
    pub(crate) parts: BrokerParts,
    pub(crate) cache: Cache,
    pub(crate) viewers: Viewers,
    pub(crate) metrics: Metrics,
}

impl Broker {
    /// A broker that can serve views. Its metrics go to the recorder that is installed by then.
    pub fn new(parts: BrokerParts) -> Self {
        let cache = Cache::new(Arc::clone(&parts.env.clock));
        Broker { parts, cache, viewers: Viewers::default(), metrics: Metrics::new() }
    }

    /// Brings up to date what is not counted as it happens: the register and the clock. For whoever is
    /// about to read the metrics.
    pub fn observe(&self) {
        weald_certs::metrics::register(&self.register(), self.parts.env.clock.now());
    }

    pub(crate) fn register(&self) -> Arc<Register> {
        self.parts.register.load_full()
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Broker({})", self.parts.name)
    }
}
