//! One organisation's node: what it needs to answer.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::Log;
use weald_certs::Register;
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::session::Pulse;
use weald_proto::{FederationName, OdsCode, Replay};

use crate::metrics::Metrics;
use crate::release::SaltKey;
use crate::session::{History, Sessions, Sight};
use crate::sign::StatementKey;
use crate::store::RecordStore;

/// What a node is made of.
pub struct NodeParts {
    /// The organisation that it speaks for.
    pub organisation: OdsCode,
    /// The federation that it is a member of.
    pub federation: FederationName,
    /// The newest register, swapped in place.
    pub register: Arc<ArcSwap<Register>>,
    /// Baseline and own policies, and the table of roles.
    pub engine: Arc<Engine>,
    /// The local system.
    pub store: Arc<dyn RecordStore>,
    /// The organisation's own audit log.
    pub log: Arc<Log>,
    /// Queries and assertions that were seen, from [`Replay::recover`] after a restart.
    pub replay: Replay,
    /// Signs statements.
    pub key: StatementKey,
    /// For how many seconds answers may be kept by a broker; 0 for not at all. Only a broker that has a
    /// session with this node is granted any, and only while changes of the local system are seen.
    pub cache_seconds: u32,
    /// The pulse of its sessions with brokers, which have the same.
    pub pulse: Pulse,
    /// Access notices that its log holds already, from [`History::read`].
    pub history: History,
    /// Time, randomness, network.
    pub env: Env,
}

/// One organisation's node.
pub struct Node {
    pub(crate) parts: NodeParts,
    pub(crate) salts: SaltKey,
    pub(crate) metrics: Metrics,
    pub(crate) sessions: Arc<Sessions>,
}

impl Node {
    /// A node that can answer. Its metrics go to the recorder that is installed by then.
    pub fn new(mut parts: NodeParts) -> Self {
        let salts = SaltKey::generate(&*parts.env.random);
        let metrics = Metrics::of(&parts.organisation);
        let sight = Sight::new(parts.store.watch(), Arc::clone(&parts.env.clock));
        let (whose, history) = (parts.organisation.clone(), std::mem::take(&mut parts.history));
        let sessions = Arc::new(Sessions::new(whose, history, sight, &*parts.env.random));
        Node { parts, salts, metrics, sessions }
    }

    /// The organisation that it speaks for.
    pub fn organisation(&self) -> &OdsCode {
        &self.parts.organisation
    }

    /// Brings up to date what is not counted as it happens: the register, the clock, and what the local
    /// system holds that cannot be used. For whoever is about to read the metrics; may block.
    pub fn observe(&self) {
        weald_certs::metrics::register(&self.register(), self.parts.env.clock.now());
        self.metrics.source_notices(self.parts.store.notices());
        self.metrics.sessions(self.sessions(), self.grants());
    }

    /// The local system.
    pub fn store(&self) -> &dyn RecordStore {
        &*self.parts.store
    }

    /// Version of its policies.
    pub fn policy_version(&self) -> &str {
        self.parts.engine.version()
    }

    /// For how many seconds brokers may keep its answers; 0 for not at all.
    pub fn cache_seconds(&self) -> u32 {
        self.parts.cache_seconds
    }

    pub(crate) fn register(&self) -> Arc<Register> {
        self.parts.register.load_full()
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.parts.organisation)
    }
}
