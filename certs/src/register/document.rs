//! What is signed: a register's JSON, byte for byte.

use std::fmt;

use weald_proto::{KeyUse, Malformed, Signable};

/// The JSON of a register, as it is signed; whether it holds is seen when it is read.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterDocument(Vec<u8>);

impl RegisterDocument {
    /// Takes bytes as they are, for whoever signs a register that was written elsewhere.
    /// [`Register::load`](crate::Register::load) refuses what does not hold, whoever signed it.
    pub fn unchecked(json: Vec<u8>) -> Self {
        RegisterDocument(json)
    }

    /// The JSON.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Signable for RegisterDocument {
    const CONTEXT: &'static str = "application/vnd.weald.register.v1+json";
    const USE: KeyUse = KeyUse::Register;

    fn encode(&self) -> Vec<u8> {
        self.0.clone()
    }

    /// Keeps the bytes. They are read in a second step, whose errors can name a member.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        Ok(RegisterDocument(bytes.to_vec()))
    }
}

impl fmt::Debug for RegisterDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterDocument({} bytes)", self.0.len())
    }
}
