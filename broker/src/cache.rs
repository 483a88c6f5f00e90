//! What is remembered, briefly: verified answers, for as long as their controllers grant.
//!
//! In memory only. The key is the organisation and the digest of [`Permitted`], which holds the
//! patient, the requester, the purpose and the permit: an answer is never given to anybody else.
//! It counts while the session lasts that stood when it was asked for, and the node has not said on it
//! that the answer counts no more.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache as Moka;
use weald_policy::Permitted;
use weald_proto::session::Changed;
use weald_proto::{Clock, Digest, OdsCode, Timestamp, limit};

use crate::ask::Said;
use crate::session::{Sessions, Standing};

/// Bytes of answers kept at most.
const CAPACITY: u64 = 64 * 1024 * 1024;
/// After so many new answers of one organisation, what is known of those that have gone goes too.
const SWEPT_EVERY: usize = 64;

type Key = (OdsCode, Digest);
/// An answer, until it is forgotten.
type Slot = Mutex<Option<Said>>;

/// Verified answers under a controller's grant.
pub struct Cache {
    kept: Moka<Key, Kept>,
    /// Kept answers by the query that they answered, of each organisation.
    by_query: Mutex<HashMap<OdsCode, HashMap<Digest, Weak<Slot>>>>,
    flights: Mutex<HashMap<Key, Weak<tokio::sync::Mutex<()>>>>,
    /// Organisations whose last answer may be kept.
    lenders: Mutex<HashSet<OdsCode>>,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Kept {
    slot: Arc<Slot>,
    query: Digest,
    standing: Standing,
    until: Timestamp,
    life: Duration,
    weight: u32,
}

/// By moka's own timer, whatever the clock says: a clock that is put back lengthens no grant.
struct Granted;

impl Expiry<Key, Kept> for Granted {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.life)
    }
}

/// Held while one organisation is asked on behalf of one permit, so that a second view of the same
/// waits for the answer instead of asking again.
#[derive(Debug)]
pub struct Flight(#[expect(dead_code, reason = "held, not read")] tokio::sync::OwnedMutexGuard<()>);

impl Cache {
    /// An empty cache, of answers that count as long as those sessions last.
    pub fn new(clock: Arc<dyn Clock>, sessions: Sessions) -> Self {
        let kept =
            Moka::builder().max_capacity(CAPACITY).weigher(|_, kept: &Kept| kept.weight).expire_after(Granted).build();
        Cache {
            kept,
            by_query: Mutex::default(),
            flights: Mutex::default(),
            lenders: Mutex::default(),
            sessions,
            clock,
        }
    }

    /// What this organisation said to the same requester under the same permit, if it may still be used.
    pub async fn recall(&self, organisation: &OdsCode, permitted: &Permitted) -> Option<Said> {
        let key = (organisation.clone(), permitted.digest());
        let kept = self.kept.get(&key).await?;
        let holds = self.sessions.holds(organisation, kept.standing, &kept.query);
        if !holds || self.clock.now() >= kept.until {
            self.kept.invalidate(&key).await;
            return None;
        }
        let said = kept.slot.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        Some(Said { cached: true, ..said })
    }

    /// Keeps an answer for as long as its controller grants, and never longer than a minute. `standing` is
    /// how the organisation's session stood before it was asked; without one nothing is kept.
    pub async fn keep(&self, organisation: &OdsCode, permitted: &Permitted, said: &Said, standing: Option<Standing>) {
        let statement = &said.statement;
        let life = Duration::from_secs(statement.cache_seconds.into()).min(limit::CACHE_CEILING);
        let query = said.query.digest();
        let standing = standing.filter(|standing| self.sessions.holds(organisation, *standing, &query));
        self.note_grant(organisation, !life.is_zero() && standing.is_some());
        let Some(standing) = standing.filter(|_| !life.is_zero()) else { return };
        let until = statement.retrieved_at.plus(life).min(self.clock.now().plus(life));
        let weight = u32::try_from(said.size()).unwrap_or(u32::MAX);
        let slot = Arc::new(Mutex::new(Some(said.clone())));
        self.note_query(organisation, query, &slot);
        let kept = Kept { slot, query, standing, until, life, weight };
        self.kept.insert((organisation.clone(), permitted.digest()), kept).await;
    }

    /// Forgets what an organisation said, or only what it said to these queries. What is forgotten here did
    /// not count any more: [`Cache::recall`] asks the session.
    pub(crate) fn forget(&self, organisation: &OdsCode, changed: &Changed) {
        let mut by_query = self.by_query.lock().unwrap_or_else(PoisonError::into_inner);
        let gone: Vec<Weak<Slot>> = match changed {
            Changed::All => by_query.remove(organisation).into_iter().flat_map(HashMap::into_values).collect(),
            Changed::Queries(queries) => {
                let of_one = by_query.get_mut(organisation);
                of_one.into_iter().flat_map(|of_one| queries.iter().filter_map(|query| of_one.remove(query))).collect()
            }
        };
        drop(by_query);
        for slot in gone.iter().filter_map(Weak::upgrade) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// Takes the flight of this organisation and permit. If another view has it, waits until that one
    /// has landed and gives nothing: what it brought may now be recalled.
    ///
    /// Where the organisation last granted nothing there is nothing to wait for: every view asks for
    /// itself, at once, so that none spends another's time.
    pub async fn board(&self, organisation: &OdsCode, permitted: &Permitted) -> Option<Flight> {
        if !self.lenders.lock().unwrap_or_else(PoisonError::into_inner).contains(organisation) {
            return None;
        }
        let key = (organisation.clone(), permitted.digest());
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| flight.strong_count() > 0);
            let flight = flights.get(&key).and_then(Weak::upgrade).unwrap_or_default();
            flights.insert(key, Arc::downgrade(&flight));
            flight
        };
        match Arc::clone(&flight).try_lock_owned() {
            Ok(guard) => Some(Flight(guard)),
            Err(_) => {
                drop(flight.lock().await);
                None
            }
        }
    }
}

impl Cache {
    /// Remembers which query a kept answer answered. From time to time those go whose answers have gone.
    fn note_query(&self, organisation: &OdsCode, query: Digest, slot: &Arc<Slot>) {
        let mut by_query = self.by_query.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = by_query.entry(organisation.clone()).or_default();
        if of_one.len() % SWEPT_EVERY == SWEPT_EVERY - 1 {
            of_one.retain(|_, slot| slot.strong_count() > 0);
        }
        of_one.insert(query, Arc::downgrade(slot));
    }

    fn note_grant(&self, organisation: &OdsCode, granted: bool) {
        let mut lenders = self.lenders.lock().unwrap_or_else(PoisonError::into_inner);
        if !granted {
            lenders.remove(organisation);
        } else if !lenders.contains(organisation) {
            lenders.insert(organisation.clone());
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} answers)", self.kept.entry_count())
    }
}
