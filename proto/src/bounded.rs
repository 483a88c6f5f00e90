//! Lengths and counts of what arrives, held against [`limit`].

use crate::{Malformed, limit};

/// Text of at most `most` characters; `expected` says so in words.
///
/// # Errors
///
/// [`Malformed`] naming `field`.
pub fn text(field: &'static str, text: &str, most: usize, expected: &'static str) -> Result<String, Malformed> {
    if text.len() <= most || text.chars().count() <= most {
        Ok(text.to_owned())
    } else {
        Err(Malformed::new(field, expected))
    }
}

/// A version of software, which operators of other parties read: 1 to 64 of `A-Z a-z 0-9 . + _ -`.
///
/// # Errors
///
/// [`Malformed`] naming `software`.
pub fn software(text: &str) -> Result<String, Malformed> {
    let fits = (1..=limit::SOFTWARE_CHARS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".+_-".contains(&byte));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Malformed::new("software", "1 to 64 of A-Z, a-z, 0-9, '.', '+', '_' and '-'"))
    }
}

/// A list of at most `most` entries; `expected` says so in words.
///
/// # Errors
///
/// [`Malformed`] naming `field`.
pub fn list<T>(field: &'static str, list: &[T], most: usize, expected: &'static str) -> Result<(), Malformed> {
    if list.len() <= most { Ok(()) } else { Err(Malformed::new(field, expected)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_of_software_is_one_short_word_that_steers_nothing() {
        for good in ["0.1.0", "1.2.3-rc.1+build_7", &"9".repeat(limit::SOFTWARE_CHARS)] {
            assert_eq!(software(good).unwrap(), good);
        }
        let long = "9".repeat(limit::SOFTWARE_CHARS + 1);
        for wrong in ["", "0.1.0\nRVV attached", "0.1 0", "0.1\u{202e}0", "0.1\u{9b}2J", "0.1\u{e9}", &long] {
            assert_eq!(software(wrong).unwrap_err().field, "software", "{wrong:?}");
        }
    }
}
