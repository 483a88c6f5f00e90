//! A node of a federation: what it starts from, and starts from again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::Log;
use weald_audit::drill::Faults as LogFaults;
use weald_certs::{Acceptor, AttachNobody, Attachment, Connector, Listener, Occupancy, Register};
use weald_node::door::DoorRecord;
use weald_node::service::NodeService;
use weald_node::session::History;
use weald_node::sign::StatementKey;
use weald_node::{Node, NodeParts, RecordStore};
use weald_policy::Engine;
use weald_proto::{OdsCode, SigningKey, SpiffeId, Statement};

use super::broker::BrokerPlace;
use super::build::{Ground, bind, open_log, recover};
use super::fault::Faults;
use crate::silence;

/// Links that a node which dials in keeps to a broker.
pub(super) const LINKS: usize = 2;

/// How a broker reaches a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    /// It listens here.
    Listens(SocketAddr),
    /// It dials in.
    Attaches,
}

pub(super) struct RunningNode {
    pub(super) resting: RestingNode,
    pub(super) faults: Faults,
    pub(super) awake: Option<AwakeNode>,
}

/// A node's process.
pub(super) struct AwakeNode {
    pub(super) node: Arc<Node>,
    pub(super) log_faults: LogFaults,
    pub(super) occupancy: Option<Arc<Occupancy>>,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: Vec<JoinHandle<()>>,
}

impl AwakeNode {
    pub(super) async fn stop(self) {
        self.node.drain();
        self.shutdown.cancel();
        for task in self.tasks {
            // It was cancelled: there is nothing to learn from how it ended.
            let _ = task.await;
        }
    }
}

/// A node's port, if it has one, and log, before its process serves them.
pub(super) struct Doorway {
    acceptor: Option<Acceptor>,
    pub(super) log: Arc<Log>,
    pub(super) log_faults: LogFaults,
}

impl Doorway {
    pub(super) async fn open(ground: &Ground, organisation: &OdsCode, log: &Path, way: Way) -> anyhow::Result<Self> {
        let (log, log_faults) = open_log(ground, log)?;
        let watch = Arc::new(DoorRecord::new(Arc::clone(&log), organisation.clone()));
        let id = SpiffeId::node(&ground.name, organisation);
        let acceptor = match way {
            Way::Listens(address) => {
                Some(bind(ground, Listener::Node, &id, address, Arc::new(AttachNobody), watch, None).await?)
            }
            Way::Attaches => None,
        };
        Ok(Doorway { acceptor, log, log_faults })
    }

    /// Where it listens, if it does.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.acceptor.as_ref().map(Acceptor::local_address)
    }

    /// The same way, to be opened again.
    pub(super) fn way(&self) -> Way {
        self.address().map_or(Way::Attaches, Way::Listens)
    }
}

/// What is left of a node when its process has ended: its configuration, its keys, its files.
pub(super) struct RestingNode {
    pub(super) organisation: OdsCode,
    pub(super) engine: Arc<Engine>,
    pub(super) store: Arc<dyn RecordStore>,
    pub(super) key: SigningKey<Statement>,
    pub(super) cache_seconds: u32,
    pub(super) way: Way,
    pub(super) log: PathBuf,
}

impl RestingNode {
    /// Starts it again where it listened before, or dialling in as before.
    pub(super) async fn restart(
        &self,
        ground: &Ground,
        register: &Arc<ArcSwap<Register>>,
        broker: &BrokerPlace,
    ) -> anyhow::Result<AwakeNode> {
        let doorway = Doorway::open(ground, &self.organisation, &self.log, self.way).await?;
        self.wake(ground, register, broker, doorway)
    }

    pub(super) fn wake(
        &self,
        ground: &Ground,
        register: &Arc<ArcSwap<Register>>,
        broker: &BrokerPlace,
        doorway: Doorway,
    ) -> anyhow::Result<AwakeNode> {
        let Doorway { acceptor, log, log_faults } = doorway;
        let node = Arc::new(Node::new(NodeParts {
            organisation: self.organisation.clone(),
            federation: ground.name.clone(),
            register: Arc::clone(register),
            engine: Arc::clone(&self.engine),
            store: Arc::clone(&self.store),
            log,
            replay: recover(ground, &self.log)?,
            key: StatementKey::new(self.key.clone()),
            cache_seconds: self.cache_seconds,
            pulse: ground.pulse,
            history: History::read(&self.log)?,
            env: ground.env.clone(),
        }));
        let shutdown = CancellationToken::new();
        let routes = silence::overheard(Routes::new(NodeService::serve(Arc::clone(&node))));
        let occupancy = acceptor.as_ref().map(Acceptor::occupancy);
        let tasks = match acceptor {
            Some(acceptor) => vec![acceptor.serve(routes, shutdown.clone())],
            None => self.attach(ground, broker, &routes, &shutdown)?,
        };
        Ok(AwakeNode { node, log_faults, occupancy, shutdown, tasks })
    }

    fn attach(
        &self,
        ground: &Ground,
        broker: &BrokerPlace,
        routes: &Routes,
        shutdown: &CancellationToken,
    ) -> anyhow::Result<Vec<JoinHandle<()>>> {
        let id = SpiffeId::node(&ground.name, &self.organisation);
        let credentials = Arc::new(ground.authority.credentials(&id, ground.env.clock.now())?);
        let company = Arc::default();
        let attachment = || Attachment {
            connector: Connector::new(Arc::clone(&credentials), Arc::clone(&ground.trust), ground.env.clone()),
            address: broker.address.to_string(),
            broker: broker.id.clone(),
            routes: routes.clone(),
            company: Arc::clone(&company),
        };
        Ok((0..LINKS).map(|_| attachment().keep(shutdown.clone()).1).collect())
    }
}
