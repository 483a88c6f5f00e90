//! Decisions that were made before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Decision;
use crate::circumstances::Combination;

/// Decisions by combination, never more than its capacity: when it is full all are forgotten, which
/// costs time and nothing else.
pub(crate) struct Remembered {
    capacity: usize,
    decisions: Mutex<HashMap<Combination, Arc<Decision>>>,
}

impl Remembered {
    /// Room for so many.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Remembered { capacity, decisions: Mutex::default() }
    }

    /// The decision of a combination, made now if it is not remembered. Two that ask at once may
    /// both make it; the same inputs give the same decision.
    pub(crate) fn or_make(&self, combination: Combination, make: impl FnOnce() -> Decision) -> Arc<Decision> {
        if let Some(decision) = self.decisions().get(&combination) {
            return Arc::clone(decision);
        }
        let decision = Arc::new(make());
        let mut decisions = self.decisions();
        if decisions.len() >= self.capacity {
            decisions.clear();
        }
        decisions.insert(combination, Arc::clone(&decision));
        decision
    }

    fn decisions(&self) -> MutexGuard<'_, HashMap<Combination, Arc<Decision>>> {
        self.decisions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Circumstances, RequesterKind};
    use std::collections::{BTreeMap, BTreeSet};
    use weald_proto::Purpose;

    fn combination(purpose: Purpose) -> Combination {
        let circumstances = Circumstances {
            kind: RequesterKind::Doctor,
            purpose,
            relationship: None,
            break_glass: None,
            requester_organisation: "RVV".parse().unwrap(),
            answering: None,
        };
        Combination::of(&circumstances, &BTreeSet::new())
    }

    fn nothing() -> Decision {
        Decision::of(BTreeMap::new())
    }

    #[test]
    fn a_decision_is_made_once_for_each_combination() {
        let remembered = Remembered::with_capacity(2);
        let first = remembered.or_make(combination(Purpose::Treatment), nothing);
        let again = remembered.or_make(combination(Purpose::Treatment), || panic!("made again"));
        assert!(Arc::ptr_eq(&first, &again));
        let other = remembered.or_make(combination(Purpose::Research), nothing);
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let remembered = Remembered::with_capacity(3);
        for purpose in Purpose::ALL {
            remembered.or_make(combination(*purpose), nothing);
            assert!(remembered.decisions().len() <= 3);
        }
    }
}
