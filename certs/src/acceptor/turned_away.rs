//! Connections for which there was no room: they are not closed at once, or whoever opened them would be back at once.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

/// How long a connection that was turned away is kept, unread.
const KEPT_TIME: Duration = Duration::from_millis(500);
/// How many of those are kept. Beyond: the oldest is closed.
const KEPT: usize = 512;
/// After so many that were turned away others have their turn.
const AT_A_STRETCH: usize = 16;

/// Those that were turned away and are not closed yet. Each costs a socket and nothing else.
pub(super) struct TurnedAway<S> {
    oldest_first: VecDeque<(Instant, S)>,
    at_a_stretch: usize,
}

impl<S> Default for TurnedAway<S> {
    fn default() -> Self {
        TurnedAway { oldest_first: VecDeque::new(), at_a_stretch: 0 }
    }
}

impl<S> TurnedAway<S> {
    /// One more.
    pub(super) async fn keep(&mut self, stream: S) {
        let now = Instant::now();
        if self.oldest_first.len() >= KEPT {
            self.oldest_first.pop_front();
        }
        self.oldest_first.push_back((now.checked_add(KEPT_TIME).unwrap_or(now), stream));
        self.pause().await;
    }

    /// Ends when the oldest has been kept long enough; never if there is none.
    pub(super) async fn due(&self) {
        match self.oldest_first.front() {
            Some((until, _)) => sleep_until(*until).await,
            None => std::future::pending().await,
        }
    }

    /// Closes the oldest.
    pub(super) async fn close(&mut self) {
        self.oldest_first.pop_front();
        self.pause().await;
    }

    /// A crowd at the door must not keep a thread from those who were let in.
    async fn pause(&mut self) {
        self.at_a_stretch = self.at_a_stretch.saturating_add(1);
        if self.at_a_stretch >= AT_A_STRETCH {
            self.at_a_stretch = 0;
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_is_turned_away_is_kept_for_a_while_and_then_closed_the_oldest_first() {
        let mut turned_away = TurnedAway::default();
        let (first, second) = (Arc::new(()), Arc::new(()));
        let began = Instant::now();
        turned_away.keep(Arc::clone(&first)).await;
        tokio::time::advance(Duration::from_millis(200)).await;
        turned_away.keep(Arc::clone(&second)).await;
        turned_away.due().await;
        assert_eq!(began.elapsed().as_millis().abs_diff(500), 0);
        turned_away.close().await;
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 2));
        turned_away.due().await;
        assert_eq!(began.elapsed().as_millis().abs_diff(700), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_kept_than_may_be_and_an_empty_room_waits_for_nobody() {
        let mut turned_away = TurnedAway::default();
        assert!(tokio::time::timeout(Duration::from_secs(60), turned_away.due()).await.is_err());
        let all = Arc::new(());
        for _ in 0..KEPT + 100 {
            turned_away.keep(Arc::clone(&all)).await;
        }
        assert_eq!(Arc::strong_count(&all), KEPT + 1);
    }

    #[tokio::test]
    async fn a_crowd_leaves_others_their_turn() {
        let served = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = Arc::clone(&served);
        let other = tokio::spawn(async move {
            loop {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                yield_now().await;
            }
        });
        let mut turned_away = TurnedAway::default();
        for _ in 0..AT_A_STRETCH * 10 {
            turned_away.keep(()).await;
        }
        other.abort();
        assert!(served.load(std::sync::atomic::Ordering::Relaxed) >= 9);
    }
}
