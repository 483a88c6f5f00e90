//! What a process must know before it has a register.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weald_proto::{FederationName, KeyEntry, KeyId, KeyOwner, KeyUse, Keyring, Malformed, VerifyingKey};

/// The federation, and the keys that may sign its register. Comes from configuration, never from the network.
///
/// One signature of any of the keys suffices. (Root metadata with a threshold will take its place.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterAnchor {
    federation: FederationName,
    keys: BTreeMap<KeyId, VerifyingKey>,
}

impl RegisterAnchor {
    /// Trusts one key.
    pub fn new(federation: FederationName, id: KeyId, key: VerifyingKey) -> Self {
        RegisterAnchor { federation, keys: BTreeMap::from([(id, key)]) }
    }

    /// Trusts one more key, in place of any of the same id.
    #[must_use]
    pub fn and(mut self, id: KeyId, key: VerifyingKey) -> Self {
        self.keys.insert(id, key);
        self
    }

    /// Parses the words of a configuration: the federation, the key's id, and the public key's 32 bytes
    /// in base64.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming `federation`, `key_id` or `public_key`.
    pub fn parse(federation: &str, id: &str, public_key: &str) -> Result<Self, Malformed> {
        let bytes = STANDARD
            .decode(public_key)
            .map_err(|_| Malformed::new("public_key", "base64 of a 32-byte Ed25519 public key"))?;
        Ok(RegisterAnchor::new(FederationName::parse(federation)?, KeyId::parse(id)?, VerifyingKey::parse(&bytes)?))
    }

    /// The federation.
    pub fn federation(&self) -> &FederationName {
        &self.federation
    }

    /// The ids of the keys, with the public keys in base64 as [`parse`](Self::parse) reads them.
    pub fn keys(&self) -> impl Iterator<Item = (&KeyId, String)> {
        self.keys.iter().map(|(id, key)| (id, STANDARD.encode(key.as_bytes())))
    }
}

impl Keyring for RegisterAnchor {
    fn key(&self, id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        let key = self.keys.get(id).filter(|_| usage == KeyUse::Register)?;
        Some(KeyEntry { owner: KeyOwner::Register, key: key.clone() })
    }
}
