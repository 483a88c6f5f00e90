//! Lengths and counts of what arrives, held against [`limit`](crate::limit).

use crate::Malformed;

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

/// A list of at most `most` entries; `expected` says so in words.
///
/// # Errors
///
/// [`Malformed`] naming `field`.
pub fn list<T>(field: &'static str, list: &[T], most: usize, expected: &'static str) -> Result<(), Malformed> {
    if list.len() <= most { Ok(()) } else { Err(Malformed::new(field, expected)) }
}
