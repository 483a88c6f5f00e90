//! Room for answers: how many bytes of them are in memory at one moment, over all views, and whose.
//!
//! An answer takes its room as soon as its first bytes say how large it is, before the others are read, and has it
//! until the last byte of what was made of it has left. A viewer app never has more than it leaves free, so that
//! whoever comes next finds room however much the others ask for: alone it may have half of all there is, and whoever
//! comes after it half of what is left. The same holds within the part of the room that the answers of any one
//! organisation may have: one that announces much and sends nothing is in nobody's way but its own. Small answers have
//! room of their own and do not wait behind large ones.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use weald_proto::{OdsCode, SpiffeId, limit};

use crate::shares::{Held, Organisations};

/// The answers of one organisation may have one part in so many of the room, and of that part, too, no viewer app has
/// more than it leaves free: the first has room for two of the largest answers, the next for one.
const PARTS: usize = 4;

/// Answers of one organisation that may wait for room, unread on its links, where 32 of them would stall whatever else
/// comes on a link ([`weald_certs::Link`]). Of these places, too, no viewer app has more than it leaves free.
const WAITING: usize = 24;

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
    organisations: Organisations,
    waiting: Organisations,
}

/// The room of one organisation's answer to one viewer app. It goes back when this is dropped.
pub struct Allowance {
    room: Arc<Room>,
    viewer: SpiffeId,
    organisation: OdsCode,
    taken: Mutex<Bytes>,
    waits: AtomicBool,
}

/// There is no room, and too many wait for it already.
#[derive(Debug)]
pub(crate) struct Crowded;

/// A place among those who wait for room, until it is dropped.
struct Place<'a> {
    lane: &'a Lane,
    viewer: &'a SpiffeId,
    organisation: &'a OdsCode,
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
        self.small.taken().all.amount() + self.large.taken().all.amount()
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
        let fits = taken.all.leaves_free(self.bytes, viewer, bytes)
            && taken.organisations.take(self.bytes / PARTS, organisation, viewer, bytes);
        if fits {
            taken.all.add(viewer, bytes);
        }
        fits
    }

    /// A place to wait, if there is one.
    fn wait<'a>(&'a self, viewer: &'a SpiffeId, organisation: &'a OdsCode) -> Result<Place<'a>, Crowded> {
        if !self.taken().waiting.take(WAITING, organisation, viewer, 1) {
            return Err(Crowded);
        }
        Ok(Place { lane: self, viewer, organisation })
    }

    fn give_back(&self, viewer: &SpiffeId, organisation: &OdsCode, bytes: usize) {
        if bytes == 0 {
            return;
        }
        let mut taken = self.taken();
        taken.all.remove(viewer, bytes);
        taken.organisations.give_back(organisation, viewer, bytes);
        drop(taken);
        self.freed.notify_waiters();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.lane.taken().waiting.give_back(self.organisation, self.viewer, 1);
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
        loop {
            let mut freed = pin!(self.lane(bytes).freed.notified());
            // From here on nothing that is given back is missed.
            freed.as_mut().enable();
            if self.takes(bytes) {
                break;
            }
            freed.await;
        }
    }

    /// The same for an answer that waits unread on its link.
    ///
    /// # Errors
    ///
    /// When so many wait there that one more could stall what comes on the same link. [`Self::waits`] stays true.
    pub(crate) async fn take_unread(&self, bytes: usize) -> Result<(), Crowded> {
        if !self.takes(bytes) {
            let _waits = self.lane(bytes).wait(&self.viewer, &self.organisation)?;
            self.take(bytes).await;
        }
        Ok(())
    }

    fn lane(&self, bytes: usize) -> &Lane {
        if bytes <= limit::SMALL_ANSWER_BYTES { &self.room.small } else { &self.room.large }
    }

    /// True if there was room.
    fn takes(&self, bytes: usize) -> bool {
        let fits = self.lane(bytes).take(&self.viewer, &self.organisation, bytes);
        self.waits.store(!fits, Ordering::Relaxed);
        if fits {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            let of_lane = if bytes <= limit::SMALL_ANSWER_BYTES { &mut taken.small } else { &mut taken.large };
            *of_lane = of_lane.saturating_add(bytes);
        }
        fits
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
    async fn those_who_wait_for_one_organisation_do_not_stall_its_link_and_the_rest_is_told_at_once() {
        let room = Arc::new(Room::new(Capacity::default()));
        let apps: Vec<String> = (0..16).map(|number| format!("A{number:02}")).collect();
        let mut held = Vec::new();
        for app in &apps {
            held.extend(greedily_of(&room, app, "N00", limit::SMALL_ANSWER_BYTES + 1).await);
        }
        let mut waiting = Vec::new();
        let mut crowded = 0;
        for app in apps.iter().flat_map(|app| std::iter::repeat_n(app, 8)) {
            let next = allowance(&room, app, "N00");
            let mut taking = Box::pin(async move { next.take_unread(limit::ANSWER_BYTES).await.map(|()| next) });
            tokio::select! {
                biased;
                taken = &mut taking => {
                    assert!(taken.is_err(), "there is no room");
                    crowded += 1;
                }
                () = yield_now() => waiting.push(taking),
            }
        }
        assert_eq!(waiting.len(), 8 + 8 + 4 + 2 + 1);
        assert_eq!(crowded, 16 * 8 - waiting.len());
        let another = allowance(&room, "A00", "N01");
        within(another.take_unread(limit::SMALL_ANSWER_BYTES + 1)).await.unwrap();
        held.clear();
        let first = within(waiting.swap_remove(0)).await;
        assert!(first.is_ok(), "whoever waits goes on");
        drop((waiting, first, another));
        assert!(room.large.taken().waiting.is_empty());
    }

    #[tokio::test]
    async fn everything_goes_back_also_what_was_given_up_while_it_waited() {
        let room = Arc::new(Room::new(Capacity::default()));
        let held = greedily(&room, "RVV").await;
        let given_up = allowance(&room, "RVV", "N00");
        tokio::select! {
            biased;
            _ = given_up.take_unread(limit::ANSWER_BYTES) => panic!("there is no room"),
            () = yield_now() => {}
        }
        drop((held, given_up));
        assert_eq!(room.taken(), 0);
        let taken = room.large.taken();
        assert!(taken.all.is_empty() && taken.organisations.is_empty() && taken.waiting.is_empty());
    }
}
