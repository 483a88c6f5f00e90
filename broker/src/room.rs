//! Room for answers: how many bytes of them are in memory at one moment, over all views, and whose.
//!
//! An answer takes its room as soon as its first bytes say how large it is, before the others are read, and has it
//! until the last byte of what was made of it has left. A viewer app never has more than it leaves free, so that
//! whoever comes next finds room however much the others ask for: alone it may have half of all there is, and whoever
//! comes after it half of what is left. The same holds within the part of the room that the answers of any one
//! organisation may have: one that announces much and sends nothing is in nobody's way but its own. Small answers have
//! room of their own and do not wait behind large ones.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weald_proto::{OdsCode, SpiffeId, limit};

/// The answers of one organisation may have one part in so many of the room, and of that part, too, no viewer app has
/// more than it leaves free: the first has room for two of the largest answers, the next for one.
const PARTS: usize = 4;

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
    taken: Mutex<Taken>,
    freed: Notify,
}

/// What is taken of a lane.
#[derive(Default)]
struct Taken {
    all: Held,
    organisations: HashMap<OdsCode, Held>,
}

/// Bytes that are held, and by which viewer apps.
#[derive(Default)]
struct Held {
    all: usize,
    viewers: HashMap<SpiffeId, usize>,
}

/// The room of one organisation's answer to one viewer app. It goes back when this is dropped.
pub struct Allowance {
    room: Arc<Room>,
    viewer: SpiffeId,
    organisation: OdsCode,
    taken: Mutex<Bytes>,
    waits: AtomicBool,
}

/// Bytes in either lane.
#[derive(Default, Clone, Copy)]
struct Bytes {
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
        self.small.taken().all.all + self.large.taken().all.all
    }
}

impl Lane {
    fn new(bytes: usize) -> Self {
        Lane { bytes, taken: Mutex::default(), freed: Notify::new() }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if there was room.
    fn take(&self, viewer: &SpiffeId, organisation: &OdsCode, bytes: usize) -> bool {
        let mut taken = self.taken();
        let Taken { all, organisations } = &mut *taken;
        let its = organisations.entry(organisation.clone()).or_default();
        let fits = all.leaves_free(self.bytes, viewer, bytes) && its.leaves_free(self.bytes / PARTS, viewer, bytes);
        if fits {
            all.add(viewer, bytes);
            its.add(viewer, bytes);
        } else if its.viewers.is_empty() {
            organisations.remove(organisation);
        }
        fits
    }

    fn give_back(&self, viewer: &SpiffeId, organisation: &OdsCode, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut taken = self.taken();
        taken.all.remove(viewer, bytes);
        if let Some(its) = taken.organisations.get_mut(organisation) {
            its.remove(viewer, bytes);
            if its.viewers.is_empty() {
                taken.organisations.remove(organisation);
            }
        }
        drop(taken);
        self.freed.notify_waiters();
    }
}

impl Held {
    /// True if, with so many bytes more, the viewer app has no more than it leaves free of so much room.
    fn leaves_free(&self, room: usize, viewer: &SpiffeId, bytes: usize) -> bool {
        let mine = self.viewers.get(viewer).copied().unwrap_or(0).saturating_add(bytes);
        mine <= room.saturating_sub(self.all.saturating_add(bytes))
    }

    fn add(&mut self, viewer: &SpiffeId, bytes: usize) {
        self.all = self.all.saturating_add(bytes);
        let mine = self.viewers.entry(viewer.clone()).or_default();
        *mine = mine.saturating_add(bytes);
    }

