//! Sessions with nodes: who is there, what each says of itself, and which kept answers still count.
//!
//! There is one with each node that can be reached, on one of its links; when that ends, on another. A kept
//! answer counts only while the session lasts that stood when it was asked for, so no purge has to survive
//! anything: what a node could not tell us is forgotten with the session. While nothing is heard on a session
//! for a while, nobody can tell what the node would say, and its kept answers are not shown.

mod changes;
mod keep;
mod notices;
mod talk;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weald_certs::ConnectError;
use weald_proto::session::{Changed, NodeHello, NodeState, Pong, Pulse};
use weald_proto::{Digest, Instance, OdsCode, SessionId, Timestamp};

use changes::Changes;

pub use keep::Keeper;
pub(crate) use notices::Notices;

/// The sessions of one broker. Clones share them.
#[derive(Clone, Default)]
pub struct Sessions {
    table: Arc<Mutex<Table>>,
    pulse: Pulse,
}

#[derive(Default)]
struct Table {
    begun: u64,
    sessions: BTreeMap<OdsCode, Session>,
    /// How the last session of those ended that have none now.
    ended: BTreeMap<OdsCode, EndedSession>,
    /// Why nodes that have no session now could not be dialled.
    unreached: BTreeMap<OdsCode, Unreached>,
}

/// A session that is over.
#[derive(Debug, Clone)]
pub struct EndedSession {
    /// What was known of the node.
    pub state: SessionState,
    /// When it ended.
    pub at: Timestamp,
}

/// A node that could not be dialled.
#[derive(Debug, Clone)]
pub struct Unreached {
    /// Why.
    pub fault: ConnectError,
    /// When.
    pub at: Timestamp,
}

struct Session {
    state: SessionState,
    standing: Standing,
    changed: Changes,
    /// When the node said something last.
    heard: Instant,
}

/// How an organisation's session stood at a moment: which it was, and how often everything had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    id: SessionId,
    /// A node might use an id twice.
    session: u64,
    changes: u64,
}

impl Standing {
    /// The session, as the node names it.
    pub(crate) fn id(&self) -> SessionId {
        self.id
    }
}

/// What is known of a node by its session.
#[derive(Debug, Clone)]
pub struct SessionState {
    /// Since when the session lasts.
    pub since: Timestamp,
    /// Version of the node's software.
    pub software: String,
    /// Tells this run of its process from every other.
    pub instance: Instance,
    /// Version of its register: the last that it has acknowledged.
    pub register_version: u64,
    /// Version of its policies.
    pub policy_version: String,
    /// By how many milliseconds its clock is ahead of ours, give or take half the round trip.
    pub clock_ahead_ms: i64,
    /// From a ping to its answer, the last time.
    pub round_trip: Option<Duration>,
    /// Queries that it was answering.
    pub in_flight: u32,
    /// When it last answered a ping, or began the session.
    pub heard_at: Timestamp,
    /// Whether it takes queries.
    pub availability: NodeState,
    /// Up to and with which entry of our audit log it has written down what was shown from memory.
    pub recorded: u64,
    /// True if the node has dialled in, false if it was dialled.
    pub is_attached: bool,
}

impl Sessions {
    /// None yet; they will have that pulse.
    pub(crate) fn new(pulse: Pulse) -> Self {
        Sessions { table: Arc::default(), pulse }
    }

    /// The pulse of every session.
    pub(crate) fn pulse(&self) -> Pulse {
        self.pulse
    }

    /// Every session, by organisation.
    pub fn all(&self) -> BTreeMap<OdsCode, SessionState> {
        let table = self.lock();
        table.sessions.iter().map(|(organisation, session)| (organisation.clone(), session.state.clone())).collect()
    }

    /// What is known of one organisation's node, while there is a session.
    pub fn of(&self, organisation: &OdsCode) -> Option<SessionState> {
        self.lock().sessions.get(organisation).map(|session| session.state.clone())
    }

    /// The last session with an organisation's node, while there is no other.
    pub fn ended(&self, organisation: &OdsCode) -> Option<EndedSession> {
        self.lock().ended.get(organisation).cloned()
    }

