//! Blocking readings that stop when nobody waits for them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::InterruptHandle;

use crate::store::StoreError;

/// Tells a blocking reading that its answer is no longer wanted.
#[derive(Default)]
pub(crate) struct Cancel {
    cancelled: AtomicBool,
    database: Mutex<Option<InterruptHandle>>,
}

impl Cancel {
    /// True once nobody waits any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// From now on, to cancel also interrupts this database.
    pub(crate) fn arm(&self, database: InterruptHandle) {
        let mut armed = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_cancelled() {
            database.interrupt();
        }
        *armed = Some(database);
    }

    /// From now on the database belongs to somebody else.
    pub(crate) fn disarm(&self) {
        *self.database.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn cancel(&self) {
        let armed = self.database.lock().unwrap_or_else(PoisonError::into_inner);
        self.cancelled.store(true, Ordering::SeqCst);
        if let Some(database) = armed.as_ref() {
            database.interrupt();
        }
    }
}

/// Runs `read` where blocking does no harm. When the returned future is dropped, `read` is told.
pub(crate) async fn blocking<T: Send + 'static>(
    place: String,
    read: impl FnOnce(&Cancel) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let cancel = Arc::new(Cancel::default());
    let _cancel_on_drop = CancelOnDrop(Arc::clone(&cancel));
    match tokio::task::spawn_blocking(move || read(&cancel)).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unreadable { place, problem: "the reading ended before it was done".to_owned() }),
    }
}

struct CancelOnDrop(Arc<Cancel>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[tokio::test]
    async fn a_reading_that_nobody_waits_for_is_told() {
        let (told, heard) = mpsc::channel();
        let reading = blocking("test".to_owned(), move |cancel| {
            while !cancel.is_cancelled() {
                std::thread::yield_now();
            }
            told.send(()).unwrap();
            Ok(())
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), reading).await.is_err());
        assert_eq!(heard.recv_timeout(Duration::from_secs(10)), Ok(()));
    }
}