    fn remove(&mut self, viewer: &SpiffeId, bytes: usize) {
        self.all = self.all.saturating_sub(bytes);
        if let Some(mine) = self.viewers.get_mut(viewer) {
            *mine = mine.saturating_sub(bytes);
            if *mine == 0 {
                self.viewers.remove(viewer);
            }
        }
    }
}

impl Allowance {
    /// Nothing is taken yet.
    pub fn new(room: &Arc<Room>, viewer: &SpiffeId, organisation: &OdsCode) -> Arc<Self> {
        Arc::new(Allowance {
            room: Arc::clone(room),
            viewer: viewer.clone(),
            organisation: organisation.clone(),
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
            if lane.take(&self.viewer, &self.organisation, bytes) {
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
        self.room.small.give_back(&self.viewer, &self.organisation, taken.small);
        self.room.large.give_back(&self.viewer, &self.organisation, taken.large);
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

    fn allowance(room: &Arc<Room>, ods: &str, organisation: &str) -> Arc<Allowance> {
        Allowance::new(room, &viewer(ods), &OdsCode::parse(organisation).unwrap())
    }

    /// Takes answers of that size, of one organisation, until there is no more room.
    async fn greedily_of(room: &Arc<Room>, ods: &str, organisation: &str, bytes: usize) -> Vec<Arc<Allowance>> {
        let mut all = Vec::new();
        loop {
            let next = allowance(room, ods, organisation);
            tokio::select! {
                biased;
                () = next.take(bytes) => all.push(next),
                () = yield_now() => return all,
            }
        }
    }

    /// Takes the largest answers of one organisation after the other until there is no more room.
    async fn greedily(room: &Arc<Room>, ods: &str) -> Vec<Arc<Allowance>> {
        let mut all = Vec::new();
        for number in 0..16 {
            all.extend(greedily_of(room, ods, &format!("N{number:02}"), limit::ANSWER_BYTES).await);
        }
        all
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
    async fn an_organisation_has_a_part_of_the_room_however_many_ask_it_and_the_others_have_theirs() {
        let room = Arc::new(Room::new(Capacity::default()));
        let mut held = Vec::new();
        for (app, largest) in [("RVV", 2), ("RYY", 1), ("RXX", 0)] {
            let its = greedily_of(&room, app, "N00", limit::ANSWER_BYTES).await;
            assert_eq!(its.len(), largest, "{app}");
            held.extend(its);
            held.extend(greedily_of(&room, app, "N00", limit::SMALL_ANSWER_BYTES + 1).await);
        }
        assert!(room.taken() <= limit::ANSWERS_BYTES / PARTS);
        for app in ["RVV", "RYY", "RXX"] {
            let other = allowance(&room, app, "N01");
            within(other.take(limit::ANSWER_BYTES)).await;
            held.push(other);
        }
    }

    #[tokio::test]
    async fn two_organisations_that_have_all_they_can_leave_one_viewer_app_room_for_a_third() {
        let room = Arc::new(Room::new(Capacity::default()));
        let mut held = greedily_of(&room, "RVV", "N00", limit::SMALL_ANSWER_BYTES + 1).await;
        held.extend(greedily_of(&room, "RVV", "N01", limit::SMALL_ANSWER_BYTES + 1).await);
        within(allowance(&room, "RVV", "N02").take(limit::ANSWER_BYTES)).await;
    }

    #[tokio::test]
    async fn whoever_waits_goes_on_when_an_answer_has_left() {
        let room = Arc::new(Room::new(Capacity::default()));
        let mut held = greedily(&room, "RVV").await;
        let next = allowance(&room, "RVV", "N15");
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
        within(allowance(&room, "RVV", "N00").take(limit::SMALL_ANSWER_BYTES)).await;
    }

    #[tokio::test]
    async fn everything_goes_back_also_what_was_given_up_while_it_waited() {
        let room = Arc::new(Room::new(Capacity::default()));
        let held = greedily(&room, "RVV").await;
        let given_up = allowance(&room, "RVV", "N00");
        tokio::select! {
            biased;
            () = given_up.take(limit::ANSWER_BYTES) => panic!("there is no room"),
            () = yield_now() => {}
        }
        drop((held, given_up));
        assert_eq!(room.taken(), 0);
        let taken = room.large.taken();
        assert!(taken.all.viewers.is_empty() && taken.organisations.is_empty());
    }
}
