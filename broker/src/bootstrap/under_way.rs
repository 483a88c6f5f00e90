//! How many of something everybody and anybody may have under way at once.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// So many places for all, of which one network has at most so many.
pub(super) struct Places {
    all: usize,
    each: usize,
    /// INVARIANT: no number is zero.
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, until it is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    network: IpAddr,
}

impl Places {
    pub(super) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Places { all, each, taken: Mutex::default() })
    }

    /// A place for whoever is in that network, if there is one.
    pub(super) fn take(self: &Arc<Self>, network: IpAddr) -> Option<Place> {
        let mut taken = self.taken();
        let own = taken.get(&network).copied().unwrap_or(0);
        if own >= self.each || taken.values().sum::<usize>() >= self.all {
            return None;
        }
        taken.insert(network, own.saturating_add(1));
        drop(taken);
        Some(Place { places: Arc::clone(self), network })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        let left = taken.get(&self.network).map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.network);
        } else {
            taken.insert(self.network, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_network_has_its_places_and_leaves_the_others_theirs_and_all_have_no_more_than_there_are() {
        let places = Places::new(5, 2);
        let take = |last: u8| places.take(IpAddr::from([192, 0, 2, last]));
        let first: Vec<_> = std::iter::from_fn(|| take(1)).collect();
        assert_eq!(first.len(), 2);
        let others = [take(2).unwrap(), take(2).unwrap(), take(3).unwrap()];
        assert!(take(4).is_none(), "there are five");
        drop(first);
        assert!(take(4).is_some());
        drop(others);
        assert!(places.taken().is_empty());
    }
}
