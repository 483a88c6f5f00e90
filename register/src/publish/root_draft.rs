//! A root on its way from one signer to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU64;

use weald_proto::{FederationName, Timestamp, VerifyingKey};

use crate::document::{Document as _, Role, RoleDocument, RolesDocument, RootDocument, Specification};
use crate::envelope::SignedFile;
use crate::expiry::Expiry;
use crate::key::{KeyDocument, RoleKey, RoleKeyId};
use crate::refused::{Fault, Refused};
use crate::root::Root;

/// Who holds a role: these keys, of which so many must sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleHolders {
    /// The public keys, in any order, each once.
    pub keys: Vec<VerifyingKey>,
    /// How many must sign.
    pub threshold: u32,
}

/// What a root is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPlan {
    /// The federation.
    pub federation: FederationName,
    /// When it expires; whole seconds count.
    pub expires: Timestamp,
    /// Who signs roots: three of five if nothing speaks against it. These keys are offline and have no other role.
    pub root: RoleHolders,
    /// Who signs timestamps.
    pub timestamp: RoleHolders,
    /// Who signs snapshots.
    pub snapshot: RoleHolders,
    /// Who signs targets.
    pub targets: RoleHolders,
}

/// A root with the signatures that it has so far. It is one file, `draft.root.json`, which is carried from signer to
/// signer; each sees [what changes](Self::changes), adds a signature, and passes it on. It is no root before enough
/// have signed.
#[derive(Clone)]
pub struct RootDraft {
    file: SignedFile<RootDocument>,
}

const FILE: &str = "draft.root.json";

impl RootDraft {
    /// The first root of a federation.
    ///
    /// # Errors
    ///
    /// [`DraftError`] for a plan that breaks a rule of roots.
    pub fn first(plan: &RootPlan) -> Result<Self, DraftError> {
        RootDraft::of(plan, NonZeroU64::MIN)
    }

    /// The root that follows `before`.
    ///
    /// # Errors
    ///
    /// [`DraftError`] for a plan that breaks a rule of roots or names another federation.
    pub fn succeeding(before: &Root, plan: &RootPlan) -> Result<Self, DraftError> {
        if plan.federation != *before.federation() {
            return Err(Refused::new(FILE, Fault::OtherFederation).into());
        }
        let next = before.document().version.checked_add(1).ok_or(DraftError::LastVersion)?;
        RootDraft::of(plan, next)
    }

    /// Reads a draft as the signer before has passed it on.
    ///
    /// # Errors
    ///
    /// [`DraftError`] if it does not parse or breaks a rule of roots. Signatures are looked at when it is signed and
    /// when it is published.
    pub fn read(bytes: &[u8]) -> Result<Self, DraftError> {
        let file = SignedFile::read(bytes).map_err(|fault| Refused::new(FILE, fault))?;
        Ok(RootDraft { file })
    }

    /// Adds a signature. Nothing that was signed before changes.
    ///
    /// # Errors
    ///
    /// [`DraftError::NoSigner`] for a key that is a root key neither of this root nor of the one before: its signature
    /// would count for nothing.
    pub fn sign(&self, before: Option<&Root>, key: &RoleKey) -> Result<Self, DraftError> {
        self.follows(before)?;
        if !self.signers(before).contains(&key.id()) {
            return Err(DraftError::NoSigner { key: key.id() });
        }
        let file = self.file.and_signed_by(key).map_err(|fault| Refused::new(FILE, fault))?;
        Ok(RootDraft { file })
    }

    /// What a signer should see before signing: in what it differs from the root before, or all of it if it is the first.
    pub fn changes(&self, before: Option<&Root>) -> Vec<Change> {
        let document = self.file.document();
        let mut changes = Vec::new();
        for role in Role::ALL {
            let is = document.roles.of(role);
            let was = before.map(|root| root.document().roles.of(role));
            let old: BTreeSet<RoleKeyId> = was.map(|was| was.keyids.iter().copied().collect()).unwrap_or_default();
            let new: BTreeSet<RoleKeyId> = is.keyids.iter().copied().collect();
            changes.extend(new.difference(&old).map(|key| Change::KeyAdded { role, key: *key }));
            changes.extend(old.difference(&new).map(|key| Change::KeyRemoved { role, key: *key }));
            if was.map(|was| was.threshold) != Some(is.threshold) {
                changes.push(Change::Threshold { role, was: was.map(|was| was.threshold), is: is.threshold });
            }
        }
        let expires = document.expires.moment();
        if before.map(Root::expires) != Some(expires) {
            changes.push(Change::Expires { was: before.map(Root::expires), is: expires });
        }
        changes
    }

