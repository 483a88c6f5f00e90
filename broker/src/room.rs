//! Room for answers: how many bytes of them are in memory at one moment, over all views, and whose.
//!
//! An answer takes its room as soon as its first bytes say how large it is, before the others are read, and has it
//! until the last byte of what was made of it has left. A viewer app never has more than it leaves free: one alone
//! may have half of all there is, each of two a third, and so on, so that whoever comes next finds room however
//! much the others ask for. Small answers have room of their own and do not wait behind large ones.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weald_proto::{SpiffeId, limit};

/// How much there is room for. A broker that serves has the default, which is what the limits say; less than that
/// lets a drill fill it with little.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Bytes of large answers that are in memory at one moment, and of small ones.
    pub memory: usize,
    /// Bytes of one summary on the wire.
    pub summary: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Capacity { memory: limit::ANSWERS_BYTES, summary: limit::SUMMARY_BYTES }
    }
}

/// Room for the answers of everybody.
pub struct Room {
    small: Lane,
    large: Lane,
}

/// Room for answers of about one size.
struct Lane {
    bytes: usize,
    taken: Mutex<HashMap<SpiffeId, usize>>,
    freed: Notify,
}

/// The room of one answer to one viewer app. It goes back when this is dropped.
pub struct Allowance {
    room: Arc<Room>,
    viewer: SpiffeId,
    taken: Mutex<Taken>,
    waits: AtomicBool,
}

/// Bytes in either lane.
#[derive(Default, Clone, Copy)]
struct Taken {
    small: usize,
    large: usize,
}

impl Room {
    /// Nothing of it is taken.
    pub fn new(capacity: Capacity) -> Self {
        Room { small: Lane::new(capacity.memory), large: Lane::new(capacity.memory) }
    }

    /// Bytes that are taken.
    pub fn taken(&self) -> usize {
        self.small.all() + self.large.all()
    }
}

impl Lane {
    fn new(bytes: usize) -> Self {
        Lane { bytes, taken: Mutex::default(), freed: Notify::new() }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<SpiffeId, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> usize {
        self.taken().values().sum()
    }

    /// True if there was room.
    fn take(&self, viewer: &SpiffeId, bytes: usize) -> bool {
        let mut taken = self.taken();
        let mine = taken.get(viewer).copied().unwrap_or(0).saturating_add(bytes);
        let all = taken.values().sum::<usize>().saturating_add(bytes);
        let fits = mine <= self.bytes.saturating_sub(all);
        if fits {
            taken.insert(viewer.clone(), mine);
        }
        fits
    }

    fn give_back(&self, viewer: &SpiffeId, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut taken = self.taken();
        if let Some(mine) = taken.get_mut(viewer) {
            *mine = mine.saturating_sub(bytes);
            if *mine == 0 {
                taken.remove(viewer);
            }
        }
        drop(taken);
        self.freed.notify_waiters();
    }
}

impl Allowance {
    /// Nothing is taken yet.
    pub fn new(room: &Arc<Room>, viewer: &SpiffeId) -> Arc<Self> {
        Arc::new(Allowance {
            room: Arc::clone(room),
            viewer: viewer.clone(),
            taken: Mutex::default(),
            waits: AtomicBool::new(false),
        })
    }

    /// Takes room for so many bytes; waits for it if need be. The caller bounds the time.
    pub async fn take(&self, bytes: usize) {
        let is_small = bytes <= limit::SMALL_ANSWER_BYTES;
        let lane = if is_small { &self.room.small } else { &self.room.large };
        loop {
            let mut freed = pin!(lane.freed.notified());
            // From here on nothing that is given back is missed.
            freed.as_mut().enable();
            if lane.take(&self.viewer, bytes) {
                break;
            }
            self.waits.store(true, Ordering::Relaxed);
            freed.await;
        }
        self.waits.store(false, Ordering::Relaxed);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_lane = if is_small { &mut taken.small } else { &mut taken.large };
        *of_lane = of_lane.saturating_add(bytes);
    }

    /// True while, or if at the end, somebody waits for this room.
    pub fn waits(&self) -> bool {
        self.waits.load(Ordering::Relaxed)
    }
}

impl Drop for Allowance {
    fn drop(&mut self) {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        self.room.small.give_back(&self.viewer, taken.small);
        self.room.large.give_back(&self.viewer, taken.large);
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Room({} bytes taken)", self.taken())
    }
}

impl fmt::Debug for Allowance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let taken = *self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Allowance({} bytes)", taken.small + taken.large)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::yield_now;
    use weald_proto::{FederationName, OdsCode};

    use super::*;

    fn viewer(ods: &str) -> SpiffeId {
        let federation = FederationName::parse("kent.weald.example").unwrap();
        SpiffeId::viewer(&federation, &OdsCode::parse(ods).unwrap(), "emr").unwrap()
    }

    async fn within<T>(work: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), work).await.expect("work that ends")
    }

    /// Takes the largest answers until there is no more room.
    async fn greedily(room: &Arc<Room>, ods: &str) -> Vec<Arc<Allowance>> {
        let mut all = Vec::new();
        loop {
            let next = Allowance::new(room, &viewer(ods));
            tokio::select! {
                biased;
                () = next.take(limit::ANSWER_BYTES) => all.push(next),
                () = yield_now() => return all,
            }
        }
    }

    #[tokio::test]
    async fn one_viewer_app_has_half_of_the_room_and_the_next_still_finds_some() {
        let room = Arc::new(Room::new(Capacity::default()));
        let largest = limit::ANSWERS_BYTES / limit::ANSWER_BYTES;
        let first = greedily(&room, "RVV").await;
        let second = greedily(&room, "RYY").await;
        let third = greedily(&room, "RXX").await;
        assert_eq!(first.len(), largest / 2);
        assert_eq!(second.len(), largest / 4);
        assert_eq!(third.len(), largest / 8);
        assert!(room.taken() < limit::ANSWERS_BYTES);
    }

    #[tokio::test]
    async fn whoever_waits_goes_on_when_an_answer_has_left() {
        let room = Arc::new(Room::new(Capacity::default()));
        let mut held = greedily(&room, "RVV").await;
        let next = Allowance::new(&room, &viewer("RVV"));
        let waits = tokio::spawn({
            let next = Arc::clone(&next);
            async move { next.take(limit::ANSWER_BYTES).await }
        });
        while !next.waits() {
            yield_now().await;
        }
        held.pop();
        within(waits).await.unwrap();
        assert!(!next.waits());
    }

    #[tokio::test]
    async fn small_answers_do_not_wait_behind_large_ones() {
        let room = Arc::new(Room::new(Capacity::default()));
        let _held = greedily(&room, "RVV").await;
        within(Allowance::new(&room, &viewer("RVV")).take(limit::SMALL_ANSWER_BYTES)).await;
    }

    #[tokio::test]
    async fn everything_goes_back_also_what_was_given_up_while_it_waited() {
        let room = Arc::new(Room::new(Capacity::default()));
        let held = greedily(&room, "RVV").await;
        let given_up = Allowance::new(&room, &viewer("RVV"));
        tokio::select! {
            biased;
            () = given_up.take(limit::ANSWER_BYTES) => panic!("there is no room"),
            () = yield_now() => {}
        }
        drop((held, given_up));
        assert_eq!(room.taken(), 0);
        assert!(room.large.taken().is_empty());
    }
}
