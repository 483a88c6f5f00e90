//! The root: who has which role, and how many must agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use weald_proto::{FederationName, Malformed, Timestamp};

use crate::document::{Document as _, Role, RoleDocument, RootDocument};
use crate::envelope::{RoleKeys, SignedFile};
use crate::key::RoleKeyId;
use crate::limit;
use crate::refused::{Asker, Fault, Refused};

/// A root that holds: its rules, and the signatures of as many of its own keys as it asks for. Whether to believe it is
/// another question: the first comes from configuration, each later one from the one before.
#[derive(Clone)]
pub struct Root {
    file: SignedFile<RootDocument>,
    federation: FederationName,
    roles: BTreeMap<Role, RoleKeys>,
}

impl Root {
    /// Reads a root and checks that it is signed by enough of its own keys.
    ///
    /// # Errors
    ///
    /// [`Refused`], naming `root.json`.
    pub fn read(bytes: &[u8]) -> Result<Self, Refused> {
        Root::parse(bytes).map_err(|fault| Refused::new("root.json", fault))
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        Root::of(SignedFile::read(bytes)?)
    }

    pub(crate) fn of(file: SignedFile<RootDocument>) -> Result<Self, Fault> {
        let document = file.document();
        let federation = FederationName::parse(&document.federation)?;
        let mut roles = BTreeMap::new();
        for role in Role::ALL {
            roles.insert(role, role_keys(document, role)?);
        }
        let root = Root { file, federation, roles };
        root.file.verify(root.keys_of(Role::Root)?, Asker::OfferedRoot)?;
        Ok(root)
    }

    /// The root that follows: exactly the next version, of the same federation, signed by enough keys of both.
    pub(crate) fn succeed(&self, bytes: &[u8]) -> Result<Root, Fault> {
        let file = SignedFile::<RootDocument>::read(bytes)?;
        file.verify(self.keys_of(Role::Root)?, Asker::KnownRoot)?;
        let next = Root::of(file)?;
        let expected = self.version().saturating_add(1);
        if next.version() < expected {
            return Err(Fault::Older { what: Role::Root, known: self.version(), offered: next.version() });
        }
        if next.version() != expected {
            return Err(Fault::OtherVersion { what: Role::Root, expected, offered: next.version() });
        }
        if next.federation != self.federation {
            return Err(Fault::OtherFederation);
        }
        let theirs = next.keys_of(Role::Root)?;
        let ours = self.keys_of(Role::Root)?;
        let foreign = next.file.signatures().find(|key| !ours.keys.contains_key(key) && !theirs.keys.contains_key(key));
        match foreign {
            Some(key) => Err(Fault::ForeignSignature { key }),
            None => Ok(next),
        }
    }

    /// Fails closed for a role without keys, which no root that parses has.
    pub(crate) fn keys_of(&self, role: Role) -> Result<&RoleKeys, Fault> {
        self.roles.get(&role).ok_or(Fault::Root(RootFault::NoKeys { role }))
    }

    pub(crate) fn says_the_same(&self, other: &Root) -> bool {
        self.file.says_the_same(&other.file)
    }

    pub(crate) fn document(&self) -> &RootDocument {
        self.file.document()
    }

    /// Its version, from 1 on.
    pub fn version(&self) -> u64 {
        self.document().version()
    }

    /// When it expires, in whole seconds.
    pub fn expires(&self) -> Timestamp {
        self.document().expires().moment()
    }

    /// The federation.
    pub fn federation(&self) -> &FederationName {
        &self.federation
    }

    /// The keys of a role.
    pub fn keys(&self, role: Role) -> impl Iterator<Item = RoleKeyId> + '_ {
        self.roles.get(&role).into_iter().flat_map(|role| role.keys.keys().copied())
    }

    /// How many keys of a role must sign.
    pub fn threshold(&self, role: Role) -> u32 {
        self.document().roles.of(role).threshold
    }

    /// The keys that have signed it.
    pub fn signers(&self) -> impl Iterator<Item = RoleKeyId> + '_ {
        self.file.signatures()
    }

    /// The file, byte for byte.
    pub fn bytes(&self) -> &Arc<[u8]> {
        self.file.bytes()
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({}, version {})", self.federation, self.version())
    }
}

