//! What is wrong with a configuration.

use std::cell::RefCell;
use std::fmt;

use super::place::Place;

/// One thing that is wrong with a configuration, or with what it points at. Holds no value of a field: a value may
/// be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// One line: `FILE:LINE:COLUMN: field ``x.y``: what is wrong; remedy`.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, one_line(&self.what), one_line(&self.remedy))
    }
}

/// Parsers' messages may be drawn over several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// All faults that were found so far. Whoever finds one notes it and goes on with what does not depend on it.
#[derive(Debug, Default)]
pub struct Faults(RefCell<Vec<Fault>>);

impl Faults {
    /// Notes a fault.
    pub fn note(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) {
        let fault = Fault { place: place.clone(), what: what.into(), remedy: remedy.into() };
        self.0.borrow_mut().push(fault);
    }

    /// Notes a fault, and gives the value that there is because of it: none.
    pub fn refuse<T>(&self, place: &Place, what: impl Into<String>, remedy: impl Into<String>) -> Option<T> {
        self.note(place, what, remedy);
        None
    }

    /// Says in the log what will soon be a fault.
    pub fn warn(&self, place: &Place, what: &str, remedy: &str) {
        tracing::warn!(%place, remedy, "{what}");
    }

    /// True if none was noted.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// All of them, in the order of the file.
    pub fn into_sorted(self) -> Vec<Fault> {
        let mut faults = self.0.into_inner();
        faults.sort_by_key(|fault| fault.place.position);
        faults
    }
}