    /// The keys whose signatures count and are still missing, and are needed: none when it can be published.
    pub fn missing(&self, before: Option<&Root>) -> Vec<RoleKeyId> {
        if self.publish(before).is_ok() {
            return Vec::new();
        }
        let signed: BTreeSet<RoleKeyId> = self.file.signatures().collect();
        self.signers(before).difference(&signed).copied().collect()
    }

    /// The root, once enough have signed.
    ///
    /// # Errors
    ///
    /// [`DraftError`] below the threshold of this root or of the one before, and for a signature that does not fit.
    pub fn publish(&self, before: Option<&Root>) -> Result<Root, DraftError> {
        self.follows(before)?;
        let root = match before {
            Some(before) => before.succeed(&self.bytes()),
            None => Root::of(self.file.clone()),
        };
        Ok(root.map_err(|fault| Refused::new(FILE, fault))?)
    }

    /// The version that it will have.
    pub fn version(&self) -> u64 {
        self.file.document().version()
    }

    /// The file to pass on.
    pub fn bytes(&self) -> Vec<u8> {
        self.file.bytes().to_vec()
    }

    fn of(plan: &RootPlan, version: NonZeroU64) -> Result<Self, DraftError> {
        let mut keys = BTreeMap::new();
        let mut role = |holders: &RoleHolders| {
            let mut keyids: Vec<RoleKeyId> = Vec::new();
            for key in &holders.keys {
                keys.insert(RoleKeyId::of(key), KeyDocument::of(key));
                keyids.push(RoleKeyId::of(key));
            }
            keyids.sort();
            RoleDocument { keyids, threshold: holders.threshold }
        };
        let roles = RolesDocument {
            root: role(&plan.root),
            snapshot: role(&plan.snapshot),
            targets: role(&plan.targets),
            timestamp: role(&plan.timestamp),
        };
        let document = RootDocument {
            kind: Role::Root,
            consistent_snapshot: true,
            expires: Expiry::at(plan.expires),
            keys,
            roles,
            spec_version: Specification::V1_0_31,
            version,
            federation: plan.federation.as_str().to_owned(),
        };
        let file = SignedFile::sign(document, &[]).map_err(|fault| Refused::new(FILE, fault))?;
        Ok(RootDraft { file })
    }

    /// The keys whose signatures count.
    fn signers(&self, before: Option<&Root>) -> BTreeSet<RoleKeyId> {
        let own = self.file.document().roles.root.keyids.iter().copied();
        own.chain(before.into_iter().flat_map(|root| root.keys(Role::Root))).collect()
    }

    fn follows(&self, before: Option<&Root>) -> Result<(), DraftError> {
        let expected = before.map_or(1, |root| root.version().saturating_add(1));
        if self.version() == expected {
            Ok(())
        } else {
            Err(DraftError::OtherRootBefore { version: self.version(), expected })
        }
    }
}

impl fmt::Debug for RootDraft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootDraft(version {}, {} signatures)", self.version(), self.file.signatures().count())
    }
}

/// One difference between a root and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A key is given a role.
    KeyAdded {
        /// The role.
        role: Role,
        /// The key.
        key: RoleKeyId,
    },
    /// A key loses a role.
    KeyRemoved {
        /// The role.
        role: Role,
        /// The key.
        key: RoleKeyId,
    },
    /// Another number of keys must sign.
    Threshold {
        /// The role.
        role: Role,
        /// How many had to, if there was a root before.
        was: Option<u32>,
        /// How many have to.
        is: u32,
    },
    /// It expires at another time.
    Expires {
        /// When the one before does.
        was: Option<Timestamp>,
        /// When this one does.
        is: Timestamp,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::KeyAdded { role, key } => write!(f, "+ {role}: key {key} may sign"),
            Change::KeyRemoved { role, key } => write!(f, "- {role}: key {key} may sign no longer"),
            Change::Threshold { role, was: None, is } => write!(f, "  {role}: {is} must sign"),
            Change::Threshold { role, was: Some(was), is } => write!(f, "! {role}: {is} must sign, {was} before"),
            Change::Expires { was: None, is } => write!(f, "  expires {is}"),
            Change::Expires { was: Some(was), is } => write!(f, "  expires {is}, {was} before"),
        }
    }
}

/// Why a draft is not signed, or not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// It does not hold, or is not signed by enough.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The key's signature would count for nothing.
    #[error("key {key} is a root key neither of this root nor of the one before")]
    NoSigner {
        /// The key.
        key: RoleKeyId,
    },
    /// It does not follow the root that it was held against.
    #[error(
        "the draft is version {version}, and version {expected} would follow the root that was given as the one before"
    )]
    OtherRootBefore {
        /// The draft's version.
        version: u64,
        /// The version that would follow.
        expected: u64,
    },
    /// There is no version after the root's.
    #[error("the root before has the last version that there is")]
    LastVersion,
}
