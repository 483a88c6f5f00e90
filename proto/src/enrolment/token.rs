//! Tokens that entitle to one certificate, and what is shown of them: that somebody has one, never the token.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{Digest, Malformed, SpiffeId, limit, wire};

/// The fewest characters of a token: 128 bits in base64url.
const LEAST_TOKEN: usize = 22;
const ID: &str = "weald/v1/enrolment-token-id";
const KEY: &str = "weald/v1/enrolment-token-key";
const PROOF: &[u8] = b"weald/v1/enrolment-proof\0";

/// A token that the authority gave out for one enrolment. Nobody else but the newcomer ever has it: it is sent to
/// nobody, does not print, and is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken(Zeroizing<String>);

impl EnrolmentToken {
    /// Parses a token: 22 to 256 of `A-Z a-z 0-9 - _ .`. Whoever makes one makes it of 128 random bits at least: what
    /// it proves can be tried out against guesses.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other character or length. The text is wiped.
    pub fn parse(text: String) -> Result<Self, Malformed> {
        let token = EnrolmentToken(Zeroizing::new(text));
        let fits = (LEAST_TOKEN..=limit::TOKEN_CHARS).contains(&token.0.len())
            && token.0.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits { Ok(token) } else { Err(Malformed::new("token", "22 to 256 of A-Z, a-z, 0-9, '-', '_' and '.'")) }
    }

    /// The token, for whoever hands it over to the newcomer.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// By what it is known to those who do not have it: SHA-256 in the context `weald/v1/enrolment-token-id`.
    pub fn id(&self) -> Digest {
        Digest::in_context(ID, self.0.as_bytes())
    }

    /// Shows that whoever asks for this has the token.
    pub(super) fn prove(&self, asked: &Asked<'_>) -> TokenProof {
        TokenProof { token_id: self.id(), mac: self.mac(asked).finalize().into_bytes().into() }
    }

    /// True if it is this token that whoever asks for this has. Takes as long whether it is or not.
    pub(super) fn proves(&self, asked: &Asked<'_>, proof: &TokenProof) -> bool {
        self.mac(asked).verify_slice(&proof.mac).is_ok()
    }

    /// HMAC-SHA-256 (RFC 2104) of a context and each part, with its length in bytes before it.
    fn mac(&self, asked: &Asked<'_>) -> Hmac<Sha256> {
        let mut block = Zeroizing::new([0; 64]);
        // HMAC fills a shorter key up to its block with zeros.
        let key = Digest::in_context(KEY, self.0.as_bytes());
        block.iter_mut().zip(key.as_bytes()).for_each(|(place, byte)| *place = *byte);
        let mut mac = Hmac::<Sha256>::new(&(*block).into());
        mac.update(PROOF);
        let party = asked.party.to_string();
        let parts = [party.as_bytes(), asked.authority.as_bytes(), asked.certificate_request];
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken")
    }
}

/// What a token is used for, all of which its proof covers.
pub(super) struct Asked<'a> {
    /// For whom, which names the federation too.
    pub(super) party: &'a SpiffeId,
    /// Digest of the authority's root.
    pub(super) authority: &'a Digest,
    /// With which key.
    pub(super) certificate_request: &'a [u8],
}

/// Shows that somebody has a token, for one party, one authority and one key. Of no use for another, and to nobody who
/// has not that key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenProof {
    /// [`EnrolmentToken::id`] of the token.
    pub token_id: Digest,
    mac: [u8; 32],
}

impl TokenProof {
    pub(super) fn from_wire(message: &wire::TokenProof) -> Result<Self, Malformed> {
        Ok(TokenProof {
            token_id: Digest::parse("token_id", &message.token_id)?,
            mac: message.mac.as_slice().try_into().map_err(|_| Malformed::new("mac", "32 bytes"))?,
        })
    }

    pub(super) fn to_wire(&self) -> wire::TokenProof {
        wire::TokenProof { token_id: self.token_id.to_vec(), mac: self.mac.to_vec() }
    }
}
