//! Ed25519 keys: one for each use, each with an id that the register knows.

use std::fmt;
use std::marker::PhantomData;

use ed25519_dalek::{Signature, Signer as _};
use zeroize::Zeroize as _;

use crate::{Malformed, OdsCode, Random, Signable, SpiffeId};

/// What a key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyUse {
    /// A requester's organisation's assertions.
    Assertion,
    /// A broker's queries.
    Query,
    /// An organisation's statements.
    Statement,
    /// Checkpoints of an audit log.
    Log,
    /// The register itself.
    Register,
}

/// Names a key in the register: 1 to 64 of `A-Z a-z 0-9 . _ - /`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// Parses an id.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other character or length.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'));
        if fits {
            Ok(KeyId(text.to_owned()))
        } else {
            Err(Malformed::new("key_id", "1 to 64 letters, digits, '.', '_', '-' or '/'"))
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        KeyId::parse(&text)
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> String {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOwner {
    /// An organisation.
    Organisation(OdsCode),
    /// A broker.
    Broker(SpiffeId),
    /// Whoever signs the register.
    Register,
}

/// A public key. Weak keys (of small order) do not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Parses 32 bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when they are no point of the curve, or one of small order.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new("public_key", "32 bytes of an Ed25519 public key");
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| EXPECTED)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| EXPECTED)?;
        if key.is_weak() { Err(EXPECTED) } else { Ok(VerifyingKey(key)) }
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Does the signature fit exactly these bytes? Strict: canonical points and scalars only.
    /// What is signed under a context goes through [`Signed`](crate::Signed) instead.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

/// A key as the register gives it.
#[derive(Debug, Clone)]
pub struct KeyEntry {
    /// Whose it is.
    pub owner: KeyOwner,
    /// The key.
    pub key: VerifyingKey,
}

/// Finds keys. The register is one; it gives only keys that may be used now.
pub trait Keyring {
    /// The key of that id, if it exists, may be used, and is for that use.
    fn key(&self, id: &KeyId, usage: KeyUse) -> Option<KeyEntry>;
}

/// Finds keys, and says who is a member. The register is one.
pub trait Membership: Keyring {
    /// Does the organisation take part now?
    fn is_active_member(&self, organisation: &OdsCode) -> bool;
}

/// A private key that can sign values of one type only. Does not print, and is wiped when dropped.
pub struct SigningKey<T: Signable> {
    id: KeyId,
    key: ed25519_dalek::SigningKey,
    signs: PhantomData<fn(T)>,
}

impl<T: Signable> SigningKey<T> {
    /// A new key under that id.
    pub fn generate(id: KeyId, random: &dyn Random) -> Self {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let key = SigningKey::from_seed(id, &seed);
        seed.zeroize();
        key
    }

    /// The key of a 32-byte seed.
    pub fn from_seed(id: KeyId, seed: &[u8; 32]) -> Self {
        SigningKey { id, key: ed25519_dalek::SigningKey::from_bytes(seed), signs: PhantomData }
    }

    /// The seed, to be written to a file that only its owner can read.
    pub fn expose_seed(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Its id.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// Its public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.key.verifying_key())
    }

    pub(crate) fn sign_bytes(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

impl<T: Signable> Clone for SigningKey<T> {
    fn clone(&self) -> Self {
        SigningKey { id: self.id.clone(), key: self.key.clone(), signs: PhantomData }
    }
}

impl<T: Signable> fmt::Debug for SigningKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}
