//! Many organisations that dial in, several to a process.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
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
    Digest, FederationName, KeyId, KeyUse, OdsCode, OrganisationKind, Query, Section, SigningKey, SpiffeId, Statement,
};

use super::configuration;
use super::key_file::pkcs8_pem;
use super::write::{private, public};

/// The files of a federation of one broker and many practices, each with a node that dials in and knows nobody.
///
/// The folder holds what an [`Estate`](super::Estate) holds, but one folder for each process of nodes: `nodes-0`, `nodes-1`, ...
pub struct Crowd {
    folder: PathBuf,
    processes: usize,
    metrics: SocketAddr,
}

/// What the files are made with.
struct Maker {
    folder: PathBuf,
    name: FederationName,
    env: Env,
    authority: Authority,
    register_key: SigningKey<RegisterDocument>,
    draft: RegisterDraft,
}

impl Crowd {
    /// Writes all of it: one organisation alone in a process, the others `to_a_process`.
    ///
    /// # Errors
    ///
    /// When a key, a certificate or a file cannot be made.
    pub fn write(folder: &Path, organisations: usize, to_a_process: usize) -> anyhow::Result<Self> {
        let mut maker = Maker::new(folder)?;
        let (address, metrics) = (free_port()?, free_port()?);
        maker.write_broker(address, metrics)?;
        let bundles = folder.join("bundles");
        fs::create_dir_all(&bundles)?;
        public(&bundles.join("nobody.json"), r#"{"resourceType": "Bundle", "type": "collection", "entry": []}"#)?;
        let codes: Vec<OdsCode> =
            (0..organisations).map(|number| OdsCode::parse(&format!("G{number:05}"))).collect::<Result<_, _>>()?;
        let (alone, others) = codes.split_at(1.min(codes.len()));
        let processes: Vec<&[OdsCode]> = std::iter::once(alone).chain(others.chunks(to_a_process.max(1))).collect();
        for (number, codes) in processes.iter().enumerate() {
            maker.write_nodes(number, codes)?;
        }
        public(&folder.join("register.json"), maker.draft.sign(&maker.register_key))?;
        Ok(Crowd { folder: folder.to_owned(), processes: processes.len(), metrics })
    }

    /// The configuration of the broker.
    pub fn broker_config(&self) -> PathBuf {
        self.folder.join("broker/weald-broker.toml")
    }

    /// Where the broker shows its metrics.
    pub fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// The configurations of the processes of nodes; the first has one organisation.
    pub fn node_configs(&self) -> Vec<PathBuf> {
        (0..self.processes).map(|number| self.folder.join(format!("nodes-{number}/weald-node.toml"))).collect()
    }
}

impl Maker {
    fn new(folder: &Path) -> anyhow::Result<Self> {
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
        fs::create_dir_all(folder)?;
        public(&folder.join("roots.pem"), authority.root_pem())?;
        Ok(Maker { folder: folder.to_owned(), name, env, authority, register_key, draft })
    }

    fn write_broker(&mut self, address: SocketAddr, metrics: SocketAddr) -> anyhow::Result<()> {
        let id = SpiffeId::broker(&self.name, "b1")?;
        let key: SigningKey<Query> = SigningKey::generate(KeyId::parse("b1/query/1")?, &*self.env.random);
        let folder = self.folder.join("broker");
        self.equip(&folder, &id)?;
        private(&folder.join("query.key"), pkcs8_pem(&key))?;
        let mut pseudonym = [0; 32];
        self.env.random.fill(&mut pseudonym);
        private(&folder.join("pseudonym.key"), STANDARD.encode(pseudonym))?;
        let text = configuration::broker(&self.name, address, &self.anchor(), key.id(), "warn");
        let text = format!("{text}\n[metrics]\nlisten = \"{metrics}\"\n");
        public(&folder.join("weald-broker.toml"), text)?;
        let keys = vec![registered(key.id(), KeyUse::Query, key.verifying_key())];
        self.draft.brokers.push(weald_certs::Broker { id, address: Some(address.to_string()), keys });
        Ok(())
    }

    fn write_nodes(&mut self, number: usize, codes: &[OdsCode]) -> anyhow::Result<()> {
        let folder = self.folder.join(format!("nodes-{number}"));
        let mut text = configuration::ground(&self.name, &self.anchor(), "error");
        for code in codes {
            let own = folder.join(code.as_str());
            self.equip(&own, &SpiffeId::node(&self.name, code))?;
            let key: SigningKey<Statement> =
                SigningKey::generate(KeyId::parse(&format!("{code}/statement/1"))?, &*self.env.random);
            private(&own.join("statement.key"), pkcs8_pem(&key))?;
            text.push_str(&configuration::attaching(code, key.id()));
            self.draft.members.push(Member {
                organisation: code.clone(),
                name: format!("Practice {code}"),
                kind: OrganisationKind::GpPractice,
                state: MemberState::Active,
                address: None,
                sections: Section::ALL.iter().copied().collect(),
                always_ask: false,
                keys: vec![registered(key.id(), KeyUse::Statement, key.verifying_key())],
            });
        }
        public(&folder.join("weald-node.toml"), text)
    }

    /// A folder with a certificate and its key.
    fn equip(&self, folder: &Path, id: &SpiffeId) -> anyhow::Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let (issued, key) = self.authority.equip(id, &LeafTerms::usual(id, self.env.clock.now()))?;
        public(&folder.join("tls.pem"), issued.pem)?;
        private(&folder.join("tls.key"), key.to_pem().as_bytes())
    }

    fn anchor(&self) -> RegisterAnchor {
        RegisterAnchor::new(self.name.clone(), self.register_key.id().clone(), self.register_key.verifying_key())
    }
}

fn registered(id: &KeyId, usage: KeyUse, key: weald_proto::VerifyingKey) -> RegisteredKey {
    RegisteredKey { id: id.clone(), usage, key, state: KeyState::Active }
}

fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a free port")?.local_addr()?)
}
