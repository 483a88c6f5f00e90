//! Access notices: what brokers showed again from memory, written down like a query.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep_until};
use weald_audit::{AuditError, AuditedView, Entry, Inputs, Kind, Recorder};
use weald_proto::session::Viewed;
use weald_proto::{Digest, NhsNumber, SpiffeId};

use crate::decide::kind_of;
use crate::node::Node;

/// Between two notices that are written down, on average: a broker fills no disk.
const APART: Duration = Duration::from_millis(4);
/// Between two times that a session reads the node's log back.
const READ_APART: Duration = Duration::from_secs(2);

/// When the next notices of a session may be written down.
pub(super) struct Desk {
    free_at: Instant,
    read_at: Instant,
}

impl Desk {
    /// At once.
    pub(super) fn from(now: Instant) -> Self {
        Desk { free_at: now, read_at: now }
    }

    /// Writes notices down, in their order. All are durable when this returns the number of the last.
    ///
    /// # Errors
    ///
    /// [`AuditError`]: then some may be durable, and some are not.
    pub(super) async fn write(
        &mut self,
        node: &Node,
        broker: &SpiffeId,
        notices: Vec<Viewed>,
    ) -> Result<Option<u64>, AuditError> {
        sleep_until(self.free_at).await;
        self.free_at = Instant::now() + APART * u32::try_from(notices.len()).unwrap_or(u32::MAX);
        let people = self.people(node, &notices).await;
        let last = notices.last().map(|viewed| (viewed.log, viewed.sequence));
        let entries = notices.into_iter().map(|viewed| {
            let person = people.get(&viewed.query).cloned();
            node.parts.log.append(entry(node, broker, viewed, person))
        });
        try_join_all(entries).await?;
        if let Some((log, sequence)) = last {
            node.sessions.recording.note(broker, log, sequence);
        }
        Ok(last.map(|(_, sequence)| sequence))
    }

    /// Whom the answers to the queries of these notices were about: by what is remembered, else by the node's
    /// own log, which is read once for all of them. A query that neither knows is recorded about nobody.
    async fn people(&mut self, node: &Node, notices: &[Viewed]) -> BTreeMap<Digest, NhsNumber> {
        let granted = &node.sessions.granted;
        let known = |viewed: &Viewed| Some((viewed.query, granted.person(&viewed.query)?));
        let mut people: BTreeMap<_, _> = notices.iter().filter_map(known).collect();
        let unknown: Vec<_> =
            notices.iter().map(|viewed| viewed.query).filter(|query| !people.contains_key(query)).collect();
        if let (false, Some(log)) = (unknown.is_empty(), node.sessions.recording.log.clone()) {
            sleep_until(self.read_at).await;
            let queries = unknown.iter().copied().collect();
            let found = tokio::task::spawn_blocking(move || weald_audit::answered(&log, queries)).await;
            self.read_at = Instant::now() + READ_APART;
            match found {
                Ok(Ok(found)) => people.extend(found),
                Ok(Err(error)) => {
                    tracing::error!(organisation = %node.organisation(), %error, "the audit log cannot be read back");
                }
                // The runtime is shutting down.
                Err(_) => {}
            }
        }
        let nobodys = unknown.iter().filter(|query| !people.contains_key(query)).count();
        if nobodys > 0 {
            let organisation = node.organisation();
            tracing::warn!(%organisation, nobodys, "a broker showed answers to queries that are not known here");
        }
        people
    }
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
