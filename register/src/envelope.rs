//! A document under its signatures, in the one form that is accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weald_proto::VerifyingKey;

use crate::document::{Document, Role};
use crate::hex::Hex;
use crate::key::{RoleKey, RoleKeyId};
use crate::limit;
use crate::refused::{Asker, Fault, complaint};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    signatures: Vec<Signature>,
    #[serde(borrow)]
    signed: &'a RawValue,
}

#[derive(Serialize)]
struct Written<'a, T> {
    signatures: &'a [Signature],
    signed: &'a T,
}

/// One key's signature.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    pub(crate) keyid: RoleKeyId,
    sig: Hex<64>,
}

/// The keys of a role, and how many of them must sign.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct RoleKeys {
    pub(crate) keys: BTreeMap<RoleKeyId, VerifyingKey>,
    pub(crate) threshold: u32,
}

/// A document as it came, read; whether enough keys have signed it is a question of its own ([`verify`](Self::verify)).
#[derive(Clone)]
pub(crate) struct SignedFile<T> {
    document: T,
    signed: Vec<u8>,
    signatures: Vec<Signature>,
    bytes: Arc<[u8]>,
}

impl<T: Document> SignedFile<T> {
    /// Reads bytes that are in canonical form: they are what this crate would write, and nothing else.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        if bytes.len() > T::LONGEST {
            return Err(Fault::TooLong { longest: T::LONGEST });
        }
        // Then canonical JSON and JSON are one, and every string has one spelling.
        if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && *byte != b'\\') {
            return Err(Fault::NotCanonical);
        }
        let envelope: Envelope<'_> = parse(bytes)?;
        let found = parse::<Kind>(envelope.signed.get().as_bytes())?.kind;
        if found != T::ROLE {
            return Err(Fault::OtherRole { expected: T::ROLE, found });
        }
        let document: T = parse(envelope.signed.get().as_bytes())?;
        let signed = envelope.signed.get().as_bytes().to_vec();
        let file = SignedFile { document, signed, signatures: envelope.signatures, bytes: Arc::from(bytes) };
        if file.signatures.len() > limit::SIGNATURES {
            return Err(Fault::Unreadable(format!("field `signatures`: at most {}", limit::SIGNATURES)));
        }
        let ascending = file.signatures.is_sorted_by(|one, next| one.keyid < next.keyid);
        if !ascending || write(&file.document, &file.signatures)? != bytes {
            return Err(Fault::NotCanonical);
        }
        file.document.check()?;
        Ok(file)
    }

    /// Writes a document under the signatures of `keys`, each once, in whatever order they are given.
    pub(crate) fn sign(document: T, keys: &[&RoleKey]) -> Result<Self, Fault> {
        let signed = json(&document)?;
        let by_id: BTreeMap<RoleKeyId, &RoleKey> = keys.iter().map(|key| (key.id(), *key)).collect();
        let signatures = by_id.iter().map(|(id, key)| Signature { keyid: *id, sig: key.sign(&signed) }).collect();
        SignedFile::assemble(document, signatures)
    }

    /// The same document with one more signature, in place of any by the same key.
    pub(crate) fn and_signed_by(&self, key: &RoleKey) -> Result<Self, Fault>
    where
        T: Clone,
    {
        let mut signatures: BTreeMap<RoleKeyId, Signature> =
            self.signatures.iter().map(|signature| (signature.keyid, *signature)).collect();
        signatures.insert(key.id(), Signature { keyid: key.id(), sig: key.sign(&self.signed) });
        SignedFile::assemble(self.document.clone(), signatures.into_values().collect())
    }

    fn assemble(document: T, signatures: Vec<Signature>) -> Result<Self, Fault> {
        SignedFile::read(&write(&document, &signatures)?)
    }

    /// Checks that as many distinct keys of the role have signed as must. A known key's signature that does not fit is
    /// refused, however many others do; a signature of an unknown key counts for nothing.
    pub(crate) fn verify(&self, role: &RoleKeys, by: Asker) -> Result<(), Fault> {
        let mut valid = BTreeSet::new();
        for signature in &self.signatures {
            let Some(key) = role.keys.get(&signature.keyid) else { continue };
            if !key.accepts(&self.signed, &signature.sig.0) {
                return Err(Fault::WrongSignature { key: signature.keyid });
            }
            valid.insert(key.as_bytes());
        }
        let enough = usize::try_from(role.threshold).is_ok_and(|needed| needed > 0 && valid.len() >= needed);
        if enough { Ok(()) } else { Err(Fault::BelowThreshold { valid: valid.len(), needed: role.threshold, by }) }
    }

    pub(crate) fn document(&self) -> &T {
        &self.document
    }

    pub(crate) fn signatures(&self) -> impl Iterator<Item = RoleKeyId> {
        self.signatures.iter().map(|signature| signature.keyid)
    }

    /// The file, byte for byte.
    pub(crate) fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// True if both say the same, whoever has signed it.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        self.signed == other.signed
    }
}

/// The role that a document says it is of.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "_type")]
    kind: Role,
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::Unreadable(complaint(&error)))
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault::Unreadable(complaint(&error)))
}

fn write(document: &impl Serialize, signatures: &[Signature]) -> Result<Vec<u8>, Fault> {
    json(&Written { signatures, signed: document })
}
