//! The person whom a view is about, as the requester names them.

use std::fmt;

use crate::{Malformed, NhsNumber, limit};

/// A birth date: `YYYY-MM-DD`. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate(String);

impl BirthDate {
    /// Parses a calendar date.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for anything that is not a date of the form `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let date = text.parse::<jiff::civil::Date>().ok().filter(|_| text.len() == 10);
        date.map(|_| BirthDate(text.to_owned())).ok_or(Malformed::new("birth_date", "a date YYYY-MM-DD"))
    }

    /// The date, for a message; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BirthDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthDate(..)")
    }
}

/// A family name as written. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyName(String);

impl FamilyName {
    /// Parses a name.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it holds no letter or is longer than 256 characters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.chars().any(char::is_alphabetic) && text.chars().count() <= limit::TEXT_CHARS {
            Ok(FamilyName(text.to_owned()))
        } else {
            Err(Malformed::new("family_name", "a name of at most 256 characters"))
        }
    }

    /// The name, for a message; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for FamilyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FamilyName(..)")
    }
}

/// Number, birth date and family name: all three, because the identity gate needs them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Patient {
    /// NHS number.
    pub nhs_number: NhsNumber,
    /// Birth date.
    pub birth_date: BirthDate,
    /// Family name.
    pub family_name: FamilyName,
}
