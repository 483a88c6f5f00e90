//! Where something stands in a configuration.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// A place in a configuration: what a fault points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub(super) file: Arc<Path>,
    /// Line and column in characters, both from 1; none for the file as a whole.
    pub(super) position: Option<(usize, usize)>,
    /// The field with the tables around it, such as `organisation[0].tls.key`; empty outside of all.
    pub(super) field: String,
}

impl Place {
    /// A file as a whole.
    pub(crate) fn file(file: &Arc<Path>) -> Self {
        Place { file: Arc::clone(file), position: None, field: String::new() }
    }

    /// A place in a file that there is none of.
    #[cfg(test)]
    pub(crate) fn in_test(field: &str) -> Self {
        Place { file: Arc::from(Path::new("weald.toml")), position: Some((1, 1)), field: field.to_owned() }
    }

    /// The line, from 1; none for the file as a whole.
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// The field with the tables around it; empty outside of all.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if self.field.is_empty() { Ok(()) } else { write!(f, ": field `{}`", self.field) }
    }
}

/// A value of a configuration, and where it stands, so that what is found out about it later can point there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub place: Place,
}

impl<T> Placed<T> {
    /// Another value made of this one, at the same place.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Placed<U> {
        Placed { value: make(self.value), place: self.place }
    }
}
