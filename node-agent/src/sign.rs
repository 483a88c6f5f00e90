//! Last step: sign what was released and recorded.

use weald_audit::Recorded;
use weald_proto::{KeyId, Random, Signed, SigningKey, Statement, VerifyingKey, wire};

use crate::node::Node;
use crate::release::Release;
use crate::verify::Asked;

/// The organisation's statement key. Only [`sign`] can use it, and only on what was released and recorded.
#[derive(Debug, Clone)]
pub struct StatementKey(SigningKey<Statement>);

impl StatementKey {
    /// Takes the key over.
    pub fn new(key: SigningKey<Statement>) -> Self {
        StatementKey(key)
    }

    /// A new key under that id.
    pub fn generate(id: KeyId, random: &dyn Random) -> Self {
        StatementKey(SigningKey::generate(id, random))
    }

    /// Its id.
    pub fn id(&self) -> &KeyId {
        self.0.id()
    }

    /// Its public half, for the register.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying_key()
    }
}

/// Signs the statement over a release whose audit entry is durable.
pub fn sign(node: &Node, asked: &Asked, release: Release, recorded: Recorded) -> wire::Answer {
    let (statement, identity, parts) = release.into_statement(recorded.digest());
    let audience = asked.query().digest().to_string();
    let signed = Signed::sign(&statement, &audience, &node.parts.key.0);
    wire::Answer { statement: Some(signed.as_wire().clone()), identity, parts }
}
