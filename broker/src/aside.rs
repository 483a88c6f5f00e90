//! Work on large answers, away from the threads that serve everybody.
//!
//! To decode, hash and outline an answer of the largest size takes so long that small views on the same thread
//! would notice. Such work is done on threads of its own, by fewer than there are processors; for each viewer app one
//! check at a time, and one merge.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use weald_proto::limit;

use crate::fair::Place;

/// Where large work is done.
pub(crate) struct Aside(Arc<Semaphore>);

impl Aside {
    /// For half of the processors.
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Aside(Arc::new(Semaphore::new((processors / 2).max(1))))
    }

    /// Does work on so many bytes: here and now if they are few, else when it is its `turn`. Whoever gives up waiting for
    /// it takes it out of the line; once begun it goes on, and has its turn until it ends.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        turn: impl Future<Output = Place> + Send,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= limit::SMALL_ANSWER_BYTES {
            return work();
        }
        let own = turn.await;
        // It is never closed.
        let any = Arc::clone(&self.0).acquire_owned().await.ok();
        let working = tokio::task::spawn_blocking(move || {
            let _held = (own, any);
            work()
        });
        match working.await {
            Ok(done) => done,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is shutting down, and drops whoever waits.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aside({} free)", self.0.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use tokio::task::yield_now;
    use weald_proto::{FederationName, OdsCode, SpiffeId};

    use super::*;
    use crate::fair::Viewers;

    #[tokio::test]
    async fn a_merge_does_not_wait_behind_the_checks_of_its_viewer_app() {
        let (viewers, aside) = (Viewers::default(), Arc::new(Aside::new()));
        let federation = FederationName::parse("kent.weald.example").unwrap();
        let viewer = viewers.viewer(&SpiffeId::viewer(&federation, &OdsCode::parse("RVV").unwrap(), "emr").unwrap());
        let (bytes, done) = (limit::SMALL_ANSWER_BYTES + 1, Arc::new(Mutex::new(Vec::new())));
        let (go, wait) = channel();
        let mut wait = Some(wait);
        let mut working = Vec::new();
        for check in ["first check", "second check", "third check"] {
            let (viewer, aside, done, wait) = (Arc::clone(&viewer), Arc::clone(&aside), Arc::clone(&done), wait.take());
            let work = move || {
                if let Some(wait) = wait {
                    wait.recv().unwrap();
                }
                done.lock().unwrap().push(check);
            };
            working.push(tokio::spawn(async move { aside.work(viewer.check(), bytes, work).await }));
            // Into the line.
            yield_now().await;
        }
        let merged = Arc::clone(&done);
        working.push(tokio::spawn(async move {
            aside.work(viewer.merge(), bytes, move || merged.lock().unwrap().push("merge")).await;
        }));
        yield_now().await;
        go.send(()).unwrap();
        for work in working {
            tokio::time::timeout(Duration::from_secs(20), work).await.expect("work that ends").unwrap();
        }
        let done = done.lock().unwrap();
        let of = |what: &str| done.iter().position(|one| *one == what);
        assert!(of("merge") < of("second check"), "{done:?}");
    }
}
