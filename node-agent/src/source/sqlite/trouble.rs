//! What of a database cannot be used at the moment: told when it begins, and when it is over.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::source::notice::Notice;

/// What could not be used when it was last tried, by place.
#[derive(Default)]
pub(crate) struct Troubles(Mutex<BTreeMap<String, String>>);

impl Troubles {
    /// Notes how it went with a section, a count, or the database as a whole. Logs it if it changed.
    pub(crate) fn note(&self, database: &str, place: &str, went: Result<(), &str>) {
        let mut troubles = self.lock();
        let before = troubles.get(place).map(String::as_str);
        match went {
            Err(problem) if before == Some(problem) => {}
            Err(problem) => {
                tracing::warn!(database, place, problem, "part of a database cannot be used");
                troubles.insert(place.to_owned(), problem.to_owned());
            }
            Ok(()) if before.is_none() => {}
            Ok(()) => {
                tracing::info!(database, place, "it can be used again");
                troubles.remove(place);
            }
        }
    }

    /// Everything that could not be used, in order of its places.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        self.lock().iter().map(|(place, problem)| Notice::new(place, problem)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_there_until_it_goes_well() {
        let troubles = Troubles::default();
        troubles.note("a.sqlite", "sections.results", Err("no such table"));
        troubles.note("a.sqlite", "sections.allergies", Ok(()));
        assert_eq!(troubles.notices(), [Notice::new("sections.results", "no such table")]);
        troubles.note("a.sqlite", "sections.results", Err("no such column"));
        assert_eq!(troubles.notices(), [Notice::new("sections.results", "no such column")]);
        troubles.note("a.sqlite", "sections.results", Ok(()));
        assert_eq!(troubles.notices(), []);
    }
}
