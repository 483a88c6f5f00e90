//! The folder through which a federation, its peers and its members know each other.

mod network;
mod party;
mod tls;

use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use weald_certs::{Credentials, LeafTerms, Register, RegisterAnchor, Trust};
use weald_proto::env::Env;
use weald_proto::{FederationName, OdsCode, SpiffeId};
use weald_tests::federation::Federation;

pub(crate) use network::OwnAddress;
pub(crate) use party::{Party, patient};

/// What the federation is, besides certificates and keys.
const DESCRIPTION: &str = "federation.json";
const REGISTER: &str = "register.json";
const ROOT: &str = "root.der";

/// Everything that must be known before a register can be read.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    federation: String,
    broker: String,
    address: String,
    anchor_id: String,
    anchor_key: String,
}

/// The folder of a running federation, read.
pub(crate) struct Place {
    folder: PathBuf,
    name: FederationName,
    broker: SpiffeId,
    address: String,
    register: Arc<ArcSwap<Register>>,
    trust: Arc<Trust>,
}

/// Writes what others need of a federation: its viewer apps and, for each of `members`, what it takes to be
/// that member's node.
///
/// # Errors
///
/// When a certificate cannot be made, or a file not written.
pub(crate) fn publish(
    federation: &Federation,
    folder: &Path,
    viewers: &[OdsCode],
    members: &[OdsCode],
) -> anyhow::Result<()> {
    for organisation in viewers {
        let app = SpiffeId::viewer(federation.name(), organisation, weald_tests::federation::APP)?;
        equip(federation, folder, &app, &format!("{organisation}-app"))?;
        let key = federation.assertion_key(organisation).with_context(|| format!("{organisation} is no member"))?;
        write(folder, &format!("{organisation}-assertion.seed"), key.expose_seed())?;
    }
    for organisation in members {
        let node = SpiffeId::node(federation.name(), organisation);
        equip(federation, folder, &node, &format!("{organisation}-node"))?;
        let key = federation.statement_key(organisation).with_context(|| format!("{organisation} is no member"))?;
        write(folder, &format!("{organisation}-statement.seed"), key.expose_seed())?;
    }
    write(folder, ROOT, federation.authority().root())?;
    let (anchor_id, anchor_key) = federation.anchor().keys().next().context("the register has no anchor")?;
    let description = Description {
        federation: federation.name().to_string(),
        broker: federation.broker_id().to_string(),
        address: federation.broker_address(),
        anchor_id: anchor_id.to_string(),
        anchor_key,
    };
    write(folder, DESCRIPTION, &serde_json::to_vec_pretty(&description)?)?;
    write_register(federation, folder)
}

/// Writes the newest register.
///
/// # Errors
///
/// When the file cannot be written.
pub(crate) fn write_register(federation: &Federation, folder: &Path) -> anyhow::Result<()> {
    write(folder, REGISTER, &federation.register_file())
}

fn equip(federation: &Federation, folder: &Path, id: &SpiffeId, name: &str) -> anyhow::Result<()> {
    let (issued, key) = federation.authority().equip(id, &LeafTerms::usual(id, federation.env().clock.now()))?;
    write(folder, &format!("{name}.pem"), issued.pem.as_bytes())?;
    write(folder, &format!("{name}.key"), key.to_pem().as_bytes())
}

fn write(folder: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let path = folder.join(name);
    fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))
}

impl Place {
    /// Reads the folder of a federation that runs.
    ///
    /// # Errors
    ///
    /// When a file is missing or does not hold.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let read = |name: &str| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let description: Description = serde_json::from_slice(&read(DESCRIPTION)?).context(DESCRIPTION)?;
        let anchor = RegisterAnchor::parse(&description.federation, &description.anchor_id, &description.anchor_key)?;
        let register = Register::load(&read(REGISTER)?, &anchor, Env::system().clock.now())?;
        let name = FederationName::parse(&description.federation)?;
        let trust = Trust::new(name.clone(), &[CertificateDer::from(read(ROOT)?)])?;
        Ok(Place {
            folder: folder.to_owned(),
            name,
            broker: SpiffeId::parse(&description.broker)?,
            address: description.address,
            register: Arc::new(ArcSwap::from_pointee(register)),
            trust: Arc::new(trust),
        })
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The federation's name.
    pub(crate) fn name(&self) -> &FederationName {
        &self.name
    }

    /// Where the broker listens.
    ///
    /// # Errors
    ///
    /// When that is no IPv4 address and port.
    pub(crate) fn broker_address(&self) -> anyhow::Result<SocketAddrV4> {
        self.address.parse().with_context(|| format!("the broker's address: {}", self.address))
    }

    /// The register, as of when the folder was read.
    pub(crate) fn register(&self) -> &Arc<ArcSwap<Register>> {
        &self.register
    }

    /// Whom everybody here believes.
    pub(crate) fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// Certificate and key of a member's node.
    ///
    /// # Errors
    ///
    /// When they are not in the folder.
    pub(crate) fn node_credentials(&self, organisation: &OdsCode) -> anyhow::Result<Credentials> {
        let (chain, key) = self.pair(&format!("{organisation}-node"));
        Ok(Credentials::from_files(&chain, &key, &SpiffeId::node(&self.name, organisation))?)
    }

    /// TLS as a member's node that accepts anybody.
    ///
    /// # Errors
    ///
    /// When its certificate or key is not in the folder.
    pub(crate) fn node_tls(&self, organisation: &OdsCode) -> anyhow::Result<tokio_rustls::TlsAcceptor> {
        let (chain, key) = self.pair(&format!("{organisation}-node"));
        tls::acceptor(&chain, &key)
    }

    /// The 32 bytes of a key that was written as `<organisation>-<usage>.seed`.
    ///
    /// # Errors
    ///
    /// When it is not in the folder.
    pub(crate) fn seed(&self, organisation: &OdsCode, usage: &str) -> anyhow::Result<[u8; 32]> {
        let path = self.folder.join(format!("{organisation}-{usage}.seed"));
        let seed = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        seed.try_into().map_err(|_| anyhow::anyhow!("{}: 32 bytes", path.display()))
    }

    fn pair(&self, name: &str) -> (PathBuf, PathBuf) {
        (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")))
    }
}
