//! A whole federation in one process: broker and nodes on port 0, generated certificates, one clock.
//!
//! Everything is real: TLS sockets, signatures, policies, databases, durable logs. What a test may
//! turn are [`Faults`] of each organisation's source, the faults of each log, the register, and the clock.

mod assertion;
mod authority;
mod broker;
mod build;
mod fault;
mod memory;
mod node;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::Verification;
use weald_audit::drill::Faults as LogFaults;
use weald_broker::Broker;
use weald_broker::attached::AttachedNodes;
use weald_certs::{Authority, Connector, Links, Occupancy, Register, RegisterAnchor, RegisterDraft, Trust};
use weald_node::Node;
use weald_proto::env::Env;
use weald_proto::{Assertion, FederationName, OdsCode, Query, SigningKey, SpiffeId, Statement};
use weald_viewer::{Viewer, ViewerParts};

use authority::RunningAuthority;
use broker::RunningBroker;
use build::Ground;
use node::RunningNode;

pub use assertion::AssertionDraft;
pub use authority::StandIn;
pub use build::{FederationBuilder, MemberSpec, Source};
pub use fault::{Faults, alter};
pub use memory::MemoryStore;

/// The name of the viewer app that every organisation has.
pub const APP: &str = "record";

/// A running federation.
pub struct Federation {
    ground: Ground,
    folder: PathBuf,
    draft: RegisterDraft,
    register: Arc<ArcSwap<Register>>,
    broker: RunningBroker,
    authority: Option<RunningAuthority>,
    nodes: BTreeMap<OdsCode, RunningNode>,
    assertion_keys: BTreeMap<OdsCode, SigningKey<Assertion>>,
    statement_keys: BTreeMap<OdsCode, SigningKey<Statement>>,
}

impl Federation {
    /// A federation to be.
    pub fn builder(folder: &Path, env: Env) -> FederationBuilder {
        FederationBuilder::new(folder, env)
    }

    /// Its name.
    pub fn name(&self) -> &FederationName {
        &self.ground.name
    }

    /// Time, randomness and network of everything in it.
    pub fn env(&self) -> &Env {
        &self.ground.env
    }

    /// The newest register.
    pub fn register(&self) -> Arc<Register> {
        self.register.load_full()
    }

    /// The newest register as the file that was signed.
    pub fn register_file(&self) -> Vec<u8> {
        self.ground.sign(&self.draft)
    }

    /// Where registers are anchored.
    pub fn anchor(&self) -> &RegisterAnchor {
        &self.ground.anchor
    }

    /// The authority that issues certificates.
    pub fn authority(&self) -> &Authority {
        &self.ground.authority
    }

    /// The stand-in to which the broker passes enrolments on, if there is one and it was not stopped.
    pub fn stand_in(&self) -> Option<&StandIn> {
        self.authority.as_ref().map(|running| &running.stand_in)
    }

    /// Ends the stand-in's process.
    pub async fn stop_authority(&mut self) {
        if let Some(running) = self.authority.take() {
            running.stop().await;
        }
    }

