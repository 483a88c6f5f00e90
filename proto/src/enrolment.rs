//! How a party asks for its certificate, and what it gets.

use std::fmt;

use zeroize::{Zeroize as _, Zeroizing};

use crate::limit;
use crate::wire::{self, enrolment::Proof as WireProof};
use crate::{Digest, Malformed, SpiffeId};

/// The fewest characters of a token: 128 bits in base64url.
const LEAST_TOKEN: usize = 22;
/// The tag of a `SEQUENCE` (X.690, 8.9).
const SEQUENCE: u8 = 0x30;

/// A token that the authority gave out for one enrolment. Does not print, and is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolmentToken(Zeroizing<String>);

impl EnrolmentToken {
    /// Parses a token: 22 to 256 of `A-Z a-z 0-9 - _ .`.
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

    /// The token, for whoever compares or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EnrolmentToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnrolmentToken")
    }
}

/// What entitles somebody to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolmentProof {
    /// A token, which the authority takes once.
    Token(EnrolmentToken),
}

/// Asks the authority for a certificate. In good form; whether it is granted only the authority can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// For whom. Nobody has proved that yet.
    pub party: SpiffeId,
    /// SHA-256 of the root certificate, in DER, of the authority that is meant.
    pub authority: Digest,
    /// PKCS #10 in DER: the bytes of one `SEQUENCE`, and nothing else of it was looked at.
    pub certificate_request: Vec<u8>,
    /// What entitles to it.
    pub proof: EnrolmentProof,
}

impl Enrolment {
    /// From a message that arrived.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the field. Secrets of the message are wiped.
    pub fn from_wire(mut message: wire::Enrolment) -> Result<Self, Malformed> {
        let certificate_request = std::mem::take(&mut message.certificate_request);
        let proof = match message.proof.take() {
            Some(WireProof::Token(token)) => EnrolmentProof::Token(EnrolmentToken::parse(token)?),
            None => return Err(Malformed::new("proof", "a token")),
        };
        if certificate_request.len() > limit::CERTIFICATE_REQUEST_BYTES || !is_one_sequence(&certificate_request) {
            return Err(Malformed::new("certificate_request", "PKCS #10 in DER, 4 KiB at most"));
        }
        Ok(Enrolment {
            party: SpiffeId::parse(&message.party)?,
            authority: Digest::parse("authority", &message.authority)?,
            certificate_request,
            proof,
        })
    }

    /// As a message. It holds the secrets: whoever keeps it wipes it.
    pub fn to_wire(&self) -> wire::Enrolment {
        let EnrolmentProof::Token(token) = &self.proof;
        wire::Enrolment {
            party: self.party.to_string(),
            authority: self.authority.to_vec(),
            certificate_request: self.certificate_request.clone(),
            proof: Some(WireProof::Token(token.expose().to_owned())),
        }
    }
}

impl Drop for wire::Enrolment {
    /// A token stays in no message that was dropped.
    fn drop(&mut self) {
        if let Some(WireProof::Token(token)) = &mut self.proof {
            token.zeroize();
        }
    }
}

/// A certificate chain that was issued: at least the party's own, first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    chain: Vec<Vec<u8>>,
}

impl Enrolled {
    /// A chain of certificates in DER, the party's own first, without the root.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when there is none, more than 4, more than 16 KiB, or one is no DER.
    pub fn new(chain: Vec<Vec<u8>>) -> Result<Self, Malformed> {
        let bytes = chain.iter().fold(0_usize, |bytes, certificate| bytes.saturating_add(certificate.len()));
        let fits = (1..=limit::CHAIN).contains(&chain.len())
            && bytes <= limit::CHAIN_BYTES
            && chain.iter().all(|certificate| is_one_sequence(certificate));
        if fits { Ok(Enrolled { chain }) } else { Err(Malformed::new("chain", "1 to 4 certificates in DER")) }
    }

