//! A register before it is signed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use serde_json::{Value, json};
use weald_proto::{Digest, FederationName, Signed, SigningKey, Timestamp};

use crate::member::{Broker, Member, RegisteredKey};
use crate::register::{RegisterDocument, file};

/// What a register is to say. Whoever signs registers fills it in; nobody relies on it before it has
/// come back through [`Register::load`](crate::Register::load).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterDraft {
    /// The federation.
    pub federation: FederationName,
    /// Greater than that of the register before.
    pub version: u64,
    /// When it is issued, in milliseconds.
    pub issued_at: Timestamp,
    /// When it ceases to hold; none if it does not say.
    pub expires_at: Option<Timestamp>,
    /// Digest of the baseline policy set.
    pub policy_digest: Digest,
    /// Root certificates; one at least.
    pub roots: Vec<CertificateDer<'static>>,
    /// Brokers.
    pub brokers: Vec<Broker>,
    /// Members.
    pub members: Vec<Member>,
}

impl RegisterDraft {
    /// The JSON to be signed.
    pub fn document(&self) -> RegisterDocument {
        let json = json!({
            "federation": self.federation.as_str(),
            "version": self.version,
            "issued_at_ms": self.issued_at.as_millis(),
            "expires_at_ms": self.expires_at.map(Timestamp::as_millis),
            "policy_digest": self.policy_digest.to_string(),
            "roots": self.roots.iter().map(|root| STANDARD.encode(root)).collect::<Vec<_>>(),
            "brokers": self.brokers.iter().map(broker).collect::<Vec<_>>(),
            "members": self.members.iter().map(member).collect::<Vec<_>>(),
        });
        RegisterDocument::unchecked(json.to_string().into_bytes())
    }

    /// Signs it: the bytes of a register file.
    pub fn sign(&self, key: &SigningKey<RegisterDocument>) -> Vec<u8> {
        file::write(&Signed::sign(&self.document(), self.federation.as_str(), key))
    }
}

impl RegisterDocument {
    /// Signs it for `federation`: the bytes of a register file.
    pub fn sign(&self, federation: &FederationName, key: &SigningKey<RegisterDocument>) -> Vec<u8> {
        file::write(&Signed::sign(self, federation.as_str(), key))
    }
}

fn broker(broker: &Broker) -> Value {
    json!({ "id": broker.id.to_string(), "address": broker.address, "keys": keys(&broker.keys) })
}

fn member(member: &Member) -> Value {
    json!({
        "organisation": member.organisation.as_str(),
        "name": member.name,
        "kind": member.kind.as_str(),
        "state": member.state.as_str(),
        "address": member.address,
        "sections": member.sections.iter().map(|section| section.as_str()).collect::<Vec<_>>(),
        "always_ask": member.always_ask,
        "keys": keys(&member.keys),
    })
}

fn keys(keys: &[RegisteredKey]) -> Vec<Value> {
    keys.iter()
        .map(|key| {
            json!({
                "kid": key.id.as_str(),
                "use": key.usage,
                "public_key": STANDARD.encode(key.key.as_bytes()),
                "state": key.state.as_str(),
            })
        })
        .collect()
}
