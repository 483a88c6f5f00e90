//! Which brokers have a session now, and what each is yet to hear.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;
use weald_proto::session::{BrokerNotice, Changed};
use weald_proto::{Digest, SessionId, SpiffeId, Timestamp, limit};

/// The sessions of brokers: one each, the newest.
#[derive(Default)]
pub(super) struct Live(Arc<Mutex<HashMap<SpiffeId, Seat>>>);

#[derive(Default)]
struct Seat {
    session: Option<Arc<Ear>>,
    /// When the broker last said something in a session that has ended.
    last_heard_at: Option<Timestamp>,
    /// Held by the session that is there: the next waits until what it writes down is written.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// How many have begun, or wait to.
    begun: u64,
}

/// What is known of a broker by its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerSession {
    /// Since when the session lasts.
    pub since: Timestamp,
    /// When the broker last said something.
    pub heard_at: Timestamp,
    /// Version of its software.
    pub software: String,
    /// Version of its register, by its last word.
    pub register_version: u64,
    /// By how many milliseconds its clock was ahead of ours when it began, less the time that its hello took.
    pub clock_ahead_ms: i64,
}

/// What one session is yet to tell its broker.
pub(super) struct Ear {
    /// Which session it is.
    pub(super) id: SessionId,
    untold: Mutex<Option<Changed>>,
    /// What is known of the broker by the session.
    met: Mutex<Option<BrokerSession>>,
    /// There is something to tell.
    pub(super) news: Notify,
    /// Another session of the same broker has begun.
    pub(super) replaced: CancellationToken,
}

/// A session that is there; dropped when it has ended.
pub(super) struct Present {
    live: Arc<Mutex<HashMap<SpiffeId, Seat>>>,
    broker: SpiffeId,
    pub(super) ear: Arc<Ear>,
    _turn: OwnedMutexGuard<()>,
}

impl Live {
    /// True if that broker has that session now.
    pub(super) fn has(&self, broker: &SpiffeId, session: SessionId) -> bool {
        let live = lock(&self.0);
        live.get(broker).and_then(|seat| seat.session.as_ref()).is_some_and(|ear| ear.id == session)
    }

    /// How many have.
    pub(super) fn count(&self) -> usize {
        lock(&self.0).values().filter(|seat| seat.session.is_some()).count()
    }

    /// What is known of those that have.
    pub(super) fn all(&self) -> BTreeMap<SpiffeId, BrokerSession> {
        let live = lock(&self.0);
        let known = |(broker, seat): (&SpiffeId, &Seat)| Some((broker.clone(), seat.session.as_ref()?.met()?));
        live.iter().filter_map(known).collect()
    }

    /// When those that have had one that ended last said something in it.
    pub(super) fn last_heard(&self) -> BTreeMap<SpiffeId, Timestamp> {
        let heard = |(broker, seat): (&SpiffeId, &Seat)| Some((broker.clone(), seat.last_heard_at?));
        lock(&self.0).iter().filter_map(heard).collect()
    }

    /// Begins a session: ends the one that the broker had, and waits until it is over. Nothing if another
    /// has begun by then: that is the newest.
    pub(super) async fn enter(&self, broker: &SpiffeId, id: SessionId) -> Option<Present> {
        let (turn, number) = {
            let mut live = lock(&self.0);
            let seat = live.entry(broker.clone()).or_default();
            if let Some(before) = seat.session.take() {
                before.replaced.cancel();
            }
            seat.begun += 1;
            (Arc::clone(&seat.turn), seat.begun)
        };
        let turn = turn.lock_owned().await;
        let ear = Arc::new(Ear {
            id,
            untold: Mutex::default(),
            met: Mutex::default(),
            news: Notify::new(),
            replaced: CancellationToken::new(),
        });
        let mut live = lock(&self.0);
        let seat = live.entry(broker.clone()).or_default();
        if seat.begun != number {
            return None;
        }
        seat.session = Some(Arc::clone(&ear));
        drop(live);
        Some(Present { live: Arc::clone(&self.0), broker: broker.clone(), ear, _turn: turn })
    }

    /// Tells everybody that the answers to these queries count no more.
    pub(super) fn changed(&self, queries: &BTreeSet<Digest>) {
        if !queries.is_empty() {
            self.tell(|untold| more(untold, queries));
        }
    }

    /// Tells everybody that no answer counts any more.
    pub(super) fn all_changed(&self) {
        self.tell(|_| Changed::All);
    }

    fn tell(&self, news: impl Fn(Option<Changed>) -> Changed) {
        for ear in lock(&self.0).values().filter_map(|seat| seat.session.as_ref()) {
            let mut untold = ear.untold.lock().unwrap_or_else(PoisonError::into_inner);
            *untold = Some(news(untold.take()));
            ear.news.notify_one();
        }
    }
}

/// What was untold and these; all, if they do not fit into one notice.
fn more(untold: Option<Changed>, queries: &BTreeSet<Digest>) -> Changed {
    let mut all = match untold {
        Some(Changed::All) => return Changed::All,
        Some(Changed::Queries(before)) => before,
        None => BTreeSet::new(),
    };
    all.extend(queries);
    if all.len() > limit::CHANGED_QUERIES { Changed::All } else { Changed::Queries(all) }
}

