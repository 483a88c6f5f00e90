//! The assertion on the wire: a compact JWS (RFC 7515) with EdDSA (RFC 8037) and nothing else.
//!
//! One algorithm, one header shape: nothing in the token chooses how it is checked.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::key::{KeyId, KeyUse, Keyring, SigningKey};
use crate::{Assertion, Digest, Malformed, OdsCode, Signable as _, Verified, VerifyError, limit};

/// `typ` of the header.
const TYPE: &str = "weald-assertion+jwt";

/// An assertion as it was signed, not yet checked. Passed on verbatim.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedAssertion(String);

/// The header: these three members and no other.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

impl SignedAssertion {
    /// Takes a token as it came.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is too long or not three base64url parts.
    pub fn parse(token: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed =
            Malformed::new("assertion", "a compact JWS: three base64url parts of at most 8 KiB together");
        let in_alphabet = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let fits =
            token.len() <= limit::ASSERTION_BYTES && token.bytes().all(in_alphabet) && token.split('.').count() == 3;
        if fits { Ok(SignedAssertion(token.to_owned())) } else { Err(EXPECTED) }
    }

    /// Signs an assertion.
    pub fn sign(assertion: &Assertion, key: &SigningKey<Assertion>) -> Self {
        let header = Header { alg: "EdDSA".into(), typ: TYPE.into(), kid: key.id().as_str().to_owned() };
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(assertion.encode()));
        let signature = key.sign_bytes(input.as_bytes());
        SignedAssertion(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// Checks the signature, then reads those same bytes. The caller still holds the claims against
    /// its clock, its federation and whoever presents them.
    ///
    /// # Errors
    ///
    /// [`VerifyError`]; another algorithm is malformed, whatever the signature.
    pub fn verify(&self, keys: &dyn Keyring) -> Result<Verified<Assertion>, VerifyError> {
        const SHAPE: Malformed = Malformed::new("assertion", "a compact JWS");
        let (input, signature) = self.0.rsplit_once('.').ok_or(SHAPE)?;
        let (header, claims) = input.split_once('.').ok_or(SHAPE)?;
        let header: Header = serde_json::from_slice(&decode("header", header)?)
            .map_err(|_| Malformed::new("header", "the members alg, typ and kid"))?;
        if header.alg != "EdDSA" {
            return Err(Malformed::new("alg", "EdDSA").into());
        }
        if header.typ != TYPE {
            return Err(Malformed::new("typ", TYPE).into());
        }
        let entry = keys.key(&KeyId::parse(&header.kid)?, KeyUse::Assertion).ok_or(VerifyError::UnknownKey)?;
        if !entry.key.accepts(input.as_bytes(), &decode("signature", signature)?) {
            return Err(VerifyError::WrongSignature);
        }
        let assertion = Assertion::decode(&decode("claims", claims)?)?;
        Ok(Verified::new(assertion, entry.owner, self.digest()))
    }

    /// The key that the header names; says nothing of whether it signed.
    pub fn key_id(&self) -> Option<KeyId> {
        let header = decode("header", self.0.split('.').next()?).ok()?;
        KeyId::parse(&serde_json::from_slice::<Header>(&header).ok()?.kid).ok()
    }

    /// The issuer that the claims name, unverified: chooses between words, and decides nothing.
    pub(crate) fn claimed_issuer(&self) -> Option<OdsCode> {
        #[derive(serde::Deserialize)]
        struct Issued {
            iss: String,
        }
        let claims = decode("claims", self.0.split('.').nth(1)?).ok()?;
        OdsCode::parse(&serde_json::from_slice::<Issued>(&claims).ok()?.iss).ok()
    }

    /// SHA-256 of the token: what others cite it by.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }

    /// The token, for a header or a message; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, Malformed> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Malformed::new(field, "base64url without padding"))
}

impl fmt::Debug for SignedAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignedAssertion({})", self.digest())
    }
}