    /// From a message that arrived.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_wire(message: Option<wire::Enrolled>) -> Result<Self, Malformed> {
        Enrolled::new(message.map(|message| message.chain).unwrap_or_default())
    }

    /// As a message.
    pub fn to_wire(&self) -> wire::Enrolled {
        wire::Enrolled { chain: self.chain.clone() }
    }

    /// The chain.
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }
}

/// True for one DER element that is a `SEQUENCE` and ends where the bytes do.
fn is_one_sequence(der: &[u8]) -> bool {
    let length = |bytes: &[u8]| bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
    match der {
        [SEQUENCE, first @ 0..=0x7f, content @ ..] => content.len() == usize::from(*first),
        [SEQUENCE, 0x81, first, content @ ..] => content.len() == usize::from(*first),
        [SEQUENCE, 0x82, first, second, content @ ..] => content.len() == length(&[*first, *second]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "k7Jq2Vb0sYw3Zx8Lr5Tn1A";

    fn message() -> wire::Enrolment {
        Enrolment {
            party: SpiffeId::parse("spiffe://kent.weald.example/org/RVV/node").unwrap(),
            authority: Digest::of(b"root"),
            certificate_request: vec![0x30, 0x03, 0x02, 0x01, 0x00],
            proof: EnrolmentProof::Token(EnrolmentToken::parse(TOKEN.to_owned()).unwrap()),
        }
        .to_wire()
    }

    fn field(change: impl FnOnce(&mut wire::Enrolment)) -> &'static str {
        let mut message = message();
        change(&mut message);
        Enrolment::from_wire(message).unwrap_err().field
    }

    #[test]
    fn an_enrolment_survives_the_wire() {
        let enrolment = Enrolment::from_wire(message()).unwrap();
        assert_eq!(Enrolment::from_wire(enrolment.to_wire()).unwrap(), enrolment);
    }

    #[test]
    fn whatever_is_malformed_is_named() {
        assert_eq!(field(|m| m.party = "spiffe://kent.weald.example/org/RVV/node/".into()), "spiffe_id");
        assert_eq!(field(|m| m.authority = vec![0; 31]), "authority");
        assert_eq!(field(|m| m.proof = None), "proof");
        for wrong in ["short", "k7Jq2Vb0sYw3Zx8Lr5Tn1A\n", "k7Jq2Vb0sYw3Zx8Lr5Tn1\u{e9}"] {
            assert_eq!(field(|m| m.proof = Some(WireProof::Token(wrong.into()))), "token");
        }
        assert_eq!(field(|m| m.proof = Some(WireProof::Token("x".repeat(limit::TOKEN_CHARS + 1)))), "token");
        let long = limit::CERTIFICATE_REQUEST_BYTES;
        for wrong in [vec![], vec![0x30, 0x01], vec![0x30, 0x80, 0, 0], vec![0x31, 0x00], vec![0x30; long + 1]] {
            assert_eq!(field(|m| m.certificate_request = wrong), "certificate_request");
        }
    }

    #[test]
    fn a_chain_is_neither_empty_nor_long_nor_anything_else() {
        let certificate = || vec![0x30, 0x00];
        assert!(Enrolled::new(vec![certificate(); limit::CHAIN]).is_ok());
        let large = [vec![0x30, 0x82, 0x40, 0x00], vec![0; 0x4000]].concat();
        for wrong in [vec![], vec![certificate(); limit::CHAIN + 1], vec![vec![1, 2, 3]], vec![large]] {
            assert!(Enrolled::new(wrong).is_err());
        }
        assert!(Enrolled::from_wire(None).is_err());
    }

    #[test]
    fn a_token_is_printed_by_nothing_that_holds_it() {
        let enrolment = Enrolment::from_wire(message()).unwrap();
        assert!(!format!("{enrolment:?}").contains(TOKEN) && !format!("{:?}", enrolment.to_wire()).contains(TOKEN));
    }
}