impl Ear {
    /// The broker has begun.
    pub(super) fn meet(&self, broker: BrokerSession) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = Some(broker);
    }

    /// The broker has said something.
    pub(super) fn hear(&self, notice: &BrokerNotice, now: Timestamp) {
        if let Some(met) = &mut *self.met.lock().unwrap_or_else(PoisonError::into_inner) {
            met.heard_at = now;
            if let BrokerNotice::Ping(ping) = notice {
                met.register_version = ping.register_version;
            }
        }
    }

    fn met(&self) -> Option<BrokerSession> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// True if something is untold.
    pub(super) fn has_news(&self) -> bool {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Takes what is untold.
    pub(super) fn take(&self) -> Option<Changed> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Present {
    /// From now on the broker has no session, until another begins; that waits until this is dropped.
    pub(super) fn end(&self) {
        if let Some(seat) = lock(&self.live).get_mut(&self.broker) {
            seat.last_heard_at = self.ear.met().map(|met| met.heard_at).max(seat.last_heard_at);
            if seat.session.as_ref().is_some_and(|session| Arc::ptr_eq(session, &self.ear)) {
                seat.session = None;
            }
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.end();
    }
}

/// A panic cannot leave the map half changed, so a poisoned lock is as good as any.
fn lock(live: &Mutex<HashMap<SpiffeId, Seat>>) -> MutexGuard<'_, HashMap<SpiffeId, Seat>> {
    live.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use weald_proto::session::Ping;

    use super::*;

    fn queries(numbers: std::ops::Range<usize>) -> BTreeSet<Digest> {
        numbers.map(|number| Digest::of(&number.to_be_bytes())).collect()
    }

    #[test]
    fn what_was_not_told_yet_is_told_together_and_as_everything_when_it_is_too_much() {
        let some = more(None, &queries(0..limit::CHANGED_QUERIES - 1));
        let full = more(Some(some), &queries(5..limit::CHANGED_QUERIES));
        assert_eq!(full, Changed::Queries(queries(0..limit::CHANGED_QUERIES)));
        assert_eq!(more(Some(full), &queries(limit::CHANGED_QUERIES..limit::CHANGED_QUERIES + 1)), Changed::All);
        assert_eq!(more(Some(Changed::All), &queries(0..1)), Changed::All);
    }

    fn id(number: u8) -> SessionId {
        SessionId::parse(&[number; 16]).unwrap()
    }

    #[tokio::test]
    async fn a_second_session_of_a_broker_ends_the_first_and_begins_when_that_is_over() {
        let (live, broker) = (Live::default(), SpiffeId::parse("spiffe://kent.weald.example/broker/b1").unwrap());
        assert!(!live.has(&broker, id(1)));
        let first = live.enter(&broker, id(1)).await.unwrap();
        assert!(live.has(&broker, id(1)) && !live.has(&broker, id(2)));
        let ear = Arc::clone(&first.ear);
        let (second, ()) = tokio::join!(live.enter(&broker, id(2)), async {
            ear.replaced.cancelled().await;
            assert_eq!(live.count(), 0, "nothing is granted in between");
            drop(first);
        });
        let second = second.unwrap();
        assert!(live.has(&broker, id(2)) && !live.has(&broker, id(1)));
        live.all_changed();
        assert_eq!((ear.take(), second.ear.take()), (None, Some(Changed::All)));
        drop(second);
        assert_eq!(live.count(), 0);
    }

    #[tokio::test]
    async fn of_two_sessions_that_wait_the_newest_begins() {
        let (live, broker) = (Live::default(), SpiffeId::parse("spiffe://kent.weald.example/broker/b1").unwrap());
        let first = live.enter(&broker, id(1)).await.unwrap();
        let (second, third, ()) = tokio::join!(live.enter(&broker, id(2)), live.enter(&broker, id(3)), async {
            first.ear.replaced.cancelled().await;
            drop(first);
        });
        assert!(second.is_none());
        assert_eq!(third.unwrap().ear.id, id(3));
    }

    #[tokio::test]
    async fn when_a_session_has_ended_it_is_known_when_its_broker_last_said_something() {
        let (live, broker) = (Live::default(), SpiffeId::parse("spiffe://kent.weald.example/broker/b1").unwrap());
        let (since, heard_at) = (Timestamp::from_secs(1_795_363_200), Timestamp::from_secs(1_795_363_210));
        let present = live.enter(&broker, id(1)).await.unwrap();
        present.ear.meet(BrokerSession {
            since,
            heard_at: since,
            software: "0.1.0".to_owned(),
            register_version: 1,
            clock_ahead_ms: 0,
        });
        present.ear.hear(&BrokerNotice::Ping(Ping { number: 1, register_version: 1 }), heard_at);
        assert_eq!(live.last_heard(), BTreeMap::new(), "it lasts");
        drop(present);
        assert_eq!(live.last_heard(), BTreeMap::from([(broker.clone(), heard_at)]));
        drop(live.enter(&broker, id(2)).await);
        assert_eq!(live.last_heard(), BTreeMap::from([(broker, heard_at)]));
    }
}
