//! A whole federation in one process: broker and nodes on port 0, generated certificates, one clock.
//!
//! Everything is real: TLS sockets, signatures, policies, databases, durable logs. What a test may
//! turn are [`Faults`] of each organisation's source, and the clock.

mod assertion;
mod build;
mod fault;
mod memory;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use weald_audit::Verification;
use weald_broker::Broker;
use weald_certs::{Authority, Connector, Links, Register, RegisterAnchor, Trust};
use weald_node::Node;
use weald_proto::env::Env;
use weald_proto::{Assertion, FederationName, OdsCode, SigningKey, SpiffeId, limit};
use weald_viewer::{Viewer, ViewerParts};

pub use assertion::AssertionDraft;
pub use build::{FederationBuilder, MemberSpec, Source};
pub use fault::Faults;
pub use memory::MemoryStore;

/// The name of the viewer app that every organisation has.
pub const APP: &str = "record";

/// A running federation.
pub struct Federation {
    pub(crate) name: FederationName,
    pub(crate) env: Env,
    pub(crate) folder: PathBuf,
    pub(crate) authority: Authority,
    pub(crate) anchor: RegisterAnchor,
    pub(crate) register: Arc<ArcSwap<Register>>,
    pub(crate) register_file: Vec<u8>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) broker: RunningBroker,
    pub(crate) nodes: BTreeMap<OdsCode, RunningNode>,
    pub(crate) assertion_keys: BTreeMap<OdsCode, SigningKey<Assertion>>,
}

pub(crate) struct RunningBroker {
    pub(crate) id: SpiffeId,
    pub(crate) broker: Arc<Broker>,
    pub(crate) address: String,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) struct RunningNode {
    pub(crate) node: Arc<Node>,
    pub(crate) faults: Faults,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: Option<JoinHandle<()>>,
}

impl Federation {
    /// A federation to be.
    pub fn builder(folder: &Path, env: Env) -> FederationBuilder {
        FederationBuilder::new(folder, env)
    }

    /// Its name.
    pub fn name(&self) -> &FederationName {
        &self.name
    }

    /// Time, randomness and network of everything in it.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The newest register.
    pub fn register(&self) -> Arc<Register> {
        self.register.load_full()
    }

    /// The newest register as a signed file.
    pub fn register_file(&self) -> &[u8] {
        &self.register_file
    }

    /// Where registers are anchored.
    pub fn anchor(&self) -> &RegisterAnchor {
        &self.anchor
    }

    /// The authority that issues certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The broker's name.
    pub fn broker_id(&self) -> &SpiffeId {
        &self.broker.id
    }

    /// The broker itself, for tests of its parts.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker.broker
    }

    /// Where the broker listens.
    pub fn broker_address(&self) -> &str {
        &self.broker.address
    }

    /// A member's node, for tests of its parts.
    pub fn node(&self, organisation: &OdsCode) -> Option<&Arc<Node>> {
        self.nodes.get(organisation).map(|running| &running.node)
    }

    /// The key with which an organisation signs assertions.
    pub fn assertion_key(&self, organisation: &OdsCode) -> Option<&SigningKey<Assertion>> {
        self.assertion_keys.get(organisation)
    }

    /// What may go wrong at an organisation.
    pub fn faults(&self, organisation: &OdsCode) -> Option<&Faults> {
        self.nodes.get(organisation).map(|running| &running.faults)
    }

    /// The viewer app of an organisation, with a certificate of its own.
    ///
    /// # Errors
    ///
    /// When its certificate cannot be made.
    pub fn viewer(&self, organisation: &OdsCode) -> anyhow::Result<Viewer> {
        let id = SpiffeId::viewer(&self.name, organisation, APP)?;
        let credentials = Arc::new(self.authority.credentials(&id, self.env.clock.now())?);
        let connector = Connector::new(credentials, Arc::clone(&self.trust), self.env.clone());
        Ok(Viewer::new(ViewerParts {
            links: Links::new(connector, limit::CONNECT_DEADLINE),
            address: self.broker.address.clone(),
            broker: self.broker.id.clone(),
            register: Arc::clone(&self.register),
            env: self.env.clone(),
        }))
    }

    /// Takes a node down: it stops listening and its connections end.
    pub async fn stop_node(&mut self, organisation: &OdsCode) {
        if let Some(running) = self.nodes.get_mut(organisation) {
            running.shutdown.cancel();
            if let Some(task) = running.task.take() {
                // It was cancelled: there is nothing to learn from how it ended.
                let _ = task.await;
            }
        }
    }

    /// Stops everything, and then verifies every audit log: the broker's, then each node's.
    ///
    /// # Errors
    ///
    /// When a log is damaged, naming the log and its first bad entry.
    pub async fn stop(self) -> anyhow::Result<BTreeMap<String, Verification>> {
        let Federation { folder, broker, nodes, .. } = self;
        broker.shutdown.cancel();
        let _ = broker.task.await;
        drop(broker.broker);
        let mut paths = vec![("broker".to_owned(), broker_log(&folder))];
        for (organisation, running) in nodes {
            running.shutdown.cancel();
            if let Some(task) = running.task {
                let _ = task.await;
            }
            paths.push((organisation.to_string(), node_log(&folder, &organisation)));
        }
        let mut verified = BTreeMap::new();
        for (whose, path) in paths {
            let verification =
                weald_audit::verify(&path).map_err(|error| anyhow::anyhow!("audit log of {whose}: {error}"))?;
            verified.insert(whose, verification);
        }
        Ok(verified)
    }

    /// Where the broker's audit log is.
    pub fn broker_log(&self) -> PathBuf {
        broker_log(&self.folder)
    }

    /// Where an organisation's audit log is.
    pub fn node_log(&self, organisation: &OdsCode) -> PathBuf {
        node_log(&self.folder, organisation)
    }
}

fn broker_log(folder: &Path) -> PathBuf {
    folder.join("broker.audit")
}

fn node_log(folder: &Path, organisation: &OdsCode) -> PathBuf {
    folder.join(format!("{organisation}.audit"))
}
