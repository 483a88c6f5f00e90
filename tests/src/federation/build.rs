//! Builds a federation: keys and certificates, listeners, the register, then node after node and the broker.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::drill::{Faults as LogFaults, FaultyStorage};
use weald_audit::{Log, LogFile};
use weald_broker::ask::AskNode;
use weald_certs::{
    Acceptor, AttachNobody, Authority, Connector, DoorWatch, Entrance, KeyState, Limits, Links, Listener, Member,
    MemberState, Register, RegisterAnchor, RegisterDocument, RegisterDraft, RegisteredKey, Trust,
};
use weald_node::door::DoorRecord;
use weald_node::service::NodeService;
use weald_node::sign::StatementKey;
use weald_node::{Node, NodeParts, RecordStore};
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::{
    Assertion, Digest, FederationName, KeyId, KeyUse, OdsCode, OrganisationKind, Query, Replay, Section, SigningKey,
    SpiffeId, Statement, VerifyingKey, limit,
};

use super::broker::RestingBroker;
use super::fault::{Faults, Faulty};
use super::{AwakeNode, Federation, RunningNode, broker_log, node_log};
use crate::silence;

/// Where an organisation's records are.
pub enum Source {
    /// No node: the organisation only asks.
    None,
    /// A local system.
    Store(Arc<dyn RecordStore>),
}

/// One member to be.
pub struct MemberSpec {
    /// Its ODS code.
    pub organisation: OdsCode,
    /// Its name.
    pub name: String,
    /// What kind of organisation it is.
    pub kind: OrganisationKind,
    /// What it holds, by the register.
    pub sections: BTreeSet<Section>,
    /// Its records.
    pub source: Source,
    /// For how many seconds brokers may keep its answers.
    pub cache_seconds: u32,
    /// Its own policies, which may only forbid.
    pub local_policies: Option<String>,
}

/// Puts something between the broker and the nodes that it reaches.
pub(super) type Between = Box<dyn FnOnce(Arc<dyn AskNode>) -> Arc<dyn AskNode> + Send>;

/// A federation to be.
pub struct FederationBuilder {
    folder: PathBuf,
    env: Env,
    members: Vec<MemberSpec>,
    between: Option<Between>,
}

impl FederationBuilder {
    pub(super) fn new(folder: &Path, env: Env) -> Self {
        FederationBuilder { folder: folder.to_owned(), env, members: Vec::new(), between: None }
    }

    /// With one more member.
    #[must_use]
    pub fn member(mut self, member: MemberSpec) -> Self {
        self.members.push(member);
        self
    }

    /// With something between the broker and the nodes, which gets the real way to reach them.
    #[must_use]
    pub fn between(mut self, between: impl FnOnce(Arc<dyn AskNode>) -> Arc<dyn AskNode> + Send + 'static) -> Self {
        self.between = Some(Box::new(between));
        self
    }

    /// Starts it. When this returns, every listener is open.
    ///
    /// # Errors
    ///
    /// When a key, a certificate, a listener or a log cannot be made.
    pub async fn start(self) -> anyhow::Result<Federation> {
        silence::begin()?;
        let FederationBuilder { folder, env, members, between } = self;
        std::fs::create_dir_all(&folder).with_context(|| format!("folder {}", folder.display()))?;
        let ground = Ground::new(env)?;
        let mut opened = Vec::new();
        for member in members {
            opened.push(open(&ground, member, &folder).await?);
        }
        let broker_key: SigningKey<Query> = SigningKey::generate(KeyId::parse("b1/query/1")?, &*ground.env.random);
        let broker_id = SpiffeId::broker(&ground.name, "b1")?;
        let draft = ground.register(&broker_id, &broker_key, &opened);
        let register = ground.publish(&draft)?;
        let assertion_keys = opened.iter().map(|one| (one.organisation().clone(), one.assertion_key.clone())).collect();
        let statement_keys = opened.iter().map(|one| (one.organisation().clone(), one.statement_key.clone())).collect();
        let mut nodes = BTreeMap::new();
        for one in opened {
            if let Some((organisation, running)) = one.run(&ground, &register, &folder)? {
                nodes.insert(organisation, running);
            }
        }
        let resting = RestingBroker::new(&ground, broker_log(&folder), broker_id, broker_key, between)?;
        let broker = resting.start(&ground, &register, ANY_PORT).await?;
        Ok(Federation { ground, folder, draft, register, broker, nodes, assertion_keys, statement_keys })
    }
}

