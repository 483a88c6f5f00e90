//! How a party asks for its certificate, and what it gets.

mod token;

use crate::limit;
use crate::wire::{self, enrolment::Proof as WireProof};
use crate::{Digest, Malformed, SpiffeId};

use token::Asked;
pub use token::{EnrolmentToken, TokenProof};

/// The tag of a `SEQUENCE` (X.690, 8.9).
const SEQUENCE: u8 = 0x30;

/// What entitles somebody to a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnrolmentProof {
    /// That of a token, which the authority takes once.
    Token(TokenProof),
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
    /// Asks with a token, which does not go with it: what does is of use for this party, this authority and the key
    /// that signed this request only.
    pub fn with_token(
        token: &EnrolmentToken,
        party: SpiffeId,
        authority: Digest,
        certificate_request: Vec<u8>,
    ) -> Self {
        let asked = Asked { party: &party, authority: &authority, certificate_request: &certificate_request };
        let proof = EnrolmentProof::Token(token.prove(&asked));
        Enrolment { party, authority, certificate_request, proof }
    }

    /// True if whoever asked for exactly this had that token. Takes as long whether they had or not.
    pub fn is_with_token(&self, token: &EnrolmentToken) -> bool {
        let Enrolment { party, authority, certificate_request, proof: EnrolmentProof::Token(proof) } = self;
        token.proves(&Asked { party, authority, certificate_request }, proof)
    }

    /// From a message that arrived.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming the field.
    pub fn from_wire(message: wire::Enrolment) -> Result<Self, Malformed> {
        let wire::Enrolment { party, authority, certificate_request, proof } = message;
        let proof = match proof {
            Some(WireProof::Token(proof)) => EnrolmentProof::Token(TokenProof::from_wire(&proof)?),
            None => return Err(Malformed::new("proof", "that of a token")),
        };
        if certificate_request.len() > limit::CERTIFICATE_REQUEST_BYTES || !is_one_sequence(&certificate_request) {
            return Err(Malformed::new("certificate_request", "PKCS #10 in DER, 4 KiB at most"));
        }
        Ok(Enrolment {
            party: SpiffeId::parse(&party)?,
            authority: Digest::parse("authority", &authority)?,
            certificate_request,
            proof,
        })
    }

    /// As a message. There is no secret in it.
    pub fn to_wire(&self) -> wire::Enrolment {
        let EnrolmentProof::Token(proof) = &self.proof;
        wire::Enrolment {
            party: self.party.to_string(),
            authority: self.authority.to_vec(),
            certificate_request: self.certificate_request.clone(),
            proof: Some(WireProof::Token(proof.to_wire())),
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

    fn token() -> EnrolmentToken {
        EnrolmentToken::parse(TOKEN.to_owned()).unwrap()
    }

    fn enrolment() -> Enrolment {
        let party = SpiffeId::parse("spiffe://kent.weald.example/org/RVV/node").unwrap();
        Enrolment::with_token(&token(), party, Digest::of(b"root"), vec![0x30, 0x03, 0x02, 0x01, 0x00])
    }

    fn message() -> wire::Enrolment {
        enrolment().to_wire()
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
        let proof = |token_id: usize, mac: usize| {
            Some(WireProof::Token(wire::TokenProof { token_id: vec![0; token_id], mac: vec![0; mac] }))
        };
        assert_eq!(field(|m| m.proof = proof(31, 32)), "token_id");
        assert_eq!(field(|m| m.proof = proof(32, 33)), "mac");
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
    fn a_token_has_enough_characters_of_its_own_set() {
        assert!(EnrolmentToken::parse("x".repeat(limit::TOKEN_CHARS)).is_ok());
        let long = "x".repeat(limit::TOKEN_CHARS + 1);
        for wrong in ["short", "k7Jq2Vb0sYw3Zx8Lr5Tn1A\n", "k7Jq2Vb0sYw3Zx8Lr5Tn1\u{e9}", &long] {
            assert_eq!(EnrolmentToken::parse(wrong.to_owned()).unwrap_err().field, "token");
        }
    }

    #[test]
    fn a_proof_is_of_use_for_no_other_key_party_authority_or_token() {
        let enrolment = enrolment();
        assert!(enrolment.is_with_token(&token()));
        let changed: [fn(&mut Enrolment); 5] = [
            |enrolment| enrolment.certificate_request[4] = 1,
            |enrolment| enrolment.party = SpiffeId::parse("spiffe://kent.weald.example/org/RVW/node").unwrap(),
            |enrolment| enrolment.party = SpiffeId::parse("spiffe://sussex.weald.example/org/RVV/node").unwrap(),
            |enrolment| enrolment.authority = Digest::of(b"another root"),
            |enrolment| enrolment.certificate_request.push(0),
        ];
        for (number, change) in changed.into_iter().enumerate() {
            let mut other = enrolment.clone();
            change(&mut other);
            assert!(!other.is_with_token(&token()), "change {number}");
        }
        let of_another = EnrolmentToken::parse("x".repeat(22)).unwrap();
        assert!(!enrolment.is_with_token(&of_another) && of_another.id() != token().id());
    }

    #[test]
    fn the_proof_is_the_one_that_the_contract_spells_out() {
        let EnrolmentProof::Token(proof) = enrolment().proof;
        let wire::TokenProof { token_id, mac } = proof.to_wire();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&token_id), "a6a35508873bcf132c2150d9ae1af51aaa1b94d4a8fc494479c13c893cb6136d");
        assert_eq!(hex(&mac), "e426350c0a2267b51f4cd133209c3d26946b546827d4d9690f3f6ca66a2d1e55");
    }

    #[test]
    fn a_token_is_printed_by_nothing_that_has_it_and_is_in_no_message() {
        let enrolment = enrolment();
        assert!(!format!("{:?} {enrolment:?} {:?}", token(), enrolment.to_wire()).contains(TOKEN));
        let sent = prost::Message::encode_to_vec(&enrolment.to_wire());
        assert!(!sent.windows(TOKEN.len()).any(|bytes| bytes == TOKEN.as_bytes()));
    }
}
