//! What stands for a person in a broker's log.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use weald_proto::{Malformed, NhsNumber};
use zeroize::Zeroizing;

const CONTEXT: &[u8] = b"weald/v1/audit-pseudonym\0";
const FORM: Malformed = Malformed::new("patient", "a pseudonym: 64 hexadecimal digits in lower case");

/// The secret that makes pseudonyms. Whoever holds it can tell whether an entry is about a given
/// person; without it, trying all NHS numbers tells nothing.
#[derive(Clone)]
pub struct PseudonymKey(Zeroizing<[u8; 64]>);

impl PseudonymKey {
    /// The key of these 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        let mut block = Zeroizing::new([0; 64]);
        // HMAC fills a shorter key up to its block with zeros.
        block.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        PseudonymKey(block)
    }

    /// What stands for that person: HMAC-SHA-256 (RFC 2104) of the number.
    pub fn pseudonym(&self, number: &NhsNumber) -> Pseudonym {
        let mut mac = Hmac::<Sha256>::new(&(*self.0).into());
        mac.update(CONTEXT);
        mac.update(number.expose().as_bytes());
        Pseudonym(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(..)")
    }
}

/// What stands for a person in a broker's log: the same for the same person under the same key.
///
/// Still personal data to whoever holds the key, so `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(String);

impl Pseudonym {
    pub(crate) fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if fits { Ok(Pseudonym(text.to_owned())) } else { Err(FORM) }
    }

    /// The 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pseudonym(key: u8, number: &str) -> Pseudonym {
        PseudonymKey::new([key; 32]).pseudonym(&NhsNumber::parse(number).unwrap())
    }

    #[test]
    fn the_same_person_has_the_same_pseudonym_under_the_same_key_only() {
        assert_eq!(pseudonym(1, "9990000018"), pseudonym(1, "9990000018"));
        assert_ne!(pseudonym(1, "9990000018"), pseudonym(2, "9990000018"));
        assert_ne!(pseudonym(1, "9990000018"), pseudonym(1, "9990000050"));
    }

    #[test]
    fn a_pseudonym_parses_back_and_an_nhs_number_is_none() {
        let pseudonym = pseudonym(1, "9990000018");
        assert_eq!(Pseudonym::parse(pseudonym.as_str()), Ok(pseudonym));
        assert_eq!(Pseudonym::parse("9990000018"), Err(FORM));
    }

    #[test]
    fn neither_key_nor_pseudonym_prints_itself() {
        assert_eq!(format!("{:?}", PseudonymKey::new([7; 32])), "PseudonymKey(..)");
        assert_eq!(format!("{:?}", pseudonym(1, "9990000018")), "Pseudonym(..)");
    }
}
