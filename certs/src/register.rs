//! The register: the signed, versioned list of members, brokers, keys and root certificates.
//!
//! A register file is a small JSON envelope: `payload` (base64 of the register's JSON), `key_id` and
//! `signature` (Ed25519 under a context string, with the federation as audience). The bytes are checked
//! first, then those same bytes are read, and a register that does not hold in every part is refused whole.

mod anchor;
mod document;
mod draft;
mod file;
mod files;
mod parse;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::body::Bytes;
use rustls_pki_types::CertificateDer;
use weald_proto::{
    Digest, FederationName, KeyEntry, KeyId, KeyOwner, KeyUse, Keyring, Malformed, Membership, OdsCode, SpiffeId,
    Timestamp, VerifyError, limit,
};

use crate::member::{Broker, Member, RegisteredKey};

pub use anchor::RegisterAnchor;
pub use document::RegisterDocument;
pub use draft::RegisterDraft;
pub use files::{FileName, RegisterFile, RegisterFiles};
pub use parse::{RegisterFault, address};

/// How far ahead of our clock a register may be issued.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// One version of the register, checked: its signature, its form, and that no key id, public key or
/// party stands in it twice. Never changes.
///
/// As a [`Keyring`] it gives the keys that may be used now: of active members and of brokers, in the state
/// active or verify_only, for the use that they are listed for.
#[derive(Clone)]
pub struct Register {
    federation: FederationName,
    version: u64,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    policy_digest: Digest,
    roots: Vec<CertificateDer<'static>>,
    members: BTreeMap<OdsCode, Member>,
    brokers: BTreeMap<SpiffeId, Broker>,
    usable: HashMap<KeyId, (KeyUse, KeyEntry)>,
    digest: Digest,
    file: Bytes,
}

impl Register {
    /// Reads a register file and checks it against the keys that may sign registers.
    ///
    /// # Errors
    ///
    /// [`RegisterError`], which names the member and the field when the signature fits and the contents
    /// do not.
    pub fn load(bytes: &[u8], anchor: &RegisterAnchor, now: Timestamp) -> Result<Self, RegisterError> {
        let signed = file::read(bytes)?;
        let document = signed.verify(anchor.federation().as_str(), anchor)?;
        let draft = parse::draft(document.as_bytes())?;
        if draft.federation != *anchor.federation() {
            return Err(RegisterError::OtherFederation);
        }
        if draft.issued_at > now.plus(CLOCK_SKEW) {
            return Err(RegisterError::NotYetIssued { issued_at: draft.issued_at });
        }
        if let Some(expires_at) = draft.expires_at.filter(|expires_at| *expires_at <= now) {
            return Err(RegisterError::Expired { expires_at });
        }
        Ok(Register::index(draft, document.digest(), Bytes::copy_from_slice(bytes)))
    }

    /// Reads and checks the register file at `path`.
    ///
    /// # Errors
    ///
    /// [`RegisterError::File`] naming a file that cannot be read, else as [`load`](Self::load).
    pub fn open(path: &Path, anchor: &RegisterAnchor, now: Timestamp) -> Result<Self, RegisterError> {
        let file = |source| RegisterError::File { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(file)?.len();
        if usize::try_from(length).is_ok_and(|bytes| bytes > limit::REGISTER_FILE_BYTES) {
            return Err(RegisterError::TooLarge);
        }
        Register::load(&std::fs::read(path).map_err(file)?, anchor, now)
    }

    /// The newer of the two, which must be `newer` or the very same version: a register never goes back.
    ///
    /// # Errors
    ///
    /// [`RegisterError::Rollback`] when `newer` is older, or is another register of the same version;
    /// [`RegisterError::OtherFederation`].
    pub fn succeed(&self, newer: Register) -> Result<Register, RegisterError> {
        if newer.federation() != self.federation() {
            return Err(RegisterError::OtherFederation);
        }
        let same = newer.version() == self.version() && newer.digest == self.digest;
        if newer.version() > self.version() || same {
            Ok(newer)
        } else {
            Err(RegisterError::Rollback { known: self.version(), offered: newer.version() })
        }
    }

    fn index(draft: RegisterDraft, digest: Digest, file: Bytes) -> Self {
        let mut usable = HashMap::new();
        for member in draft.members.iter().filter(|member| member.is_active()) {
            add_usable(&mut usable, &member.keys, &KeyOwner::Organisation(member.organisation.clone()));
        }
        for broker in &draft.brokers {
            add_usable(&mut usable, &broker.keys, &KeyOwner::Broker(broker.id.clone()));
        }
        Register {
            federation: draft.federation,
            version: draft.version,
            issued_at: draft.issued_at,
            expires_at: draft.expires_at,
            policy_digest: draft.policy_digest,
            roots: draft.roots,
            members: draft.members.into_iter().map(|member| (member.organisation.clone(), member)).collect(),
            brokers: draft.brokers.into_iter().map(|broker| (broker.id.clone(), broker)).collect(),
            usable,
            digest,
            file,
        }
    }

    /// The federation whose register it is.
    pub fn federation(&self) -> &FederationName {
        &self.federation
    }

    /// Its version; a later register has a greater one.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.issued_at
    }

