//! Access notices: what brokers showed again from memory, written down like a query.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use weald_audit::{AuditError, AuditedView, ChainError, Entry, Inputs, Kind, Recorder};
use weald_proto::session::Viewed;
use weald_proto::{Digest, NhsNumber, SpiffeId};

use crate::decide::kind_of;
use crate::node::Node;

/// What a node's own audit log holds of access notices. The default is that of no log.
#[derive(Debug, Default)]
pub struct History {
    log: Option<PathBuf>,
    recorded: BTreeMap<(SpiffeId, Digest), u64>,
}

impl History {
    /// Reads it from the node's log, which is open.
    ///
    /// # Errors
    ///
    /// [`ChainError`] for anything in the log that is not sound.
    pub fn read(log: &Path) -> Result<Self, ChainError> {
        Ok(History { log: Some(log.to_owned()), recorded: weald_audit::viewed(log)? })
    }
}

/// Writes access notices down, each once.
pub(super) struct Recording {
    log: Option<PathBuf>,
    /// Up to where, of each broker's log.
    recorded: Mutex<BTreeMap<(SpiffeId, Digest), u64>>,
}

impl Recording {
    pub(super) fn after(history: History) -> Self {
        Recording { log: history.log, recorded: Mutex::new(history.recorded) }
    }

    /// Up to where that log of that broker is written down, durably.
    pub(super) fn recorded(&self, broker: &SpiffeId, log: Digest) -> u64 {
        let recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        recorded.get(&(broker.clone(), log)).copied().unwrap_or(0)
    }

    /// The notice of that number is durable.
    fn note(&self, broker: &SpiffeId, log: Digest, sequence: u64) {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let highest = recorded.entry((broker.clone(), log)).or_insert(0);
        *highest = sequence.max(*highest);
    }
}

/// Whom the answer to a query was about: by what is remembered, else by the node's own log. Nothing if
/// neither knows the query, which then is recorded about nobody.
pub(super) async fn person(node: &Node, query: Digest) -> Option<NhsNumber> {
    if let Some(person) = node.sessions.granted.person(&query) {
        return Some(person);
    }
    let log = node.sessions.recording.log.clone()?;
    let found = tokio::task::spawn_blocking(move || weald_audit::answered(&log, query)).await;
    let person = match found {
        Ok(Ok(person)) => person,
        Ok(Err(error)) => {
            tracing::error!(organisation = %node.organisation(), %error, "the audit log cannot be read back");
            None
        }
        // The runtime is shutting down.
        Err(_) => None,
    };
    if person.is_none() {
        tracing::warn!(organisation = %node.organisation(), %query, "a broker showed an answer that is not known here");
    }
    person
}

/// Writes one notice down. The entry is durable when this returns its number.
pub(super) async fn record(
    node: &Node,
    broker: &SpiffeId,
    viewed: Box<Viewed>,
    person: Option<NhsNumber>,
) -> Result<u64, AuditError> {
    let (log, sequence) = (viewed.log, viewed.sequence);
    node.parts.log.append(entry(node, broker, *viewed, person)).await?;
    node.sessions.recording.note(broker, log, sequence);
    Ok(sequence)
}

fn entry(node: &Node, broker: &SpiffeId, viewed: Viewed, patient: Option<NhsNumber>) -> Entry {
    let organisation = node.organisation().clone();
    let mut entry = Entry::new(Kind::Viewed, Recorder::Node { organisation, query: None, patient });
    let requester_kind = node.parts.engine.roles().kind_of(&viewed.requester);
    entry.inputs = Some(Inputs {
        requester_kind: requester_kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        purpose: Some(viewed.purpose),
        organisation_kind: kind_of(node),
        ..Inputs::default()
    });
    entry.query_digest = Some(viewed.query);
    entry.jti = Some(viewed.jti);
    entry.assertion_digest = Some(viewed.assertion);
    entry.requester = Some(viewed.requester);
    entry.register_version = node.register().version();
    entry.peer = Some(broker.clone());
    entry.viewed = Some(AuditedView {
        log: viewed.log,
        sequence: viewed.sequence,
        viewed_at: viewed.viewed_at,
        view: viewed.view,
        viewer: viewed.viewer,
    });
    entry
}