/// What everything stands on: authority, anchor, trust, baseline.
pub(super) struct Ground {
    pub(super) name: FederationName,
    pub(super) env: Env,
    pub(super) authority: Authority,
    pub(super) trust: Arc<Trust>,
    pub(super) anchor: RegisterAnchor,
    pub(super) engine: Arc<Engine>,
    register_key: SigningKey<RegisterDocument>,
}

impl Ground {
    fn new(env: Env) -> anyhow::Result<Self> {
        let name = FederationName::parse("kent.weald.example")?;
        let authority = Authority::new(name.clone(), Arc::clone(&env.random), env.clock.now())?;
        let trust = Arc::new(Trust::new(name.clone(), std::slice::from_ref(authority.root()))?);
        let register_key = SigningKey::generate(KeyId::parse("register/1")?, &*env.random);
        let anchor = RegisterAnchor::new(name.clone(), register_key.id().clone(), register_key.verifying_key());
        let engine = Arc::new(Engine::baseline()?);
        Ok(Ground { name, env, authority, trust, anchor, engine, register_key })
    }

    fn register(&self, broker: &SpiffeId, broker_key: &SigningKey<Query>, members: &[Opened]) -> RegisterDraft {
        RegisterDraft {
            federation: self.name.clone(),
            version: 1,
            issued_at: self.env.clock.now(),
            expires_at: None,
            policy_digest: Digest::of(self.engine.version().as_bytes()),
            roots: vec![self.authority.root().clone()],
            brokers: vec![weald_certs::Broker {
                id: broker.clone(),
                keys: vec![registered(broker_key.id(), KeyUse::Query, broker_key.verifying_key())],
            }],
            members: members.iter().map(Opened::member).collect(),
        }
    }

    /// The register of a draft, signed and checked as everybody would.
    pub(super) fn load(&self, draft: &RegisterDraft) -> anyhow::Result<Register> {
        Ok(Register::load(&self.sign(draft), &self.anchor, self.env.clock.now())?)
    }

    /// A draft as a signed file.
    pub(super) fn sign(&self, draft: &RegisterDraft) -> Vec<u8> {
        draft.sign(&self.register_key)
    }

    fn publish(&self, draft: &RegisterDraft) -> anyhow::Result<Arc<ArcSwap<Register>>> {
        Ok(Arc::new(ArcSwap::from_pointee(self.load(draft)?)))
    }

    /// Links of a party, with a certificate of its own.
    pub(super) fn links(&self, id: &SpiffeId) -> anyhow::Result<Links> {
        let credentials = Arc::new(self.authority.credentials(id, self.env.clock.now())?);
        let connector = Connector::new(credentials, Arc::clone(&self.trust), self.env.clone());
        Ok(Links::new(connector, limit::CONNECT_DEADLINE))
    }
}

fn registered(id: &KeyId, usage: KeyUse, key: VerifyingKey) -> RegisteredKey {
    RegisteredKey { id: id.clone(), usage, key, state: KeyState::Active }
}

/// A member with its keys, whose port is open and not yet served.
struct Opened {
    spec: MemberSpec,
    assertion_key: SigningKey<Assertion>,
    statement_key: SigningKey<Statement>,
    doorway: Option<Doorway>,
}

/// A node's port and log, before its process serves them.
struct Doorway {
    acceptor: Acceptor,
    log: Arc<Log>,
    log_faults: LogFaults,
}

impl Doorway {
    async fn open(ground: &Ground, organisation: &OdsCode, log: &Path, address: SocketAddr) -> anyhow::Result<Self> {
        let (log, log_faults) = open_log(ground, log)?;
        let watch = Arc::new(DoorRecord::new(Arc::clone(&log), organisation.clone()));
        let id = SpiffeId::node(&ground.name, organisation);
        let acceptor = bind(ground, Listener::Node, &id, address, watch).await?;
        Ok(Doorway { acceptor, log, log_faults })
    }
}

async fn open(ground: &Ground, spec: MemberSpec, folder: &Path) -> anyhow::Result<Opened> {
    let random = &*ground.env.random;
    let organisation = &spec.organisation;
    let doorway = match spec.source {
        Source::None => None,
        Source::Store(_) => Some(Doorway::open(ground, organisation, &node_log(folder, organisation), ANY_PORT).await?),
    };
    Ok(Opened {
        assertion_key: SigningKey::generate(KeyId::parse(&format!("{organisation}/assertion/1"))?, random),
        statement_key: SigningKey::generate(KeyId::parse(&format!("{organisation}/statement/1"))?, random),
        doorway,
        spec,
    })
}

