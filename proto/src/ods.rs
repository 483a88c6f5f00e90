//! ODS codes of organisations.

use std::fmt;
use std::str::FromStr;

use crate::Malformed;

/// An organisation's ODS code: 1 to 12 upper-case letters and digits, compared whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OdsCode(String);

impl OdsCode {
    /// The URI of the code's namespace in FHIR.
    pub const SYSTEM: &'static str = "https://fhir.nhs.uk/Id/ods-organization-code";

    /// Parses a code.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything but 1 to 12 of `A-Z 0-9`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if fits {
            Ok(OdsCode(text.to_owned()))
        } else {
            Err(Malformed::new("organisation", "an ODS code: 1 to 12 upper-case letters and digits"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OdsCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        OdsCode::parse(text)
    }
}

impl fmt::Display for OdsCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for OdsCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        OdsCode::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for OdsCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_trusts_practices_and_branches_parse() {
        for text in ["RVV", "RVV01", "G82001", "K81003001", "X9KCC"] {
            assert_eq!(OdsCode::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn lower_case_spaces_and_long_codes_do_not() {
        for text in ["", "rvv", "R VV", "RVV/", "ABCDEFGHIJKLM", "RVV\u{e9}"] {
            assert!(OdsCode::parse(text).is_err(), "{text}");
        }
    }
}
