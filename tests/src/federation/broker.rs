//! The broker of a federation: what it starts from, and starts from again.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::PseudonymKey;
use weald_audit::drill::Faults as LogFaults;
use weald_broker::ask::AskNode;
use weald_broker::attached::AttachedNodes;
use weald_broker::bootstrap::{AuthorityPlace, Bootstrap, BootstrapParts};
use weald_broker::dial::Nodes;
use weald_broker::door::DoorRecord;
use weald_broker::room::Capacity;
use weald_broker::service::BrokerService;
use weald_broker::session::Keeper;
use weald_broker::{Broker, BrokerParts};
use weald_certs::{Limits, Listener, Occupancy, Register, RegisterFiles, Strangers};
use weald_proto::{OdsCode, Query, SigningKey, SpiffeId};

use super::build::{Between, Ground, bind, open_log, recover};
use super::node::LINKS;
use crate::silence;

/// For every node that dials in, to have all its links.
const ATTACH_DEADLINE: Duration = Duration::from_secs(30);

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(2);

/// What is left of the broker when its process has ended: its configuration, its keys, its files.
pub(super) struct RestingBroker {
    pub(super) id: SpiffeId,
    pub(super) key: SigningKey<Query>,
    pseudonym: [u8; 32],
    attached: AttachedNodes,
    reaching: Arc<Nodes>,
    nodes: Arc<dyn AskNode>,
    log: PathBuf,
    authority: Option<AuthorityPlace>,
    capacity: Capacity,
}

/// The broker's process.
pub(super) struct RunningBroker {
    pub(super) resting: RestingBroker,
    pub(super) broker: Arc<Broker>,
    pub(super) log_faults: LogFaults,
    pub(super) occupancy: Arc<Occupancy>,
    pub(super) strangers: Option<Arc<Occupancy>>,
    pub(super) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
    sessions: JoinHandle<()>,
}

impl RestingBroker {
    pub(super) fn new(
        ground: &Ground,
        log: PathBuf,
        id: SpiffeId,
        key: SigningKey<Query>,
        between: Option<Between>,
        authority: Option<String>,
        capacity: Capacity,
    ) -> anyhow::Result<Self> {
        let attached = AttachedNodes::new(Arc::clone(&ground.env.clock));
        let reaching = Arc::new(Nodes::new(attached.clone(), ground.links(&id)?, ground.name.clone()));
        let direct: Arc<dyn AskNode> = Arc::clone(&reaching) as Arc<dyn AskNode>;
        let nodes = match between {
            None => direct,
            Some(between) => between(direct),
        };
        let mut pseudonym = [0; 32];
        ground.env.random.fill(&mut pseudonym);
        let links = ground.links(&id)?;
        let authority = authority.map(|address| AuthorityPlace { address, links });
        Ok(RestingBroker { id, key, pseudonym, attached, reaching, nodes, log, authority, capacity })
    }

    pub(super) async fn start(
        self,
        ground: &Ground,
        register: &Arc<ArcSwap<Register>>,
        address: SocketAddr,
    ) -> anyhow::Result<RunningBroker> {
        let (log, log_faults) = open_log(ground, &self.log)?;
        let watch = Arc::new(DoorRecord::new(Arc::clone(&log), self.id.clone()));
        let broker = Arc::new(Broker::new(BrokerParts {
            name: self.id.clone(),
            federation: ground.name.clone(),
            register: Arc::clone(register),
            engine: Arc::clone(&ground.engine),
            log: Arc::clone(&log),
            replay: recover(ground, &self.log)?,
            key: self.key.clone(),
            pseudonyms: PseudonymKey::new(self.pseudonym),
            nodes: Arc::clone(&self.nodes),
            pulse: ground.pulse,
            env: ground.env.clone(),
            capacity: self.capacity,
        }));
        let bootstrap = Bootstrap::serve(BootstrapParts {
            name: self.id.clone(),
            files: Arc::clone(register) as Arc<dyn RegisterFiles>,
            authority: self.authority.clone(),
            log: Arc::clone(&log),
        });
        let strangers =
            Strangers { routes: silence::overheard(Routes::new(bootstrap)), limits: Limits::of_strangers() };
        let attach = Arc::new(self.attached.clone());
        let acceptor = bind(ground, Listener::Broker, &self.id, address, attach, watch, Some(strangers)).await?;
        let (address, occupancy) = (acceptor.local_address(), acceptor.occupancy());
        let strangers = acceptor.strangers();
        let shutdown = CancellationToken::new();
        let routes = silence::overheard(Routes::new(BrokerService::serve(Arc::clone(&broker))));
        let task = acceptor.serve(routes, shutdown.clone());
        let keeper = Keeper { broker: Arc::clone(&broker), nodes: Arc::clone(&self.reaching), log: self.log.clone() };
        let sessions = keeper.keep(shutdown.clone());
        Ok(RunningBroker { resting: self, broker, log_faults, occupancy, strangers, address, shutdown, task, sessions })
    }
}

/// Where nodes find the broker.
pub(super) struct BrokerPlace {
    pub(super) id: SpiffeId,
    pub(super) address: SocketAddr,
}

impl RunningBroker {
    pub(super) fn place(&self) -> BrokerPlace {
        BrokerPlace { id: self.resting.id.clone(), address: self.address }
    }

    /// The nodes that have dialled in.
    pub(super) fn attached(&self) -> &AttachedNodes {
        &self.resting.attached
    }

    /// Waits until all of them have all their links.
    pub(super) async fn until_attached(&self, organisations: &BTreeSet<OdsCode>) -> anyhow::Result<()> {
        let attached = self.attached();
        let is_whole = |organisation: &OdsCode| attached.links(organisation).len() >= LINKS;
        let whole = attached.until(|| organisations.iter().all(is_whole));
        tokio::time::timeout(ATTACH_DEADLINE, whole).await.context("not every node has attached")
    }

    /// Waits until all of them have a session.
    pub(super) async fn until_in_session(&self, organisations: &BTreeSet<OdsCode>) -> anyhow::Result<()> {
        let whole = async {
            while !organisations.iter().all(|organisation| self.broker.sessions().has(organisation)) {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(ATTACH_DEADLINE, whole).await.context("not every node has a session")
    }

    /// Ends the process: it stops listening, its connections end, its log is closed.
    pub(super) async fn stop(self) -> RestingBroker {
        self.shutdown.cancel();
        // It was cancelled: there is nothing to learn from how it ended.
        let _ = tokio::join!(self.task, self.sessions);
        self.resting
    }
}