    /// Whom everybody here believes.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.ground.trust
    }

    /// Publishes another version of the register, which everybody has at once.
    ///
    /// # Errors
    ///
    /// When what it says does not hold.
    pub fn publish(&mut self, change: impl FnOnce(&mut RegisterDraft)) -> anyhow::Result<()> {
        let mut draft = self.draft.clone();
        draft.version += 1;
        draft.issued_at = self.ground.env.clock.now();
        change(&mut draft);
        let register = self.ground.load(&draft)?;
        self.register.store(Arc::new(self.register().succeed(register)?));
        self.draft = draft;
        Ok(())
    }

    /// The broker's name.
    pub fn broker_id(&self) -> &SpiffeId {
        &self.broker.resting.id
    }

    /// The broker itself, for tests of its parts.
    pub fn broker(&self) -> &Arc<Broker> {
        &self.broker.broker
    }

    /// Where the broker listens.
    pub fn broker_address(&self) -> String {
        self.broker.address.to_string()
    }

    /// The nodes that have dialled in to the broker.
    pub fn attached(&self) -> &AttachedNodes {
        self.broker.attached()
    }

    /// The key with which the broker signs queries, for tests of what a broker might do with it.
    pub fn broker_key(&self) -> &SigningKey<Query> {
        &self.broker.resting.key
    }

    /// What may go wrong with the broker's audit log.
    pub fn broker_log_faults(&self) -> &LogFaults {
        &self.broker.log_faults
    }

    /// Who is at the broker's port.
    pub fn broker_occupancy(&self) -> &Occupancy {
        &self.broker.occupancy
    }

    /// Who is at the broker's door for strangers.
    pub fn strangers(&self) -> Option<&Arc<Occupancy>> {
        self.broker.strangers.as_ref()
    }

    /// Who is at the port of a member's node, if it runs and has one.
    pub fn node_occupancy(&self, organisation: &OdsCode) -> Option<&Occupancy> {
        self.nodes.get(organisation)?.awake.as_ref()?.occupancy.as_deref()
    }

    /// A member's node while it runs, for tests of its parts.
    pub fn node(&self, organisation: &OdsCode) -> Option<&Arc<Node>> {
        self.nodes.get(organisation)?.awake.as_ref().map(|awake| &awake.node)
    }

    /// What may go wrong with the audit log of a member's node, while it runs.
    pub fn node_log_faults(&self, organisation: &OdsCode) -> Option<&LogFaults> {
        self.nodes.get(organisation)?.awake.as_ref().map(|awake| &awake.log_faults)
    }

    /// The key with which an organisation signs assertions.
    pub fn assertion_key(&self, organisation: &OdsCode) -> Option<&SigningKey<Assertion>> {
        self.assertion_keys.get(organisation)
    }

    /// The key with which an organisation signs statements, for tests of what it might do with it.
    pub fn statement_key(&self, organisation: &OdsCode) -> Option<&SigningKey<Statement>> {
        self.statement_keys.get(organisation)
    }

    /// What may go wrong at an organisation.
    pub fn faults(&self, organisation: &OdsCode) -> Option<&Faults> {
        self.nodes.get(organisation).map(|running| &running.faults)
    }

    /// Links of any party, with a certificate of its own.
    ///
    /// # Errors
    ///
    /// When its certificate cannot be made.
    pub fn links(&self, id: &SpiffeId) -> anyhow::Result<Links> {
        self.ground.links(id)
    }

    /// Dials as any party, with a certificate of its own.
    ///
    /// # Errors
    ///
    /// When its certificate cannot be made.
    pub fn connector(&self, id: &SpiffeId) -> anyhow::Result<Connector> {
        self.ground.connector(id)
    }

    /// The viewer app of an organisation, with a certificate of its own.
    ///
    /// # Errors
    ///
    /// When its certificate cannot be made.
    pub fn viewer(&self, organisation: &OdsCode) -> anyhow::Result<Viewer> {
        self.viewer_at(organisation, &self.broker_address())
    }

    /// The viewer app of an organisation that looks for the broker at another address.
    ///
    /// # Errors
    ///
    /// When its certificate cannot be made.
    pub fn viewer_at(&self, organisation: &OdsCode, address: &str) -> anyhow::Result<Viewer> {
        let id = SpiffeId::viewer(&self.ground.name, organisation, APP)?;
        Ok(Viewer::new(ViewerParts {
            links: self.ground.links(&id)?,
            address: address.to_owned(),
            broker: self.broker.resting.id.clone(),
            register: Arc::clone(&self.register),
            env: self.ground.env.clone(),
        }))
    }

    /// Takes a node down: it stops listening and its connections end.
    pub async fn stop_node(&mut self, organisation: &OdsCode) {
        if let Some(awake) = self.nodes.get_mut(organisation).and_then(|running| running.awake.take()) {
            awake.stop().await;
        }
    }

    /// Starts a node again, from its configuration and its files alone.
    ///
    /// # Errors
    ///
    /// When there is no such node, or its port or log cannot be opened again.
    pub async fn restart_node(&mut self, organisation: &OdsCode) -> anyhow::Result<()> {
        self.stop_node(organisation).await;
        let Federation { ground, register, broker, nodes, .. } = self;
        let running = nodes.get_mut(organisation).ok_or_else(|| anyhow::anyhow!("{organisation} has no node"))?;
        running.awake = Some(running.resting.restart(ground, register, &broker.place()).await?);
        Ok(())
    }

    /// Ends the broker and starts it again where it listened before, from its configuration and its
    /// files alone.
    ///
    /// # Errors
    ///
    /// When its port or log cannot be opened again.
    pub async fn restart_broker(self) -> anyhow::Result<Self> {
        let address = self.broker.address;
        let resting = self.broker.stop().await;
        let broker = resting.start(&self.ground, &self.register, address).await?;
        Ok(Federation { broker, ..self })
    }

    /// Stops everything, and then verifies every audit log: the broker's, then each node's.
    ///
    /// # Errors
    ///
    /// When a log is damaged, naming the log and its first bad entry.
    pub async fn stop(self) -> anyhow::Result<BTreeMap<String, Verification>> {
        let Federation { folder, broker, authority, nodes, .. } = self;
        if let Some(authority) = authority {
            authority.stop().await;
        }
        broker.stop().await;
        let mut paths = vec![("broker".to_owned(), broker_log(&folder))];
        for (organisation, running) in nodes {
            if let Some(awake) = running.awake {
                awake.stop().await;
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