/// What is wrong with a root, whoever signed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootFault {
    /// Targets could be exchanged while they are fetched.
    #[error("field `consistent_snapshot`: must be true")]
    Inconsistent,
    /// More keys than fit.
    #[error("field `keys`: at most 64")]
    TooManyKeys,
    /// A key under a name that is not its own: one key under two names could meet a threshold of two.
    #[error("field `keys`: key {named} is not the key of that name, which is {is}")]
    MisnamedKey {
        /// The name that it has.
        named: RoleKeyId,
        /// The name that it should have.
        is: RoleKeyId,
    },
    /// A key that is no key.
    #[error("field `keys`: key {named} is no Ed25519 key that may be used")]
    WeakKey {
        /// Its name.
        named: RoleKeyId,
    },
    /// A key that nobody uses.
    #[error("field `keys`: key {key} has no role; leave it out")]
    IdleKey {
        /// Its name.
        key: RoleKeyId,
    },
    /// A role names a key that is not listed.
    #[error("role {role}: key {key} is not in `keys`")]
    UnknownKey {
        /// The role.
        role: Role,
        /// The key.
        key: RoleKeyId,
    },
    /// The keys of a role are not in ascending order, or one stands there twice.
    #[error("role {role}: `keyids` in ascending order, each once")]
    UnsortedKeys {
        /// The role.
        role: Role,
    },
    /// A role that nobody has.
    #[error("role {role}: at least one key")]
    NoKeys {
        /// The role.
        role: Role,
    },
    /// A threshold that no signatures meet, or that none meets.
    #[error("role {role}: a threshold of {threshold} with {keys} keys; it must be between 1 and their number")]
    Threshold {
        /// The role.
        role: Role,
        /// The threshold.
        threshold: u32,
        /// How many keys the role has.
        keys: usize,
    },
    /// An offline key that is also online: whoever takes the online one has the root.
    #[error("key {key} is a root key and a {role} key: root keys are offline and sign nothing else")]
    RootKeyOnline {
        /// The key.
        key: RoleKeyId,
        /// Its other role.
        role: Role,
    },
}

/// Checks the rules of a root.
pub(crate) fn check(root: &RootDocument) -> Result<(), RootFault> {
    if !root.consistent_snapshot {
        return Err(RootFault::Inconsistent);
    }
    if root.keys.len() > limit::KEYS {
        return Err(RootFault::TooManyKeys);
    }
    for (named, key) in &root.keys {
        let is = RoleKeyId::of_document(key);
        if is != *named {
            return Err(RootFault::MisnamedKey { named: *named, is });
        }
    }
    let mut used = BTreeSet::new();
    for role in Role::ALL {
        let listed = root.roles.of(role);
        check_role(root, role, listed)?;
        used.extend(listed.keyids.iter().copied());
        let shared = listed.keyids.iter().find(|key| role != Role::Root && root.roles.root.keyids.contains(key));
        if let Some(key) = shared {
            return Err(RootFault::RootKeyOnline { key: *key, role });
        }
    }
    match root.keys.keys().find(|key| !used.contains(*key)) {
        Some(key) => Err(RootFault::IdleKey { key: *key }),
        None => Ok(()),
    }
}

fn check_role(root: &RootDocument, role: Role, listed: &RoleDocument) -> Result<(), RootFault> {
    if listed.keyids.is_empty() {
        return Err(RootFault::NoKeys { role });
    }
    if !listed.keyids.is_sorted_by(|one, next| one < next) {
        return Err(RootFault::UnsortedKeys { role });
    }
    if let Some(key) = listed.keyids.iter().find(|key| !root.keys.contains_key(key)) {
        return Err(RootFault::UnknownKey { role, key: *key });
    }
    let keys = listed.keyids.len();
    let reachable = usize::try_from(listed.threshold).is_ok_and(|threshold| (1..=keys).contains(&threshold));
    if reachable { Ok(()) } else { Err(RootFault::Threshold { role, threshold: listed.threshold, keys }) }
}

fn role_keys(root: &RootDocument, role: Role) -> Result<RoleKeys, Fault> {
    let listed = root.roles.of(role);
    let mut keys = BTreeMap::new();
    for id in &listed.keyids {
        let document = root.keys.get(id).ok_or(RootFault::UnknownKey { role, key: *id })?;
        let key = document.key().map_err(|Malformed { .. }| RootFault::WeakKey { named: *id })?;
        keys.insert(*id, key);
    }
    Ok(RoleKeys { keys, threshold: listed.threshold })
}
