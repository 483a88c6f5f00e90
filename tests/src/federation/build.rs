//! Builds a federation: keys and certificates, listeners, the register, then node after node and the broker.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use weald_audit::drill::{Faults as LogFaults, FaultyStorage};
use weald_audit::{Log, LogFile};
use weald_broker::ask::AskNode;
use weald_broker::room::Capacity;
use weald_certs::{
    Acceptor, Attach, Authority, Connector, DoorWatch, Entrance, KeyState, Limits, Links, Listener, Member,
    MemberState, Register, RegisterAnchor, RegisterDocument, RegisterDraft, RegisteredKey, Strangers, Trust,
};
use weald_node::RecordStore;
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::session::Pulse;
use weald_proto::{
    Assertion, Digest, FederationName, KeyId, KeyUse, OdsCode, OrganisationKind, Query, Replay, Section, SigningKey,
    SpiffeId, Statement, VerifyingKey, limit,
};

use super::authority::RunningAuthority;
use super::broker::{BrokerPlace, RestingBroker};
use super::fault::{Faults, Faulty};
use super::node::{Doorway, RestingNode, RunningNode, Way};
use super::{Federation, broker_log, node_log};
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

impl MemberSpec {
    fn has_node(&self) -> bool {
        !matches!(self.source, Source::None)
    }
}

/// Puts something between the broker and the nodes that it reaches.
pub(super) type Between = Box<dyn FnOnce(Arc<dyn AskNode>) -> Arc<dyn AskNode> + Send>;

/// A federation to be.
pub struct FederationBuilder {
    folder: PathBuf,
    env: Env,
    members: Vec<MemberSpec>,
    between: Option<Between>,
    attaching: BTreeSet<OdsCode>,
    has_authority: bool,
    capacity: Capacity,
    pulse: Pulse,
}

