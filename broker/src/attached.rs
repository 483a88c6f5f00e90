//! Nodes that have dialled in.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weald_certs::{Attach, Attached as Guard, Link};
use weald_proto::{Clock, OdsCode, SpiffePath, Timestamp};

use crate::metrics;

/// Links of one organisation at most: two of the process that serves, two of the one that takes over.
/// One more ends the oldest.
pub const LINKS: usize = 4;
/// A query that was given up sooner says nothing of the link: the viewer app may have hung up.
const PATIENCE: Duration = Duration::from_secs(1);

/// The links on which nodes may be asked, of each organisation that has any.
#[derive(Clone)]
pub struct AttachedNodes {
    links: Arc<Mutex<HashMap<OdsCode, Vec<Arc<Attachment>>>>>,
    /// When the last link of an organisation ended that has none now.
    left: Arc<Mutex<HashMap<OdsCode, Timestamp>>>,
    serial: Arc<AtomicU64>,
    changes: Arc<watch::Sender<u64>>,
    clock: Arc<dyn Clock>,
}

/// One link of a node that dialled in.
pub struct Attachment {
    link: Link,
    serial: u64,
    since: Timestamp,
    in_flight: AtomicUsize,
    misses: AtomicU32,
    is_draining: AtomicBool,
    gone: CancellationToken,
}

impl AttachedNodes {
    /// Nobody yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        AttachedNodes {
            links: Arc::default(),
            left: Arc::default(),
            serial: Arc::default(),
            changes: Arc::new(watch::channel(0).0),
            clock,
        }
    }

    /// The link on which to ask, of those whose serials were not tried yet: one whose process is not about
    /// to end, then one that answered last time, then the one with the fewest queries under way, then the newest.
    pub fn choose(&self, organisation: &OdsCode, tried: &[u64]) -> Option<Arc<Attachment>> {
        let links = self.lock();
        let open = links.get(organisation)?.iter();
        open.filter(|one| !one.link.is_closed() && !tried.contains(&one.serial))
            .min_by_key(|one| (one.is_draining(), one.misses(), one.in_flight(), std::cmp::Reverse(one.serial)))
            .cloned()
    }

    /// The links of an organisation, oldest first.
    pub fn links(&self, organisation: &OdsCode) -> Vec<Arc<Attachment>> {
        self.lock().get(organisation).cloned().unwrap_or_default()
    }

    /// When the last link of an organisation ended that has none now; nothing if it never had one.
    pub fn left(&self, organisation: &OdsCode) -> Option<Timestamp> {
        self.lock_left().get(organisation).copied()
    }

    /// Every organisation that had a link, and has none now.
    pub(crate) fn all_left(&self) -> Vec<OdsCode> {
        self.lock_left().keys().cloned().collect()
    }

    /// Changes whenever a node attaches or a link ends.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until something holds of the links.
    pub async fn until(&self, mut holds: impl FnMut() -> bool) {
        // The sender lives as long as `self`, so waiting never fails.
        let _ = self.changes().wait_for(|_| holds()).await;
    }

    /// Brings up to date what is shown of them as metrics.
    pub fn observe(&self) {
        metrics::attached(self);
    }

    /// Every link that is open, by organisation, oldest first.
    pub fn all(&self) -> Vec<(OdsCode, Vec<Arc<Attachment>>)> {
        let links = self.lock();
        let mut all: Vec<_> = links.iter().map(|(organisation, links)| (organisation.clone(), links.clone())).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// True if the organisation has an open link.
    pub fn is_attached(&self, organisation: &OdsCode) -> bool {
        self.choose(organisation, &[]).is_some()
    }

    /// Gives up every link of an organisation: what runs on them ends, and nothing new begins.
    pub fn release(&self, organisation: &OdsCode) {
        let released = self.lock().remove(organisation);
        released.iter().flatten().for_each(|one| one.gone.cancel());
        if released.is_some() {
            self.note_left(organisation);
        }
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn remove(&self, organisation: &OdsCode, serial: u64) {
        let mut links = self.lock();
        if let Some(of_one) = links.get_mut(organisation) {
            of_one.retain(|one| {
                let stays = one.serial != serial;
                if !stays {
                    one.gone.cancel();
                }
                stays
            });
            if of_one.is_empty() {
                links.remove(organisation);
                self.note_left(organisation);
            }
        }
        drop(links);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn note_left(&self, organisation: &OdsCode) {
        self.lock_left().insert(organisation.clone(), self.clock.now());
    }

    fn lock_left(&self) -> MutexGuard<'_, HashMap<OdsCode, Timestamp>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic cannot leave the map half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, HashMap<OdsCode, Vec<Arc<Attachment>>>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attach for AttachedNodes {
    fn attached(&self, link: Link) -> Guard {
        let SpiffePath::Node(organisation) = link.peer().path.clone() else { return Box::new(()) };
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let since = self.clock.now();
        let attachment = Arc::new(Attachment {
            link,
            serial,
            since,
            in_flight: AtomicUsize::new(0),
            misses: AtomicU32::new(0),
            is_draining: AtomicBool::new(false),
            gone: CancellationToken::new(),
        });
        let mut links = self.lock();
        let of_one = links.entry(organisation.clone()).or_default();
        of_one.push(attachment);
        if of_one.len() > LINKS {
            of_one.remove(0).gone.cancel();
        }
        self.lock_left().remove(&organisation);
        drop(links);
        self.changes.send_modify(|changes| *changes += 1);
        tracing::info!(%organisation, link = serial, "node attached");
        Box::new(Ending { nodes: self.clone(), organisation, serial })
    }
}

/// Takes a link out when its connection has ended.
struct Ending {
    nodes: AttachedNodes,
    organisation: OdsCode,
    serial: u64,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.nodes.remove(&self.organisation, self.serial);
        tracing::info!(organisation = %self.organisation, link = self.serial, "node detached");
    }
}

impl Attachment {
    /// The link.
    pub fn link(&self) -> Link {
        self.link.clone()
    }

    /// Tells it from every other link that this process has had; later ones have higher numbers.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// When the node attached.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Queries under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// True once the node has said that its process is about to end.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// The node has said that its process is about to end.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Ends when nothing new may begin on the link: it has closed, or was given up.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    fn misses(&self) -> u32 {
        self.misses.load(Ordering::Relaxed)
    }
}

/// A query under way on a link. Dropped without an [`end`](Self::end), it counts as one that nobody
/// answered, and other links are preferred until this one answers again. A dead link is ended by its
/// ping, and not by this: whoever asks could otherwise end links by hanging up.
pub(crate) struct Flight {
    attachment: Arc<Attachment>,
    begun: Instant,
    ended: bool,
}

impl Flight {
    pub(crate) fn begin(attachment: Arc<Attachment>) -> Self {
        attachment.in_flight.fetch_add(1, Ordering::Relaxed);
        Flight { attachment, begun: Instant::now(), ended: false }
    }

    /// The node has said something, whatever it was.
    pub(crate) fn end(mut self) {
        self.ended = true;
        self.attachment.misses.store(0, Ordering::Relaxed);
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.attachment.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.ended && self.begun.elapsed() >= PATIENCE {
            self.attachment.misses.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for AttachedNodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AttachedNodes({} organisations)", self.lock().len())
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({}, {})", self.serial, self.link.peer())
    }
}
