//! Everything that the processes of a federation read, in one folder.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weald_certs::{
    Authority, KeyState, LeafTerms, Member, MemberState, RegisterAnchor, RegisterDocument, RegisterDraft, RegisteredKey,
};
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::{
    Assertion, Digest, FederationName, KeyId, KeyUse, OdsCode, Query, SigningKey, SpiffeId, Statement, VerifyingKey,
};

use super::configuration;
use super::key_file::pkcs8_pem;
use super::write::{private, public};
use crate::population::{Organisation, Person, sections_held};
use crate::writer::{write_database, write_folder};

/// How an organisation keeps its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A folder of FHIR bundles, and the list of whose they are.
    Bundles,
    /// An SQLite database and its mapping.
    Sqlite,
}

/// An organisation that holds something.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// Which one.
    pub organisation: &'static Organisation,
    /// How it keeps its records.
    pub source: SourceKind,
}

/// The files of a federation of one broker, `b1`, and one node for each holder, and what a viewer app needs.
///
/// The folder holds `roots.pem` and `register.json`, and a folder for each process: `broker` with `weald-broker.toml`, and
/// one named by code for each organisation with `weald-node.toml`. Paths in the configurations are relative, so that the whole can be
/// copied. Processes listen on a loopback address of their own, so that no other program of the machine is in the way.
pub struct Estate {
    pub(super) folder: PathBuf,
    pub(super) name: FederationName,
    pub(super) env: Env,
    pub(super) authority: Authority,
    pub(super) register_key: SigningKey<RegisterDocument>,
    draft: RegisterDraft,
    addresses: BTreeMap<String, SocketAddr>,
    pub(super) assertion_keys: BTreeMap<OdsCode, SigningKey<Assertion>>,
}

impl Estate {
    /// Writes all of it into a folder, with what the holders hold of these people.
    ///
    /// # Errors
    ///
    /// When a key, a certificate or a file cannot be made.
    pub fn write(folder: &Path, holders: &[Holder], people: &[Person]) -> anyhow::Result<Self> {
        let env = Env::system();
        let name = FederationName::parse("kent.weald.example")?;
        let authority = Authority::new(name.clone(), Arc::clone(&env.random), env.clock.now())?;
        let register_key = SigningKey::generate(KeyId::parse("register/1")?, &*env.random);
        let draft = RegisterDraft {
            federation: name.clone(),
            version: 1,
            issued_at: env.clock.now(),
            expires_at: None,
            policy_digest: Digest::of(Engine::baseline()?.version().as_bytes()),
            roots: vec![authority.root().clone()],
            brokers: Vec::new(),
            members: Vec::new(),
        };
        let (addresses, assertion_keys) = (BTreeMap::new(), BTreeMap::new());
        let folder = folder.to_owned();
        let mut estate = Estate { folder, name, env, authority, register_key, draft, addresses, assertion_keys };
        public(&estate.path("roots.pem"), estate.authority.root_pem())?;
        let host = estate.host();
        estate.write_broker(host)?;
        for holder in holders {
            estate.write_holder(holder, people, host)?;
        }
        estate.publish(|_| {})?;
        Ok(estate)
    }

