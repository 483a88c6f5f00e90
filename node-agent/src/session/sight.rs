//! Whether the node would notice that the local system has changed, and who is told when it has.
//!
//! It looks only while answers are out that may be kept: before the first of them is read, and then again and
//! again until none is out any more.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use weald_proto::{Clock, NhsNumber};

use super::Sessions;
use crate::store::{Change, StoreError, Watch};

/// Between two looks, if looking takes no time.
const LOOK: Duration = Duration::from_millis(250);
/// A look takes at most one part in so many of the time.
const SHARE: u32 = 4;
/// A look that takes longer sees nothing: with the time until the next one, a change would be told too late.
const LOOK_TIME: Duration = Duration::from_millis(200);
/// After a look that saw nothing.
const REST: Duration = Duration::from_secs(5);

type Shared = Arc<Mutex<Box<dyn Watch>>>;

/// What sees changes in the local system.
pub(crate) struct Sight {
    watch: Option<Shared>,
    clock: Arc<dyn Clock>,
    state: watch::Sender<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing is out, so nobody looks.
    Idle,
    /// Somebody looks for the first time.
    Looking,
    /// Whatever changes from now on will be seen.
    Sees,
    /// What changes cannot be seen, or not in time.
    Blind,
}

impl Sight {
    pub(crate) fn new(watch: Option<Box<dyn Watch>>, clock: Arc<dyn Clock>) -> Self {
        let watch = watch.map(|watch| Arc::new(Mutex::new(watch)));
        Sight { watch, clock, state: watch::Sender::new(State::Idle) }
    }
}

impl Sessions {
    /// Does `grant`, if whatever changes from now on will be seen until all that was granted has ended. What it
    /// grants counts from before this returns.
    pub(super) async fn in_sight(self: &Arc<Self>, grant: impl FnOnce() -> bool) -> bool {
        let Some(watch) = &self.sight.watch else { return false };
        let begins = self.sight.state.send_if_modified(|state| {
            let begins = *state == State::Idle;
            if begins {
                *state = State::Looking;
            }
            begins
        });
        if begins {
            tokio::spawn(keep_looking(Arc::downgrade(self), Arc::clone(watch)));
        }
        let mut state = self.sight.state.subscribe();
        if timeout(LOOK_TIME, state.wait_for(|state| *state != State::Looking)).await.is_err() {
            return false;
        }
        // Whoever stops to look does so under this lock, and only if nothing is out.
        let state = self.sight.state.borrow();
        *state == State::Sees && grant()
    }

    /// Looks once, tells what has changed, and gives how long it took; nothing if that was not seen in time.
    async fn look(&self, watch: &Shared) -> Option<Duration> {
        let began = Instant::now();
        let (watch, now) = (Arc::clone(watch), self.sight.clock.now());
        let mut looking =
            tokio::task::spawn_blocking(move || watch.lock().unwrap_or_else(PoisonError::into_inner).look(now));
        let Ok(looked) = timeout(LOOK_TIME, &mut looking).await else {
            self.be_blind(&"it takes too long to see whether it has changed: make it smaller");
            // The next look waits for this one.
            let _ = looking.await;
            return None;
        };
        match looked.unwrap_or_else(|_| Err(StoreError::unseen())) {
            Ok(Change::Nothing) => {}
            Ok(Change::People(people)) => self.tell(&people),
            Ok(Change::Anything) => self.tell_all(),
            Err(error) => {
                self.be_blind(&error);
                return None;
            }
        }
        Some(began.elapsed())
    }

    fn tell(&self, people: &BTreeSet<NhsNumber>) {
        people.iter().for_each(|person| self.changed(person));
    }

    /// Whatever is out may be wrong by now; nothing is said if nothing is.
    fn tell_all(&self) {
        if self.granted.forget_all() {
            self.live.all_changed();
        }
    }

    /// First nothing more is granted, then what was granted ends.
    fn be_blind(&self, why: &dyn std::fmt::Display) {
        self.sight.state.send_replace(State::Blind);
        self.tell_all();
        tracing::warn!(organisation = %self.organisation, error = %why,
            "changes of the source are not seen, so no answer may be kept");
    }

    /// Stops to look if nothing is out.
    fn stops_to_look(&self) -> bool {
        self.sight.state.send_if_modified(|state| {
            let stops = self.granted.holding(Instant::now()) == 0;
            if stops {
                *state = State::Idle;
            }
            stops
        })
    }
}

