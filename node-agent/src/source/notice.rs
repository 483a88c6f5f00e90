//! What a source could not use, for whoever runs the node.

use std::fmt;

/// Something in a local system that could not be used: named, never quoted.
///
/// Names a file, line, table or column and what is wrong with it; holds no value from a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notice {
    /// File, file and line, table, or column.
    pub place: String,
    /// What is wrong, and the remedy.
    pub problem: String,
}

impl Notice {
    pub(crate) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Notice { place: place.into(), problem: problem.into() }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}
