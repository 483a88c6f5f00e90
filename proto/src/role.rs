//! Job roles.

use std::fmt;

use crate::Malformed;

/// A job-role code, national (`R8000`) or local (`L-HCW`): 2 to 16 of `A-Z 0-9 -`.
///
/// Which kind of requester it makes is in the policy's role table; a code in no row is refused there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobRole(String);

impl JobRole {
    /// Parses a code.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other character or length.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (2..=16).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(JobRole(text.to_owned()))
        } else {
            Err(Malformed::new("role", "a job-role code: 2 to 16 of A-Z, 0-9 and '-'"))
        }
    }

    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for JobRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_and_local_codes_parse() {
        for code in ["R8000", "L-HCW"] {
            assert_eq!(JobRole::parse(code).unwrap().as_str(), code);
        }
    }

    #[test]
    fn other_characters_and_lengths_do_not() {
        for code in ["", "R", "r8000", "R 8000", "R8000\n", "R8000000000000000"] {
            assert!(JobRole::parse(code).is_err(), "{code:?}");
        }
    }
}