    /// True until it ceases to hold. A register that was loaded long ago may not hold any more.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.expires_at().is_none_or(|expires_at| now < expires_at)
    }

    /// When it ceases to hold, if it says so. Checked on loading; who keeps a register asks again.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// SHA-256 of the payload that was signed.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The file that it was read from, byte for byte: it proves itself to whoever has the keys that may sign
    /// registers.
    pub fn file(&self) -> &Bytes {
        &self.file
    }

    /// Digest of the baseline policy set that all parties decide by.
    pub fn policy_digest(&self) -> Digest {
        self.policy_digest
    }

    /// The federation's root certificates; one at least.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// The member of that code, active or not.
    pub fn member(&self, organisation: &OdsCode) -> Option<&Member> {
        self.members.get(organisation)
    }

    /// Every member, by code.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The members that take part now, by code: those that a summary accounts for.
    pub fn active_members(&self) -> impl Iterator<Item = &Member> {
        self.members().filter(|member| member.is_active())
    }

    /// The broker of that name.
    pub fn broker(&self, id: &SpiffeId) -> Option<&Broker> {
        self.brokers.get(id)
    }

    /// Every broker, by name.
    pub fn brokers(&self) -> impl Iterator<Item = &Broker> {
        self.brokers.values()
    }
}

fn add_usable(usable: &mut HashMap<KeyId, (KeyUse, KeyEntry)>, keys: &[RegisteredKey], owner: &KeyOwner) {
    for key in keys.iter().filter(|key| key.state.verifies()) {
        usable.insert(key.id.clone(), (key.usage, KeyEntry { owner: owner.clone(), key: key.key.clone() }));
    }
}

impl Keyring for Register {
    fn key(&self, id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        self.usable.get(id).filter(|(listed, _)| *listed == usage).map(|(_, entry)| entry.clone())
    }
}

impl Membership for Register {
    fn is_active_member(&self, organisation: &OdsCode) -> bool {
        self.member(organisation).is_some_and(Member::is_active)
    }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Register({}, version {}, {} members)", self.federation(), self.version(), self.members.len())
    }
}

/// Why a register is refused.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The file cannot be read.
    #[error("cannot read the register file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is larger than any register.
    #[error("the register file is larger than 16 MiB")]
    TooLarge,
    /// The envelope does not parse.
    #[error("the register file is no signed register")]
    Envelope(#[from] Malformed),
    /// The signature does not hold.
    #[error("the register's signature does not hold")]
    Signature(#[from] VerifyError),
    /// Rightly signed, and its contents do not hold.
    #[error("the register is rightly signed, but does not hold")]
    Contents(#[from] RegisterFault),
    /// It is the register of another federation.
    #[error("the register is that of another federation")]
    OtherFederation,
    /// It is issued in the future.
    #[error("the register is issued at {issued_at}, which lies ahead: check this machine's clock")]
    NotYetIssued {
        /// When.
        issued_at: Timestamp,
    },
    /// It no longer holds.
    #[error("the register expired at {expires_at}: fetch a newer one")]
    Expired {
        /// When.
        expires_at: Timestamp,
    },
    /// It is older than the one that is known.
    #[error("register version {offered} is offered, but version {known} is known")]
    Rollback {
        /// The version that is known.
        known: u64,
        /// The version that is offered.
        offered: u64,
    },
}