    /// Why an organisation's node could not be dialled the last time, while there is no session.
    pub fn unreached(&self, organisation: &OdsCode) -> Option<Unreached> {
        self.lock().unreached.get(organisation).cloned()
    }

    /// True if there is a session with that organisation's node.
    pub fn has(&self, organisation: &OdsCode) -> bool {
        self.lock().sessions.contains_key(organisation)
    }

    /// How the session with that organisation's node stands, if there is one.
    pub(crate) fn standing(&self, organisation: &OdsCode) -> Option<Standing> {
        self.lock().sessions.get(organisation).map(|session| session.standing)
    }

    /// True if an answer counts that was asked for at that standing, by that query.
    pub(crate) fn holds(&self, organisation: &OdsCode, standing: Standing, query: &Digest) -> bool {
        let table = self.lock();
        table.sessions.get(organisation).is_some_and(|session| {
            session.standing == standing
                && session.heard.elapsed() < self.pulse.doubt
                && !session.changed.contains(query)
        })
    }

    /// The node has said something.
    fn hear(&self, organisation: &OdsCode) {
        if let Some(session) = self.lock().sessions.get_mut(organisation) {
            session.heard = Instant::now();
        }
    }

    /// A session has begun.
    fn begin(&self, organisation: &OdsCode, hello: NodeHello, now: Timestamp, is_attached: bool) {
        let mut table = self.lock();
        table.begun += 1;
        let standing = Standing { id: hello.session, session: table.begun, changes: 0 };
        let state = SessionState {
            since: now,
            software: hello.software,
            instance: hello.instance,
            register_version: hello.register_version,
            policy_version: hello.policy_version,
            clock_ahead_ms: hello.now.as_millis().saturating_sub(now.as_millis()),
            round_trip: None,
            in_flight: 0,
            heard_at: now,
            availability: hello.state,
            recorded: hello.recorded,
            is_attached,
        };
        let heard = Instant::now();
        let session = Session { state, standing, changed: Changes::from(heard), heard };
        table.sessions.insert(organisation.clone(), session);
        table.ended.remove(organisation);
        table.unreached.remove(organisation);
    }

    fn end(&self, organisation: &OdsCode, now: Timestamp) {
        let mut table = self.lock();
        if let Some(Session { state, .. }) = table.sessions.remove(organisation) {
            table.ended.insert(organisation.clone(), EndedSession { state, at: now });
        }
    }

    /// The node could not be dialled.
    fn note_unreached(&self, organisation: &OdsCode, fault: ConnectError, now: Timestamp) {
        self.lock().unreached.insert(organisation.clone(), Unreached { fault, at: now });
    }

    /// These answers count no more, those that are on their way included.
    fn change(&self, organisation: &OdsCode, changed: &Changed) {
        let mut table = self.lock();
        let Some(session) = table.sessions.get_mut(organisation) else { return };
        let is_noted = match changed {
            Changed::Queries(queries) => session.changed.note(queries, Instant::now()),
            Changed::All => false,
        };
        if !is_noted {
            session.standing.changes += 1;
            session.changed.clear();
        }
    }

    fn note_pong(&self, organisation: &OdsCode, pong: Pong, sent_at: Timestamp, round_trip: Duration) {
        self.update(organisation, |state| {
            let middle = sent_at.plus(round_trip / 2);
            state.clock_ahead_ms = pong.now.as_millis().saturating_sub(middle.as_millis());
            state.round_trip = Some(round_trip);
            state.heard_at = sent_at.plus(round_trip);
            state.register_version = pong.register_version;
            state.policy_version = pong.policy_version;
            state.in_flight = pong.in_flight;
        });
    }

    fn update(&self, organisation: &OdsCode, change: impl FnOnce(&mut SessionState)) {
        if let Some(session) = self.lock().sessions.get_mut(organisation) {
            change(&mut session.state);
        }
    }

    /// A panic cannot leave the table half changed in a way that keeps more, so a poisoned lock is as good
    /// as any.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({})", self.lock().sessions.len())
    }
}