impl FederationBuilder {
    pub(super) fn new(folder: &Path, env: Env) -> Self {
        FederationBuilder {
            folder: folder.to_owned(),
            env,
            members: Vec::new(),
            between: None,
            attaching: BTreeSet::new(),
            has_authority: false,
            capacity: Capacity::default(),
            pulse: Pulse::default(),
        }
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

    /// With the node of a member dialling in, instead of listening.
    #[must_use]
    pub fn attaching(mut self, organisation: &OdsCode) -> Self {
        self.attaching.insert(organisation.clone());
        self
    }

    /// With a stand-in for the authority, to which the broker passes enrolments on.
    #[must_use]
    pub fn with_authority(mut self) -> Self {
        self.has_authority = true;
        self
    }

    /// With a broker that has less room for answers than one that serves.
    #[must_use]
    pub fn capacity(mut self, capacity: Capacity) -> Self {
        self.capacity = capacity;
        self
    }

    /// With sessions of that pulse, instead of the usual.
    #[must_use]
    pub fn pulse(mut self, pulse: Pulse) -> Self {
        self.pulse = pulse;
        self
    }

    /// Starts it. When this returns, every listener is open, and every node that dials in is attached.
    ///
    /// # Errors
    ///
    /// When a key, a certificate, a listener or a log cannot be made.
    pub async fn start(self) -> anyhow::Result<Federation> {
        silence::begin()?;
        let FederationBuilder { folder, env, members, between, attaching, has_authority, capacity, pulse } = self;
        std::fs::create_dir_all(&folder).with_context(|| format!("folder {}", folder.display()))?;
        let ground = Ground::new(env, pulse)?;
        // Nobody may keep anything without a session.
        let lending = members.iter().filter(|member| member.cache_seconds > 0 && member.has_node());
        let lending = lending.map(|member| member.organisation.clone()).collect();
        let mut opened = Vec::new();
        for member in members {
            let attaches = attaching.contains(&member.organisation);
            opened.push(open(&ground, member, &folder, attaches).await?);
        }
        let broker_key: SigningKey<Query> = SigningKey::generate(KeyId::parse("b1/query/1")?, &*ground.env.random);
        let broker_id = SpiffeId::broker(&ground.name, "b1")?;
        let draft = ground.register(&broker_id, &broker_key, &opened);
        let register = ground.publish(&draft)?;
        let assertion_keys = opened.iter().map(|one| (one.organisation().clone(), one.assertion_key.clone())).collect();
        let statement_keys = opened.iter().map(|one| (one.organisation().clone(), one.statement_key.clone())).collect();
        let authority = if has_authority { Some(RunningAuthority::start(&ground).await?) } else { None };
        let enrolments = authority.as_ref().map(|authority| authority.address.to_string());
        let resting =
            RestingBroker::new(&ground, broker_log(&folder), broker_id, broker_key, between, enrolments, capacity)?;
        let broker = resting.start(&ground, &register, ANY_PORT).await?;
        let mut nodes = BTreeMap::new();
        for one in opened {
            if let Some((organisation, running)) = one.run(&ground, &register, &broker.place(), &folder)? {
                nodes.insert(organisation, running);
            }
        }
        broker.until_attached(&attaching).await?;
        broker.until_in_session(&lending).await?;
        Ok(Federation { ground, folder, draft, register, broker, authority, nodes, assertion_keys, statement_keys })
    }
}

/// What everything stands on: authority, anchor, trust, baseline.
pub(super) struct Ground {
    pub(super) name: FederationName,
    pub(super) env: Env,
    pub(super) authority: Arc<Authority>,
    pub(super) trust: Arc<Trust>,
    pub(super) anchor: RegisterAnchor,
    pub(super) engine: Arc<Engine>,
    pub(super) pulse: Pulse,
    register_key: SigningKey<RegisterDocument>,
}

impl Ground {
    fn new(env: Env, pulse: Pulse) -> anyhow::Result<Self> {
        let name = FederationName::parse("kent.weald.example")?;
        let authority = Arc::new(Authority::new(name.clone(), Arc::clone(&env.random), env.clock.now())?);
        let trust = Arc::new(Trust::new(name.clone(), std::slice::from_ref(authority.root()))?);
        let register_key = SigningKey::generate(KeyId::parse("register/1")?, &*env.random);
        let anchor = RegisterAnchor::new(name.clone(), register_key.id().clone(), register_key.verifying_key());
        let engine = Arc::new(Engine::baseline()?);
        Ok(Ground { name, env, authority, trust, anchor, engine, pulse, register_key })
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
                address: None,
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

    /// Dials as a party, with a certificate of its own.
    pub(super) fn connector(&self, id: &SpiffeId) -> anyhow::Result<Connector> {
        let credentials = Arc::new(self.authority.credentials(id, self.env.clock.now())?);
        Ok(Connector::new(credentials, Arc::clone(&self.trust), self.env.clone()))
    }

    /// Links of a party, with a certificate of its own.
    pub(super) fn links(&self, id: &SpiffeId) -> anyhow::Result<Links> {
        Ok(Links::new(self.connector(id)?, limit::CONNECT_DEADLINE))
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

async fn open(ground: &Ground, spec: MemberSpec, folder: &Path, attaches: bool) -> anyhow::Result<Opened> {
    let random = &*ground.env.random;
    let organisation = &spec.organisation;
    let doorway = match spec.source {
        Source::None => None,
        Source::Store(_) => {
            let way = if attaches { Way::Attaches } else { Way::Listens(ANY_PORT) };
            Some(Doorway::open(ground, organisation, &node_log(folder, organisation), way).await?)
        }
    };
    Ok(Opened {
        assertion_key: SigningKey::generate(KeyId::parse(&format!("{organisation}/assertion/1"))?, random),
        statement_key: SigningKey::generate(KeyId::parse(&format!("{organisation}/statement/1"))?, random),
        doorway,
        spec,
    })
}

/// Any free port of this machine.
pub(super) const ANY_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

pub(super) async fn bind(
    ground: &Ground,
    listener: Listener,
    id: &SpiffeId,
    address: SocketAddr,
    attach: Arc<dyn Attach>,
    watch: Arc<dyn DoorWatch>,
    strangers: Option<Strangers>,
) -> anyhow::Result<Acceptor> {
    let credentials = Arc::new(ground.authority.credentials(id, ground.env.clock.now())?);
    let clock = Arc::clone(&ground.env.clock);
    let trust = Arc::clone(&ground.trust);
    let limits = Limits::default();
    Ok(Acceptor::bind(address, Entrance { listener, credentials, trust, clock, attach, watch, limits, strangers })
        .await?)
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
            address: self.doorway.as_ref().and_then(|doorway| Some(doorway.address()?.to_string())),
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
        broker: &BrokerPlace,
        folder: &Path,
    ) -> anyhow::Result<Option<(OdsCode, RunningNode)>> {
        let (Some(doorway), Source::Store(store)) = (self.doorway, self.spec.source) else { return Ok(None) };
        let organisation = self.spec.organisation;
        let engine = match &self.spec.local_policies {
            None => Arc::clone(&ground.engine),
            Some(text) => Arc::new(Engine::baseline()?.with_local("local.cedar", text)?),
        };
        let faults = Faults::default();
        let way = doorway.way();
        let resting = RestingNode {
            organisation: organisation.clone(),
            engine,
            store: Arc::new(Faulty { store, faults: faults.clone() }),
            key: self.statement_key,
            cache_seconds: self.spec.cache_seconds,
            way,
            log: node_log(folder, &organisation),
        };
        let awake = resting.wake(ground, register, broker, doorway)?;
        Ok(Some((organisation, RunningNode { resting, faults, awake: Some(awake) })))
    }
}