    /// Writes the register anew, with a change.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn publish(&mut self, change: impl FnOnce(&mut RegisterDraft)) -> anyhow::Result<()> {
        change(&mut self.draft);
        public(&self.path("register.json"), self.draft.sign(&self.register_key))
    }

    /// Has an organisation's node dial in, instead of listening.
    ///
    /// # Errors
    ///
    /// When its configuration or the register cannot be written.
    pub fn attach(&mut self, organisation: &Organisation) -> anyhow::Result<()> {
        let config = self.node_config(organisation);
        let text = std::fs::read_to_string(&config)?;
        let without: String = text
            .lines()
            .filter(|line| !line.starts_with("listen = "))
            .fold(String::new(), |text, line| text + line + "\n");
        public(&config, without)?;
        self.publish(|draft| {
            for member in draft.members.iter_mut().filter(|member| member.organisation.as_str() == organisation.ods) {
                member.address = None;
            }
        })
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The configuration of the broker.
    pub fn broker_config(&self) -> PathBuf {
        self.path("broker/weald-broker.toml")
    }

    /// The configuration of an organisation's node.
    pub fn node_config(&self, organisation: &Organisation) -> PathBuf {
        self.path(organisation.ods).join("weald-node.toml")
    }

    /// Where a process listens: the broker by `broker`, a node by its organisation's code.
    pub fn address(&self, whose: &str) -> Option<SocketAddr> {
        self.addresses.get(whose).copied()
    }

    /// The name of the federation.
    pub fn name(&self) -> &FederationName {
        &self.name
    }

    /// Who issues certificates.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The machine's time and randomness.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Issues a certificate, and writes it and its key where a configuration in `folder` finds them.
    ///
    /// # Errors
    ///
    /// When it cannot be issued or written.
    pub fn equip(&self, folder: &str, id: &SpiffeId, terms: &LeafTerms) -> anyhow::Result<()> {
        let (issued, key) = self.authority.equip(id, terms)?;
        public(&self.path(folder).join("tls.pem"), issued.pem)?;
        private(&self.path(folder).join("tls.key"), key.to_pem().as_bytes())
    }

    fn write_broker(&mut self, host: IpAddr) -> anyhow::Result<()> {
        let id = SpiffeId::broker(&self.name, "b1")?;
        let key: SigningKey<Query> = SigningKey::generate(KeyId::parse("b1/query/1")?, &*self.env.random);
        let address = free_port(host)?;
        let folder = self.folder_for("broker", &id)?;
        private(&folder.join("query.key"), pkcs8_pem(&key))?;
        let mut pseudonym = [0; 32];
        self.env.random.fill(&mut pseudonym);
        private(&folder.join("pseudonym.key"), STANDARD.encode(pseudonym))?;
        let text = configuration::broker(&self.name, address, &self.anchor(), key.id(), configuration::EVERYTHING);
        public(&folder.join("weald-broker.toml"), text)?;
        let keys = vec![registered(key.id(), KeyUse::Query, key.verifying_key())];
        self.draft.brokers.push(weald_certs::Broker { id, address: Some(address.to_string()), keys });
        self.addresses.insert("broker".to_owned(), address);
        Ok(())
    }

    fn write_holder(&mut self, holder: &Holder, people: &[Person], host: IpAddr) -> anyhow::Result<()> {
        let Holder { organisation, source } = holder;
        let code = OdsCode::parse(organisation.ods)?;
        let address = free_port(host)?;
        let folder = self.folder_for(organisation.ods, &SpiffeId::node(&self.name, &code))?;
        let random = &*self.env.random;
        let assertion: SigningKey<Assertion> =
            SigningKey::generate(KeyId::parse(&format!("{code}/assertion/1"))?, random);
        let statement: SigningKey<Statement> =
            SigningKey::generate(KeyId::parse(&format!("{code}/statement/1"))?, random);
        private(&folder.join("statement.key"), pkcs8_pem(&statement))?;
        let source = write_source(&folder, organisation, *source, people)?;
        let text = configuration::node(&self.name, &self.anchor(), &code, address, statement.id(), source);
        public(&folder.join("weald-node.toml"), text)?;
        self.draft.members.push(Member {
            organisation: code.clone(),
            name: organisation.name.to_owned(),
            kind: organisation.kind,
            state: MemberState::Active,
            address: Some(address.to_string()),
            sections: sections_held(organisation.kind).iter().copied().collect::<BTreeSet<_>>(),
            always_ask: false,
            keys: vec![
                registered(assertion.id(), KeyUse::Assertion, assertion.verifying_key()),
                registered(statement.id(), KeyUse::Statement, statement.verifying_key()),
            ],
        });
        self.addresses.insert(code.to_string(), address);
        self.assertion_keys.insert(code, assertion);
        Ok(())
    }

    /// A folder with a certificate and its key.
    fn folder_for(&self, name: &str, id: &SpiffeId) -> anyhow::Result<PathBuf> {
        let folder = self.path(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        self.equip(name, id, &LeafTerms::usual(id, self.env.clock.now()))?;
        Ok(folder)
    }

    /// By which keys its register is believed.
    pub(super) fn anchor(&self) -> RegisterAnchor {
        RegisterAnchor::new(self.name.clone(), self.register_key.id().clone(), self.register_key.verifying_key())
    }

    /// A loopback address that nobody else uses.
    fn host(&self) -> IpAddr {
        let mut bytes = [0; 3];
        self.env.random.fill(&mut bytes);
        let [one, two, three] = bytes.map(|byte| byte.clamp(2, 250));
        IpAddr::V4(Ipv4Addr::new(127, one, two, three))
    }
}

/// Writes the records, and gives the table of the configuration that names them.
fn write_source(
    folder: &Path,
    organisation: &Organisation,
    kind: SourceKind,
    people: &[Person],
) -> anyhow::Result<&'static str> {
    match kind {
        SourceKind::Bundles => {
            write_folder(&folder.join("bundles"), organisation.ods, people)?;
            Ok(configuration::BUNDLES)
        }
        SourceKind::Sqlite => {
            write_database(folder, organisation.ods, people)?;
            Ok(configuration::SQLITE)
        }
    }
}

fn registered(id: &KeyId, usage: KeyUse, key: VerifyingKey) -> RegisteredKey {
    RegisteredKey { id: id.clone(), usage, key, state: KeyState::Active }
}

fn free_port(host: IpAddr) -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((host, 0)).context("a port of a loopback address")?.local_addr()?)
}