/// Any free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

pub(super) async fn bind(
    ground: &Ground,
    listener: Listener,
    id: &SpiffeId,
    address: SocketAddr,
    watch: Arc<dyn DoorWatch>,
) -> anyhow::Result<Acceptor> {
    let credentials = Arc::new(ground.authority.credentials(id, ground.env.clock.now())?);
    let clock = Arc::clone(&ground.env.clock);
    let trust = Arc::clone(&ground.trust);
    let (attach, limits) = (Arc::new(AttachNobody), Limits::default());
    Ok(Acceptor::bind(address, Entrance { listener, credentials, trust, clock, attach, watch, limits }).await?)
}

/// A log over a storage whose faults can be switched on.
pub(super) fn open_log(ground: &Ground, path: &Path) -> anyhow::Result<(Arc<Log>, LogFaults)> {
    let (storage, faults) = FaultyStorage::over(LogFile::open(path)?);
    Ok((Arc::new(Log::open_on(Box::new(storage), Arc::clone(&ground.env.clock))?), faults))
}

/// What a log knows of what was served before: everything that could still be repeated.
pub(super) fn recover(ground: &Ground, log: &Path) -> anyhow::Result<Replay> {
    let since = ground.env.clock.now().minus(limit::ASSERTION_LIFE * 2);
    Ok(Replay::recover(weald_audit::served(log, since)?))
}

impl Opened {
    fn organisation(&self) -> &OdsCode {
        &self.spec.organisation
    }

    fn member(&self) -> Member {
        Member {
            organisation: self.spec.organisation.clone(),
            name: self.spec.name.clone(),
            kind: self.spec.kind,
            state: MemberState::Active,
            address: self.doorway.as_ref().map(|doorway| doorway.acceptor.local_address().to_string()),
            sections: self.spec.sections.clone(),
            always_ask: false,
            keys: vec![
                registered(self.assertion_key.id(), KeyUse::Assertion, self.assertion_key.verifying_key()),
                registered(self.statement_key.id(), KeyUse::Statement, self.statement_key.verifying_key()),
            ],
        }
    }

    fn run(
        self,
        ground: &Ground,
        register: &Arc<ArcSwap<Register>>,
        folder: &Path,
    ) -> anyhow::Result<Option<(OdsCode, RunningNode)>> {
        let (Some(doorway), Source::Store(store)) = (self.doorway, self.spec.source) else { return Ok(None) };
        let organisation = self.spec.organisation;
        let engine = match &self.spec.local_policies {
            None => Arc::clone(&ground.engine),
            Some(text) => Arc::new(Engine::baseline()?.with_local("local.cedar", text)?),
        };
        let faults = Faults::default();
        let address = doorway.acceptor.local_address();
        let resting = RestingNode {
            organisation: organisation.clone(),
            engine,
            store: Arc::new(Faulty { store, faults: faults.clone() }),
            key: self.statement_key,
            cache_seconds: self.spec.cache_seconds,
            address,
            log: node_log(folder, &organisation),
        };
        let awake = resting.wake(ground, register, doorway)?;
        Ok(Some((organisation, RunningNode { resting, faults, awake: Some(awake) })))
    }
}

/// What is left of a node when its process has ended: its configuration, its keys, its files.
pub(super) struct RestingNode {
    organisation: OdsCode,
    engine: Arc<Engine>,
    store: Arc<dyn RecordStore>,
    key: SigningKey<Statement>,
    cache_seconds: u32,
    address: SocketAddr,
    log: PathBuf,
}

impl RestingNode {
    /// Starts it again where it listened before.
    pub(super) async fn restart(
        &self,
        ground: &Ground,
        register: &Arc<ArcSwap<Register>>,
    ) -> anyhow::Result<AwakeNode> {
        let doorway = Doorway::open(ground, &self.organisation, &self.log, self.address).await?;
        self.wake(ground, register, doorway)
    }

    fn wake(&self, ground: &Ground, register: &Arc<ArcSwap<Register>>, doorway: Doorway) -> anyhow::Result<AwakeNode> {
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
            env: ground.env.clone(),
        }));
        let shutdown = CancellationToken::new();
        let routes = silence::overheard(Routes::new(NodeService::serve(Arc::clone(&node))));
        let task = acceptor.serve(routes, shutdown.clone());
        Ok(AwakeNode { node, log_faults, shutdown, task })
    }
}
