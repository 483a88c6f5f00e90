//! Fairness between viewer apps: each has its turn, however many views it has under way.
//!
//! Whoever has more views under way has more work waiting, and a scheduler that serves in order would make
//! everybody else wait behind all of it. So of one viewer app's views only one is worked on at any moment, the
//! others wait in line among themselves; and of its questions only so many are under way at any one node, where
//! all questions come from the same broker and cannot be told apart in time.

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use weald_proto::{OdsCode, SpiffeId};

/// Questions of one viewer app that are under way at one organisation, or whose answers are still in memory. Beyond, one waits for another's answer, and
/// its own time runs.
const QUESTIONS: usize = 8;

/// Viewer apps that have views under way.
#[derive(Default)]
pub(crate) struct Viewers(Mutex<HashMap<SpiffeId, Weak<Viewer>>>);

/// One viewer app, for as long as it has a view under way.
pub(crate) struct Viewer {
    turn: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    merges: Arc<Semaphore>,
    questions: Mutex<HashMap<OdsCode, Arc<Semaphore>>>,
}

/// Held while a question is under way, or large work.
#[derive(Debug)]
pub(crate) struct Place(#[expect(dead_code, reason = "held, not read")] Option<OwnedSemaphorePermit>);

impl Viewers {
    /// A viewer app, the same to everybody who asks while somebody holds it.
    pub(crate) fn viewer(&self, id: &SpiffeId) -> Arc<Viewer> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(viewer) = known.get(id).and_then(Weak::upgrade) {
            return viewer;
        }
        known.retain(|_, viewer| viewer.strong_count() > 0);
        let viewer = Arc::new(Viewer {
            turn: Arc::new(Semaphore::new(1)),
            checks: Arc::new(Semaphore::new(1)),
            merges: Arc::new(Semaphore::new(1)),
            questions: Mutex::default(),
        });
        known.insert(id.clone(), Arc::downgrade(&viewer));
        viewer
    }
}

impl Viewer {
    /// Does work whenever it is this viewer's turn.
    pub(crate) fn in_turn<Work: Future + Send>(&self, work: Work) -> InTurn<Work> {
        InTurn { turn: Arc::clone(&self.turn), waiting: None, work: Box::pin(work) }
    }

    /// Takes this viewer's turn at the check of a large answer; waits for it if need be.
    pub(crate) async fn check(&self) -> Place {
        // It is never closed.
        Place(Arc::clone(&self.checks).acquire_owned().await.ok())
    }

    /// Takes this viewer's turn at planning a large view: a line of its own, so that a view which has all its answers is
    /// not lost behind the checks of others.
    pub(crate) async fn merge(&self) -> Place {
        // It is never closed.
        Place(Arc::clone(&self.merges).acquire_owned().await.ok())
    }

    /// Takes one of the places for questions at an organisation; waits for it if need be.
    pub(crate) async fn place_at(&self, organisation: &OdsCode) -> Place {
        let places = {
            let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(questions.entry(organisation.clone()).or_insert_with(|| Arc::new(Semaphore::new(QUESTIONS))))
        };
        // It is never closed.
        Place(places.acquire_owned().await.ok())
    }
}

type Waiting = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// Work of which every step waits for its viewer's turn. The turn ends with the step.
pub(crate) struct InTurn<Work> {
    turn: Arc<Semaphore>,
    waiting: Option<Waiting>,
    work: Pin<Box<Work>>,
}

impl<Work: Future> Future for InTurn<Work> {
    type Output = Work::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Work::Output> {
        let this = self.get_mut();
        let _turn = match (&mut this.waiting, Arc::clone(&this.turn).try_acquire_owned()) {
            (None, Ok(turn)) => Some(turn),
            // Whoever waits keeps to its place in line, even if the turn is free.
            (waiting, _) => {
                let line = waiting.get_or_insert_with(|| Box::pin(Arc::clone(&this.turn).acquire_owned()));
                let turn = ready!(line.as_mut().poll(context));
                this.waiting = None;
                turn.ok()
            }
        };
        this.work.as_mut().poll(context)
    }
}

impl fmt::Debug for Viewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Viewers({})", self.0.lock().unwrap_or_else(PoisonError::into_inner).len())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::task::{JoinSet, yield_now};
    use weald_proto::FederationName;

    use super::*;

    fn viewer_of(viewers: &Viewers, ods: &str) -> Arc<Viewer> {
        let federation = FederationName::parse("kent.weald.example").unwrap();
        viewers.viewer(&SpiffeId::viewer(&federation, &OdsCode::parse(ods).unwrap(), "emr").unwrap())
    }

    async fn within<T>(work: impl Future<Output = T>) -> T {
        tokio::time::timeout(Duration::from_secs(20), work).await.expect("work that ends")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_viewers_views_are_worked_on_one_at_a_time_and_all_end() {
        let viewer = viewer_of(&Viewers::default(), "RVV");
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut views = JoinSet::new();
        for _ in 0..200 {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            views.spawn(viewer.in_turn(async move {
                for _ in 0..20 {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::hint::black_box((0..500).sum::<u64>());
                    now.fetch_sub(1, Ordering::SeqCst);
                    yield_now().await;
                }
            }));
        }
        within(views.join_all()).await;
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_view_that_waits_keeps_nobody_else_from_their_turn() {
        let viewer = viewer_of(&Viewers::default(), "RVV");
        let stuck = tokio::spawn(viewer.in_turn(std::future::pending::<()>()));
        yield_now().await;
        within(viewer.in_turn(yield_now())).await;
        stuck.abort();
    }

    #[tokio::test]
    async fn a_view_that_is_given_up_while_it_waits_leaves_the_line() {
        let viewer = viewer_of(&Viewers::default(), "RVV");
        let turn = Arc::clone(&viewer.turn).acquire_owned().await.unwrap();
        let given_up = tokio::spawn(viewer.in_turn(async {}));
        let waits = tokio::spawn(viewer.in_turn(async {}));
        yield_now().await;
        given_up.abort();
        drop(turn);
        within(waits).await.unwrap();
        assert!(given_up.await.unwrap_err().is_cancelled());
    }

    #[tokio::test]
    async fn viewers_do_not_wait_for_each_other() {
        let viewers = Viewers::default();
        let (one, other) = (viewer_of(&viewers, "RVV"), viewer_of(&viewers, "RYY"));
        let _turn = Arc::clone(&one.turn).acquire_owned().await.unwrap();
        within(other.in_turn(async {})).await;
    }

    #[tokio::test]
    async fn a_viewer_has_so_many_questions_at_one_organisation_and_as_many_at_another() {
        let viewer = viewer_of(&Viewers::default(), "RVV");
        let (slow, quick) = (OdsCode::parse("RYY").unwrap(), OdsCode::parse("RXX").unwrap());
        let mut places = Vec::new();
        for _ in 0..QUESTIONS {
            places.push(within(viewer.place_at(&slow)).await);
        }
        tokio::select! {
            biased;
            _ = viewer.place_at(&slow) => panic!("one too many"),
            () = yield_now() => {}
        }
        within(viewer.place_at(&quick)).await;
        places.pop();
        within(viewer.place_at(&slow)).await;
    }

    #[test]
    fn a_viewer_is_known_only_while_it_has_views_under_way() {
        let viewers = Viewers::default();
        let (one, same) = (viewer_of(&viewers, "RVV"), viewer_of(&viewers, "RVV"));
        assert!(Arc::ptr_eq(&one, &same));
        drop((one, same));
        let _other = viewer_of(&viewers, "RYY");
        assert_eq!(format!("{viewers:?}"), "Viewers(1)");
    }
}
