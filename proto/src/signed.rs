//! Bytes under a signature, and what they say once it was checked.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use crate::key::{KeyId, KeyOwner, KeyUse, Keyring, SigningKey};
use crate::{Digest, Malformed, wire};

/// Something that can be signed: under its own context, by keys of its own use.
pub trait Signable: Sized {
    /// Tells its signatures from those of every other type.
    const CONTEXT: &'static str;
    /// The use that a key must have to sign it.
    const USE: KeyUse;

    /// The bytes to sign.
    fn encode(&self) -> Vec<u8>;

    /// Reads bytes whose signature was checked.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the first field that does not parse.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed>;
}

/// A message as it was signed, not yet checked. Keeps the exact bytes: it is passed on as it came.
pub struct Signed<T> {
    message: wire::SignedMessage,
    of: PhantomData<fn() -> T>,
}

impl<T: Signable> Signed<T> {
    /// Signs a value for one audience.
    pub fn sign(value: &T, audience: &str, key: &SigningKey<T>) -> Self {
        let payload = value.encode();
        let signature = key.sign_bytes(&pre_authentication(T::CONTEXT, audience, &payload));
        let message =
            wire::SignedMessage { payload, key_id: key.id().as_str().to_owned(), signature: signature.to_vec() };
        Signed { message, of: PhantomData }
    }

    /// Checks the signature, then reads those same bytes.
    ///
    /// # Errors
    ///
    /// [`VerifyError`], which tells an unknown key from a wrong signature and from bytes that are
    /// rightly signed and do not parse.
    pub fn verify(&self, audience: &str, keys: &dyn Keyring) -> Result<Verified<T>, VerifyError> {
        let id = KeyId::parse(&self.message.key_id)?;
        let entry = keys.key(&id, T::USE).ok_or(VerifyError::UnknownKey)?;
        let signed = pre_authentication(T::CONTEXT, audience, &self.message.payload);
        if !entry.key.accepts(&signed, &self.message.signature) {
            return Err(VerifyError::WrongSignature);
        }
        let value = T::decode(&self.message.payload)?;
        Ok(Verified { value, signer: entry.owner, digest: self.digest() })
    }
}

impl<T> Signed<T> {
    /// Takes a message as it came.
    pub fn from_wire(message: wire::SignedMessage) -> Self {
        Signed { message, of: PhantomData }
    }

    /// The message, to be passed on.
    pub fn as_wire(&self) -> &wire::SignedMessage {
        &self.message
    }

    /// SHA-256 of the payload: what others cite it by.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.message.payload)
    }
}

impl<T> Clone for Signed<T> {
    fn clone(&self) -> Self {
        Signed { message: self.message.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({})", self.digest())
    }
}

/// A value whose signature was checked. Nothing but a check makes one.
#[derive(Clone)]
pub struct Verified<T> {
    value: T,
    signer: KeyOwner,
    digest: Digest,
}

impl<T> Verified<T> {
    pub(crate) fn new(value: T, signer: KeyOwner, digest: Digest) -> Self {
        Verified { value, signer, digest }
    }

    /// Who signed it.
    pub fn signer(&self) -> &KeyOwner {
        &self.signer
    }

    /// SHA-256 of the bytes that were signed.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

impl<T> Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> fmt::Debug for Verified<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verified({})", self.digest)
    }
}

/// Why a signed message was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The register knows no such key for this use.
    #[error("the register knows no such key for this use")]
    UnknownKey,
    /// The signature does not fit these bytes, this context, this audience or this key.
    #[error("the signature does not fit")]
    WrongSignature,
    /// The signed bytes, or what is around them, do not parse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// DSSE pre-authentication encoding: `DSSEv1 SP len(type) SP type SP len(body) SP body`, where the
/// type is the context and the audience.
pub(crate) fn pre_authentication(context: &str, audience: &str, payload: &[u8]) -> Vec<u8> {
    let kind = format!("{context};aud={audience}");
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}
