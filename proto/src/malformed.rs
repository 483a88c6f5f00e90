//! What is wrong with something that arrived.

/// An input that does not parse: the field, and what it should have been.
///
/// Never holds the input itself, which may be personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {expected}")]
pub struct Malformed {
    /// The field, by its name in the .proto file or in the claims.
    pub field: &'static str,
    /// What it should have been.
    pub expected: &'static str,
}

impl Malformed {
    /// A fault in `field`, which should have been `expected`.
    pub const fn new(field: &'static str, expected: &'static str) -> Self {
        Malformed { field, expected }
    }
}
