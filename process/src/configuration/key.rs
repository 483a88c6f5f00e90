//! The keys that a table may have.

/// A key that a table may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// A value for it as it would stand in a file, for remedies.
    pub example: &'static str,
}

impl Key {
    /// A key and an example of its value.
    pub const fn new(name: &'static str, example: &'static str) -> Self {
        Key { name, example }
    }

    /// How to write it.
    pub(super) fn written(&self) -> String {
        format!("{} = {}", self.name, self.example)
    }
}
