//! What a broker needs to serve views.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::{Follow, Log, PseudonymKey};
use weald_certs::Register;
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::session::Pulse;
use weald_proto::{FederationName, OdsCode, Query, Replay, SigningKey, SpiffeId};

use crate::aside::Aside;
use crate::ask::AskNode;
use crate::cache::Cache;
use crate::fair::Viewers;
use crate::metrics::{self, Metrics};
use crate::room::{Capacity, Room};
use crate::session::{Notices, Sessions};

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
    /// The pulse of its sessions with nodes, which have the same.
    pub pulse: Pulse,
    /// Time, randomness, network.
    pub env: Env,
    /// How much there is room for of answers.
    pub capacity: Capacity,
}

/// A broker.
pub struct Broker {
    pub(crate) parts: BrokerParts,
    pub(crate) cache: Cache,
    pub(crate) viewers: Viewers,
    pub(crate) room: Arc<Room>,
    pub(crate) aside: Aside,
    pub(crate) metrics: Metrics,
    pub(crate) sessions: Sessions,
    pub(crate) notices: Arc<Notices>,
}

impl Broker {
    /// A broker that can serve views. Its metrics go to the recorder that is installed by then.
    pub fn new(parts: BrokerParts) -> Self {
        let sessions = Sessions::new(parts.pulse);
        let cache = Cache::new(Arc::clone(&parts.env.clock), sessions.clone());
        let notices = Arc::new(Notices::default());
        if !parts.log.follow(Arc::clone(&notices) as Arc<dyn Follow>) {
            tracing::error!("somebody else follows the audit log: nodes will not hear of views from memory");
        }
        Broker {
            cache,
            viewers: Viewers::default(),
            room: Arc::new(Room::new(parts.capacity)),
            parts,
            aside: Aside::new(),
            metrics: Metrics::new(),
            sessions,
            notices,
        }
    }

    /// The sessions with nodes.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Brings up to date what is not counted as it happens: the register, the clock, and sessions with nodes. For whoever is
    /// about to read the metrics.
    pub fn observe(&self) {
        let register = self.register();
        weald_certs::metrics::register(&register, self.parts.env.clock.now());
        let with_node = register.active_members().filter(|member| member.has_node());
        with_node.for_each(|member| metrics::session(&member.organisation, self.sessions.of(&member.organisation)));
    }

    /// Room for answers: what is in memory of them at the moment.
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// How many access notices of that organisation wait in memory until it has written them down.
    pub fn pending_notices(&self, organisation: &OdsCode) -> usize {
        self.notices.waiting(organisation)
    }

    /// True if there may be more of them than in memory, which wait in the audit log alone.
    pub fn notices_wait_in_log(&self, organisation: &OdsCode) -> bool {
        self.notices.wait_in_log(organisation)
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
