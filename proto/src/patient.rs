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
    /// [`Malformed`] when it holds no letter, or a control character, or is longer than 256 characters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = text.chars().any(char::is_alphabetic)
            && !text.chars().any(char::is_control)
            && text.chars().count() <= limit::TEXT_CHARS;
        if fits {
            Ok(FamilyName(text.to_owned()))
        } else {
            Err(Malformed::new("family_name", "a name of at most 256 characters, without control characters"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_spelling_parse() {
        for name in ["O'Brien", "Smith-Jones", "van der Berg", "M\u{fc}ller", "\u{738b}", "St. John", "Schultz619"] {
            assert!(FamilyName::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn what_carries_something_else_along_does_not() {
        for name in ["", "  ", "--", "Smith\u{7}", "Smith\n"] {
            assert!(FamilyName::parse(name).is_err(), "{name:?}");
        }
        assert!(FamilyName::parse(&"a".repeat(257)).is_err());
    }

    #[test]
    fn a_birth_date_is_a_day_of_the_calendar() {
        assert!(BirthDate::parse("1938-03-14").is_ok());
        for date in ["1938-02-30", "1938-3-14", "14.03.1938", "1938", "1938-03-14T00:00:00"] {
            assert!(BirthDate::parse(date).is_err(), "{date}");
        }
    }

    #[test]
    fn nothing_of_a_person_prints() {
        let patient = Patient {
            nhs_number: NhsNumber::parse("9990000018").unwrap(),
            birth_date: BirthDate::parse("1938-03-14").unwrap(),
            family_name: FamilyName::parse("Example").unwrap(),
        };
        let printed = format!("{patient:?}");
        assert!(!printed.contains("999") && !printed.contains("1938") && !printed.contains("Example"));
    }
}
