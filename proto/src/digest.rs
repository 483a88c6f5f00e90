//! SHA-256 digests.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Malformed;

/// A SHA-256 digest: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Thirty-two zero bytes: what the first entry of a chain follows.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Digest of exactly these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Digest(Sha256::digest(bytes).into())
    }

    /// Digest under a context string, so that bytes of one kind never stand for another's:
    /// SHA-256 of the context, one zero byte, and the bytes.
    pub fn in_context(context: &str, bytes: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(context.as_bytes());
        hash.update([0]);
        hash.update(bytes);
        Digest(hash.finalize().into())
    }

    /// Parses 32 bytes.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming `field` for any other length.
    pub fn parse(field: &'static str, bytes: &[u8]) -> Result<Self, Malformed> {
        bytes.try_into().map(Digest).map_err(|_| Malformed::new(field, "32 bytes"))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bytes, for a message.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
