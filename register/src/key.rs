//! Keys of roles: Ed25519, named by the hash of what they are.

use std::fmt;

use serde::{Deserialize, Serialize};
use weald_proto::{Digest, Malformed, Random, VerifyingKey};
use zeroize::Zeroize as _;

use crate::hex::Hex;

use ed25519_dalek::Signer as _;

/// The name of a role's key: SHA-256 of its canonical JSON. One key has one name, because a key says nothing but its
/// kind and its 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleKeyId(Hex<32>);

impl RoleKeyId {
    /// The name of that key.
    pub fn of(key: &VerifyingKey) -> Self {
        RoleKeyId::of_document(&KeyDocument::of(key))
    }

    /// Parses 64 lower-case hexadecimal digits.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Hex::parse(text).map(RoleKeyId).ok_or(Malformed::new("keyid", "64 lower-case hexadecimal digits"))
    }

    pub(crate) fn of_document(key: &KeyDocument) -> Self {
        let public = key.keyval.public;
        let canonical = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
        RoleKeyId(Hex(*Digest::of(canonical.as_bytes()).as_bytes()))
    }
}

impl fmt::Display for RoleKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for RoleKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleKeyId({})", self.0)
    }
}

/// A public key as a root lists it.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyDocument {
    keytype: Algorithm,
    keyval: KeyValue,
    scheme: Algorithm,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyValue {
    public: Hex<32>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Algorithm {
    Ed25519,
}

impl KeyDocument {
    pub(crate) fn of(key: &VerifyingKey) -> Self {
        let keyval = KeyValue { public: Hex(*key.as_bytes()) };
        KeyDocument { keytype: Algorithm::Ed25519, keyval, scheme: Algorithm::Ed25519 }
    }

    pub(crate) fn key(&self) -> Result<VerifyingKey, Malformed> {
        VerifyingKey::parse(&self.keyval.public.0)
    }
}

/// A private key of a role. Does not print, and is wiped when dropped.
#[derive(Clone)]
pub struct RoleKey(ed25519_dalek::SigningKey);

impl RoleKey {
    /// A new key.
    pub fn generate(random: &dyn Random) -> Self {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let key = RoleKey::from_seed(&seed);
        seed.zeroize();
        key
    }

    /// The key of a 32-byte seed.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        RoleKey(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// The seed, to be written to a file that only its owner can read.
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Its name.
    pub fn id(&self) -> RoleKeyId {
        let public = Hex(self.0.verifying_key().to_bytes());
        let keyval = KeyValue { public };
        RoleKeyId::of_document(&KeyDocument { keytype: Algorithm::Ed25519, keyval, scheme: Algorithm::Ed25519 })
    }

    /// Its public half.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for a weak key, which no random seed gives.
    pub fn verifying_key(&self) -> Result<VerifyingKey, Malformed> {
        VerifyingKey::parse(self.0.verifying_key().as_bytes())
    }

    /// Signs the canonical bytes of a document.
    pub(crate) fn sign(&self, signed: &[u8]) -> Hex<64> {
        Hex(self.0.sign(signed).to_bytes())
    }
}

impl fmt::Debug for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleKey({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_the_hash_of_its_canonical_json() {
        let key = RoleKey::from_seed(&[7; 32]);
        let document = KeyDocument::of(&key.verifying_key().unwrap());
        let canonical = serde_json::to_vec(&document).unwrap();
        assert_eq!(key.id().to_string(), Digest::of(&canonical).to_string());
        assert_eq!(RoleKeyId::of(&key.verifying_key().unwrap()), key.id());
    }

    #[test]
    fn a_key_that_says_more_than_a_key_says_does_not_parse() {
        let public = "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c";
        let key = format!(r#"{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}"#);
        assert!(serde_json::from_str::<KeyDocument>(&key).is_ok());
        for (from, to) in [("\"scheme\"", "\"note\":1,\"scheme\""), ("\"scheme\":\"ed25519\"", "\"scheme\":\"rsa\"")] {
            assert!(serde_json::from_str::<KeyDocument>(&key.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_private_key_does_not_print() {
        let key = RoleKey::from_seed(&[7; 32]);
        assert_eq!(format!("{key:?}"), format!("RoleKey({})", key.id()));
    }
}