#[cfg(test)]
mod tests {
    use weald_proto::session::NodeState;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);

    fn hospital() -> OdsCode {
        OdsCode::parse("RVV").unwrap()
    }

    fn hello() -> NodeHello {
        NodeHello {
            software: "0.1.0".into(),
            register_version: 3,
            policy_version: "p".into(),
            now: NOW.plus(Duration::from_millis(70)),
            instance: Instance::parse(&[7; 16]).unwrap(),
            state: NodeState::serving(),
            recorded: 0,
            session: SessionId::parse(&[8; 16]).unwrap(),
        }
    }

    fn query(number: usize) -> Digest {
        Digest::of(&number.to_be_bytes())
    }

    fn begun() -> Sessions {
        let sessions = Sessions::default();
        sessions.begin(&hospital(), hello(), NOW, true);
        sessions
    }

    #[test]
    fn an_answer_counts_while_the_session_lasts_that_stood_when_it_was_asked_for() {
        let sessions = begun();
        let standing = sessions.standing(&hospital()).unwrap();
        assert!(sessions.holds(&hospital(), standing, &query(1)));
        sessions.end(&hospital(), NOW);
        assert!(!sessions.holds(&hospital(), standing, &query(1)));
        assert_eq!(sessions.standing(&hospital()), None);
        sessions.begin(&hospital(), hello(), NOW, true);
        assert!(!sessions.holds(&hospital(), standing, &query(1)), "another session is another");
    }

    #[test]
    fn what_has_changed_counts_no_more_even_if_its_answer_comes_later() {
        let sessions = begun();
        let standing = sessions.standing(&hospital()).unwrap();
        sessions.change(&hospital(), &Changed::Queries([query(1)].into()));
        assert!(!sessions.holds(&hospital(), standing, &query(1)));
        assert!(sessions.holds(&hospital(), standing, &query(2)));
        sessions.change(&hospital(), &Changed::All);
        assert!(!sessions.holds(&hospital(), standing, &query(2)));
        let later = sessions.standing(&hospital()).unwrap();
        assert!(sessions.holds(&hospital(), later, &query(2)), "an answer that was asked for since");
    }

    #[test]
    fn more_changes_than_are_remembered_change_everything() {
        let sessions = begun();
        let standing = sessions.standing(&hospital()).unwrap();
        sessions.change(&hospital(), &Changed::Queries((0..changes::REMEMBERED).map(query).collect()));
        assert!(sessions.holds(&hospital(), standing, &query(changes::REMEMBERED)));
        sessions.change(&hospital(), &Changed::Queries([query(changes::REMEMBERED)].into()));
        assert!(!sessions.holds(&hospital(), standing, &query(changes::REMEMBERED + 1)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_of_a_node_that_says_nothing_is_not_shown_until_it_says_something() {
        let sessions = begun();
        let standing = sessions.standing(&hospital()).unwrap();
        tokio::time::advance(Pulse::default().doubt - Duration::from_millis(1)).await;
        assert!(sessions.holds(&hospital(), standing, &query(1)));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!sessions.holds(&hospital(), standing, &query(1)));
        sessions.hear(&hospital());
        assert!(sessions.holds(&hospital(), standing, &query(1)), "whatever it said before has come before");
    }

    #[test]
    fn the_clock_of_a_node_is_compared_with_the_middle_of_the_round_trip() {
        let sessions = begun();
        assert_eq!(sessions.of(&hospital()).unwrap().clock_ahead_ms, 70);
        let pong = Pong {
            number: 1,
            now: NOW.plus(Duration::from_millis(150)),
            register_version: 4,
            policy_version: "q".into(),
            in_flight: 2,
        };
        sessions.note_pong(&hospital(), pong, NOW, Duration::from_millis(100));
        let state = sessions.of(&hospital()).unwrap();
        assert_eq!((state.clock_ahead_ms, state.register_version, state.in_flight), (100, 4, 2));
        assert_eq!((state.policy_version.as_str(), state.round_trip), ("q", Some(Duration::from_millis(100))));
    }
}
