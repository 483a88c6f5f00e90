//! Answers on their way out of one connection, and how long they may take.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::occupancy::InFlight;

/// The answers of one connection that have not left wholly.
pub(super) struct Departures {
    time: Duration,
    board: Mutex<Board>,
}

/// By number, which is also the order of their deadlines: all have the same time.
#[derive(Default)]
struct Board {
    next: u64,
    deadlines: BTreeMap<u64, Instant>,
}

impl Departures {
    pub(super) fn new(time: Duration) -> Arc<Self> {
        Arc::new(Departures { time, board: Mutex::default() })
    }

    /// One more answer, of that call, which is in flight until the answer has left. That of a call that lasts
    /// has no deadline.
    pub(super) fn begin(self: &Arc<Self>, call: Option<Arc<InFlight>>, lasts: bool) -> Arc<Departure> {
        let now = Instant::now();
        let mut board = self.board();
        let number = board.next;
        board.next = number.wrapping_add(1);
        if !lasts {
            board.deadlines.insert(number, now.checked_add(self.time).unwrap_or(now));
        }
        drop(board);
        Arc::new(Departure { departures: Arc::clone(self), number, _call: call })
    }

    /// Ends when an answer has not left in its time. A connection asks for this beside hyper, which looks
    /// neither at an answer's body nor at its data while the caller takes nothing.
    pub(super) async fn overdue(&self) {
        loop {
            match self.first() {
                Some(deadline) if deadline <= Instant::now() => return,
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                // None that begins in the meantime is due any sooner.
                None => tokio::time::sleep(self.time).await,
            }
        }
    }

    fn first(&self) -> Option<Instant> {
        self.board().deadlines.first_key_value().map(|(_, deadline)| *deadline)
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer on its way, until this is dropped.
pub(super) struct Departure {
    departures: Arc<Departures>,
    number: u64,
    /// Held, so that what nobody takes counts against whoever does not take it.
    _call: Option<Arc<InFlight>>,
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.departures.board().deadlines.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_that_has_not_left_in_its_time_is_overdue() {
        let departures = Departures::new(TIME);
        let began = Instant::now();
        let in_time = departures.begin(None, false);
        tokio::time::advance(Duration::from_secs(10)).await;
        let late = departures.begin(None, false);
        drop(in_time);
        departures.overdue().await;
        assert_eq!(began.elapsed(), Duration::from_secs(40));
        drop(late);
        assert!(departures.board().deadlines.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_overdue_on_a_connection_that_idles() {
        let overdue = async { Departures::new(TIME).overdue().await };
        assert!(tokio::time::timeout(TIME * 10, overdue).await.is_err());
    }
}
