//! Work on large answers, away from the threads that serve everybody.
//!
//! To decode, hash and outline an answer of the largest size takes so long that small views on the same thread
//! would notice. Such work is done on threads of its own, by fewer than there are processors, one piece at a time
//! for each viewer app.

use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use weald_proto::limit;

use crate::fair::Viewer;

/// Where large work is done.
pub(crate) struct Aside(Arc<Semaphore>);

impl Aside {
    /// For half of the processors.
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Aside(Arc::new(Semaphore::new((processors / 2).max(1))))
    }

    /// Does work on so many bytes: here and now if they are few. Whoever gives up waiting for it takes it out of the
    /// line; once begun it goes on, and holds its own until it ends.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        viewer: &Viewer,
        bytes: usize,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= limit::SMALL_ANSWER_BYTES {
            return work();
        }
        // Neither is ever closed.
        let own = viewer.large_work().await;
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
