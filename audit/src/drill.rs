//! For fault drills: a medium that fails or stalls on demand.
//!
//! Not for service. It lets a test, or an operator's rehearsal, see that nothing leaves a broker or
//! a node while its log cannot be written.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::storage::Storage;

/// A storage over another one, with faults that can be switched on and off.
#[derive(Debug)]
pub struct FaultyStorage<S> {
    storage: S,
    faults: Faults,
}

/// The switches of a [`FaultyStorage`]. Clones are the same switches.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Switches>);

#[derive(Debug, Default)]
struct Switches {
    full: AtomicBool,
    flush_fails: AtomicBool,
    flushes: AtomicU64,
    stall: Mutex<Stall>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Stall {
    on: bool,
    waiting: bool,
}

impl<S: Storage> FaultyStorage<S> {
    /// A storage that does as the one beneath until a fault is switched on.
    pub fn over(storage: S) -> (Self, Faults) {
        let faults = Faults::default();
        (FaultyStorage { storage, faults: faults.clone() }, faults)
    }
}

impl Faults {
    /// From now on every append writes half of its bytes and fails, as on a full disk.
    pub fn fill(&self) {
        self.0.full.store(true, Ordering::SeqCst);
    }

    /// From now on every flush fails.
    pub fn fail_flushes(&self) {
        self.0.flush_fails.store(true, Ordering::SeqCst);
    }

    /// Ends every fault. A log that has failed still refuses until it is opened again.
    pub fn mend(&self) {
        self.0.full.store(false, Ordering::SeqCst);
        self.0.flush_fails.store(false, Ordering::SeqCst);
        self.resume();
    }

    /// From now on every flush waits for [`Faults::resume`]. Dropping a log waits too.
    pub fn stall(&self) {
        self.lock().on = true;
    }

    /// Lets stalled flushes go on.
    pub fn resume(&self) {
        self.lock().on = false;
        self.0.moved.notify_all();
    }

    /// True while a flush waits.
    pub fn is_stalled(&self) -> bool {
        self.lock().waiting
    }

    /// How many flushes were asked for.
    pub fn flushes(&self) -> u64 {
        self.0.flushes.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Stall> {
        self.0.stall.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) {
        let mut stall = self.lock();
        while stall.on {
            stall.waiting = true;
            stall = self.0.moved.wait(stall).unwrap_or_else(PoisonError::into_inner);
        }
        stall.waiting = false;
    }
}

impl<S: Storage> Storage for FaultyStorage<S> {
    fn read(&mut self) -> io::Result<Box<dyn Read + '_>> {
        self.storage.read()
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.faults.0.full.load(Ordering::SeqCst) {
            let (half, _) = bytes.split_at(bytes.len() / 2);
            self.storage.append(half)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.storage.append(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.faults.0.flushes.fetch_add(1, Ordering::SeqCst);
        self.faults.wait();
        if self.faults.0.flush_fails.load(Ordering::SeqCst) {
            return Err(io::Error::other("fault drill: the flush fails"));
        }
        self.storage.flush()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.storage.cut(length)
    }
}
