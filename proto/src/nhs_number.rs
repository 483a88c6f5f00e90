//! NHS numbers.

use std::fmt;

use crate::Malformed;

/// A well-formed NHS number: ten digits whose last is the mod 11 check digit.
///
/// Well formed is not issued, and not verified. Has no `Display`, and `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// The URI of the number's namespace in FHIR.
    pub const SYSTEM: &'static str = "https://fhir.nhs.uk/Id/nhs-number";

    /// Parses ten digits without spaces.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it is not ten digits or the check digit is wrong.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes: [u8; 10] = text
            .as_bytes()
            .try_into()
            .ok()
            .filter(|bytes: &[u8; 10]| bytes.iter().all(u8::is_ascii_digit))
            .ok_or(Malformed::new("nhs_number", "ten digits without spaces"))?;
        if check_digit(&bytes) == bytes.last().copied() {
            Ok(NhsNumber(bytes))
        } else {
            Err(Malformed::new("nhs_number", "ten digits with a correct check digit"))
        }
    }

    /// The ten digits, for a message or a local system; never for a log.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// The check digit that the first nine digits ask for; none when it would be ten.
fn check_digit(digits: &[u8; 10]) -> Option<u8> {
    let sum: u32 =
        digits.iter().take(9).zip((2..=10).rev()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    match 11 - sum % 11 {
        11 => Some(b'0'),
        10 => None,
        digit => u8::try_from(digit).ok().map(|digit| b'0' + digit),
    }
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NhsNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_a_correct_check_digit_parse() {
        for text in ["9434765919", "9876543210", "9000000009", "9912003888", "4010232137", "9999999999", "9990000050"] {
            assert!(NhsNumber::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn numbers_with_a_wrong_check_digit_or_shape_do_not() {
        for text in [
            "9000000000",
            "9990000000",
            "9987654321",
            "8449303649",
            "999000001",
            "999 000 0018",
            "99900000182",
            "999000001x",
            "",
        ] {
            assert!(NhsNumber::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn prefixes_without_a_check_digit_have_no_number() {
        for prefix in ["999000000", "999000014", "999000028"] {
            assert!((0..10).all(|digit| NhsNumber::parse(&format!("{prefix}{digit}")).is_err()));
        }
    }

    #[test]
    fn debug_prints_nothing_of_it() {
        let number = NhsNumber::parse("9990000018").unwrap();
        assert_eq!(format!("{number:?}"), "NhsNumber(..)");
    }
}
