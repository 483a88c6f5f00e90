//! Sessions with brokers: what the node has to say by itself, and what it lets them keep because of that.
//!
//! A broker that has a session hears of every change within a second, so it may keep answers for a while;
//! one that has none hears nothing, and is granted nothing.

mod granted;
mod history;
mod live;
mod sight;
mod talk;
mod writing;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use weald_proto::session::{Availability, NodeState};
use weald_proto::{Instance, NhsNumber, OdsCode, Random, SpiffeId, Timestamp, limit};

use crate::node::Node;
use crate::verify::Asked;
use granted::Granted;
pub use history::History;
use history::Recording;
pub use live::BrokerSession;
use live::Live;
pub(crate) use sight::Sight;
pub(crate) use talk::serve;

/// The sessions of one node, and what brokers may remember because of them.
pub(crate) struct Sessions {
    organisation: OdsCode,
    instance: Instance,
    live: Live,
    granted: Granted,
    recording: Recording,
    sight: Sight,
    state: watch::Sender<NodeState>,
    under_way: Arc<AtomicU32>,
}

impl Sessions {
    pub(crate) fn new(organisation: OdsCode, history: History, sight: Sight, random: &dyn Random) -> Self {
        Sessions {
            organisation,
            instance: Instance::generate(random),
            live: Live::default(),
            granted: Granted::default(),
            recording: Recording::after(history),
            sight,
            state: watch::Sender::new(NodeState::serving()),
            under_way: Arc::default(),
        }
    }

    /// Why the organisation has paused its node, if it has.
    pub(crate) fn paused(&self) -> Option<String> {
        let state = self.state();
        (state.availability == Availability::Paused).then_some(state.reason)
    }

    fn state(&self) -> NodeState {
        self.state.borrow().clone()
    }

    /// Counts a query as under way until it is dropped.
    pub(crate) fn under_way(&self) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(&self.under_way))
    }
}

/// A query that is being answered.
pub(crate) struct UnderWay(Arc<AtomicU32>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer that its broker may keep. Nothing but [`lend`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Lent(u32);

impl Lent {
    pub(crate) fn seconds(self) -> u32 {
        self.0
    }
}

/// Lets the broker keep the answer to a query, if it would hear of nothing less: the broker asks by the session
/// that it has with this process and no other, changes in the local system are seen, and there is room to
/// remember whom the query is about. To be called before the record is read, so that whatever changes after
/// that is told to whoever has the answer.
pub async fn lend(node: &Node, asked: &Asked) -> Option<Lent> {
    let (seconds, query, sessions) = (node.parts.cache_seconds, asked.query(), &node.sessions);
    let session = query.session.filter(|_| seconds > 0)?;
    if !sessions.live.has(&query.broker, session) {
        return None;
    }
    let life = Duration::from_secs(seconds.into()).min(limit::CACHE_CEILING) + limit::QUERY_LIFE;
    let patient = &asked.assertion().patient.nhs_number;
    let note = || {
        let now = Instant::now();
        sessions.granted.note(query.digest(), patient, now, now + life)
    };
    sessions.in_sight(note).await.then_some(Lent(seconds))
}

impl Sessions {
    /// What is held of that person has changed: every broker hears of it, by the queries that were answered.
    fn changed(&self, person: &NhsNumber) {
        self.live.changed(&self.granted.forget(person));
    }
}

impl Node {
    /// What the local system holds of that person has changed, or what may be shown of it: kept answers
    /// about them count no more. Every broker hears of it at once, and of nothing but which queries were
    /// answered. What the source itself notices need not be told.
    pub fn changed(&self, person: &NhsNumber) {
        self.sessions.changed(person);
    }

    /// Anything may have changed: no kept answer counts any more.
    pub fn all_changed(&self) {
        self.sessions.granted.forget_all();
        self.sessions.live.all_changed();
    }

    /// Pauses the node: every query is answered with the signed outcome paused, and this reason, of which
    /// the first 512 characters count. It is for people, and must not be about any person.
    pub fn pause(&self, reason: &str) {
        let reason = reason.chars().take(limit::REASON_CHARS).collect();
        self.become_unless_draining(NodeState { availability: Availability::Paused, reason });
        // A pause that leaves answers in memories would be none.
        self.all_changed();
    }

    /// Ends a pause.
    pub fn resume(&self) {
        self.become_unless_draining(NodeState::serving());
    }

    /// The process is about to end: brokers are told to send new queries on other links, and sessions
    /// end. Queries on the way are answered all the same. There is no way back.
    pub fn drain(&self) {
        let reason = "its process is about to end".to_owned();
        self.sessions.state.send_replace(NodeState { availability: Availability::Draining, reason });
    }

    /// How many brokers have a session.
    pub fn sessions(&self) -> usize {
        self.sessions.live.count()
    }

    /// The brokers that have a session, and what is known of each.
    pub fn broker_sessions(&self) -> BTreeMap<SpiffeId, BrokerSession> {
        self.sessions.live.all()
    }

    /// The brokers that have had a session that ended, and when each last said something in it.
    pub fn brokers_last_heard(&self) -> BTreeMap<SpiffeId, Timestamp> {
        self.sessions.live.last_heard()
    }

    /// Whether it takes queries.
    pub fn availability(&self) -> Availability {
        self.sessions.state().availability
    }

    /// Queries that it is answering.
    pub fn queries_under_way(&self) -> u32 {
        self.sessions.under_way.load(Ordering::Relaxed)
    }

    /// Answers that brokers may still keep.
    pub fn grants(&self) -> usize {
        self.sessions.granted.holding(Instant::now())
    }

    fn become_unless_draining(&self, state: NodeState) {
        self.sessions.state.send_if_modified(|current| {
            let changes = current.availability != Availability::Draining && *current != state;
            if changes {
                *current = state;
            }
            changes
        });
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.live.count())
    }
}
