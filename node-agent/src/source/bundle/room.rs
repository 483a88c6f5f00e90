//! Room for files while they are parsed: however many readings there are at once, memory has a bound.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::file::FILE_BYTES;
use crate::source::cancel::Cancel;

/// How often somebody who waits looks whether they are still wanted.
const STEP: Duration = Duration::from_millis(20);

/// Room for one file of the largest size, or for many small ones.
#[derive(Default)]
pub(crate) struct Room {
    taken: Mutex<u64>,
    freed: Condvar,
}

/// Room for one file, until it is dropped.
pub(crate) struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    /// Waits until there is room for a file of that size; `None` once nobody waits for the reading.
    pub(crate) fn take(&self, bytes: u64, cancel: &Cancel) -> Option<Taken<'_>> {
        let bytes = bytes.min(FILE_BYTES);
        let mut taken = self.lock();
        while taken.saturating_add(bytes) > FILE_BYTES {
            if cancel.is_cancelled() {
                return None;
            }
            (taken, _) = self.freed.wait_timeout(taken, STEP).unwrap_or_else(PoisonError::into_inner);
        }
        *taken = taken.saturating_add(bytes);
        Some(Taken { room: self, bytes })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        *taken = taken.saturating_sub(self.bytes);
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_have_room_beside_each_other_and_a_large_one_waits() {
        let (room, cancel) = (Room::default(), Cancel::default());
        let (first, second) = (room.take(FILE_BYTES / 2, &cancel), room.take(FILE_BYTES / 2, &cancel));
        assert!(first.is_some() && second.is_some());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| room.take(u64::MAX, &cancel).is_some());
            drop((first, second));
            assert!(waiting.join().unwrap());
        });
        assert_eq!(*room.lock(), 0);
    }

    #[test]
    fn a_reading_that_nobody_waits_for_waits_for_no_room() {
        let (room, cancel) = (Room::default(), Cancel::default());
        let held = room.take(FILE_BYTES, &cancel);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| room.take(1, &cancel).is_none());
            cancel.cancel();
            assert!(waiting.join().unwrap());
        });
        drop(held);
    }
}