/// Looks again and again, until no grant is out; after a look that saw nothing, rests and ends.
async fn keep_looking(sessions: Weak<Sessions>, watch: Shared) {
    let mut is_first = true;
    while let Some(sessions) = sessions.upgrade() {
        if !is_first && sessions.stops_to_look() {
            return;
        }
        let took = sessions.look(&watch).await;
        if took.is_some() && is_first {
            sessions.sight.state.send_replace(State::Sees);
        }
        is_first = false;
        drop(sessions);
        sleep(took.map_or(REST, |took| LOOK.max(took * (SHARE - 1)))).await;
        if took.is_none() {
            break;
        }
    }
    if let Some(sessions) = sessions.upgrade() {
        sessions.sight.state.send_replace(State::Idle);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use weald_proto::{Digest, ManualClock, OdsCode, SystemRandom, Timestamp};

    use super::*;
    use crate::session::History;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    /// Says these, one a look, and then nothing more.
    struct Script(Arc<Mutex<VecDeque<Result<Change, StoreError>>>>);

    impl Watch for Script {
        fn look(&mut self, _: Timestamp) -> Result<Change, StoreError> {
            self.0.lock().unwrap().pop_front().unwrap_or(Ok(Change::Nothing))
        }
    }

    fn sessions(script: &Arc<Mutex<VecDeque<Result<Change, StoreError>>>>) -> Arc<Sessions> {
        let watch: Box<dyn Watch> = Box::new(Script(Arc::clone(script)));
        let sight = Sight::new(Some(watch), Arc::new(ManualClock::at(NOW)));
        Arc::new(Sessions::new(OdsCode::parse("RVV").unwrap(), History::default(), sight, &SystemRandom))
    }

    fn person(number: &str) -> NhsNumber {
        NhsNumber::parse(number).unwrap()
    }

    async fn grants(sessions: &Arc<Sessions>, number: &str) -> bool {
        let (now, query) = (Instant::now(), Digest::of(number.as_bytes()));
        sessions.in_sight(|| sessions.granted.note(query, &person(number), now, now + Duration::from_secs(60))).await
    }

    async fn until(holds: impl Fn() -> bool) {
        let wait = async {
            while !holds() {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.expect("a condition that comes true");
    }

    #[tokio::test]
    async fn whose_record_has_changed_loses_the_grant_and_nobody_else() {
        let script = Arc::default();
        let sessions = sessions(&script);
        assert!(grants(&sessions, "9990000018").await && grants(&sessions, "9990000026").await);
        script.lock().unwrap().push_back(Ok(Change::People([person("9990000018")].into())));
        let holds = |number: &str| sessions.granted.holds(&person(number));
        until(|| !holds("9990000018")).await;
        assert!(holds("9990000026"));
        script.lock().unwrap().push_back(Ok(Change::Anything));
        until(|| !holds("9990000026")).await;
        assert!(grants(&sessions, "9990000018").await, "and may be granted again");
    }

    #[tokio::test]
    async fn where_changes_are_not_seen_nothing_is_granted_and_what_was_ends() {
        let script = Arc::default();
        let sessions = sessions(&script);
        assert!(grants(&sessions, "9990000018").await);
        script.lock().unwrap().push_back(Err(StoreError::unseen()));
        until(|| !sessions.granted.holds(&person("9990000018"))).await;
        assert!(!grants(&sessions, "9990000018").await);
    }

    #[tokio::test]
    async fn a_source_that_nobody_can_watch_is_never_granted() {
        let sight = Sight::new(None, Arc::new(ManualClock::at(NOW)));
        let sessions =
            Arc::new(Sessions::new(OdsCode::parse("RVV").unwrap(), History::default(), sight, &SystemRandom));
        assert!(!grants(&sessions, "9990000018").await);
    }

    /// Takes its time.
    struct Slow(std::sync::mpsc::Receiver<()>);

    impl Watch for Slow {
        fn look(&mut self, _: Timestamp) -> Result<Change, StoreError> {
            // When the test has ended, so may this.
            let _ = self.0.recv();
            Ok(Change::Nothing)
        }
    }

    #[tokio::test]
    async fn a_look_that_does_not_end_holds_up_no_answer_and_ends_what_was_granted() {
        let (let_go, held) = std::sync::mpsc::channel();
        let sight = Sight::new(Some(Box::new(Slow(held))), Arc::new(ManualClock::at(NOW)));
        let sessions =
            Arc::new(Sessions::new(OdsCode::parse("RVV").unwrap(), History::default(), sight, &SystemRandom));
        let_go.send(()).unwrap();
        assert!(grants(&sessions, "9990000018").await);
        until(|| !sessions.granted.holds(&person("9990000018"))).await;
        let began = Instant::now();
        assert!(!grants(&sessions, "9990000018").await);
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        drop(let_go);
    }
}
