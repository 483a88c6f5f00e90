//! Fourth step: ask every located organisation at once, each under its own deadline.
//!
//! One slow or dead organisation costs only itself: whatever happens, each has exactly one outcome.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::Instant;
use weald_audit::Recorded;
use weald_proto::{
    Answer, Digest, KeyId, NoAnswer, OdsCode, Outcome, OutcomeReason, Outline, Query, Reason, Signed, Statement,
    Verified, limit, wire,
};

use crate::admit::{Admitted, Request};
use crate::broker::Broker;
use crate::decide::Decided;
use crate::fair::Place;
use crate::fit::Filling;
use crate::locate::Located;
use crate::question::Question;
use crate::record::record;
use crate::refusal::Refusal;
use crate::room::Allowance;
use crate::summary::{Findings, outcome_message};

/// Kept back from the view's deadline, to merge, record and send.
const RESERVE: Duration = Duration::from_millis(200);

/// An answer under way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<wire::Answer, Unanswered>> + Send + 'a>>;

/// Reaches nodes.
pub trait AskNode: Send + Sync {
    /// Sends one signed query to an organisation's node, and reads the answer when `allowance` has room for it. The
    /// caller bounds the time.
    fn ask<'a>(
        &'a self,
        located: &'a Located,
        organisation: &'a OdsCode,
        query: wire::SignedMessage,
        allowance: Arc<Allowance>,
    ) -> Answering<'a>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// It could not be reached.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The query was never sent: it waited in line until its time was over.
    #[error("not asked in time")]
    NotSentInTime,
    /// It answered, and there was no room for the answer until its time was over.
    #[error("no room for the answer in time")]
    NotHeardInTime,
    /// The answer does not fit into the summary beside the others.
    #[error("the summary is full")]
    SummaryFull,
    /// It refused the query without signing anything.
    #[error("the node refused the query: {0}")]
    Refused(Reason),
    /// It sent something that is no answer.
    #[error("no answer: {reason}: {detail}")]
    Invalid {
        /// The stable reason.
        reason: NoAnswer,
        /// What we log: which field or section, never a value.
        detail: String,
    },
}

impl Unanswered {
    /// The stable reason.
    pub const fn reason(&self) -> OutcomeReason {
        OutcomeReason::Broker(match self {
            Unanswered::Unreachable(_) => NoAnswer::Unreachable,
            Unanswered::TimedOut => NoAnswer::TimedOut,
            Unanswered::NotSentInTime => NoAnswer::NotSentInTime,
            Unanswered::NotHeardInTime => NoAnswer::NotHeardInTime,
            Unanswered::SummaryFull => NoAnswer::SummaryFull,
            Unanswered::Refused(reason) => return OutcomeReason::Organisation(*reason),
            Unanswered::Invalid { reason, .. } => *reason,
        })
    }

    /// What came of the organisation.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Unanswered::Unreachable(_) => Outcome::Unreachable,
            Unanswered::TimedOut | Unanswered::NotSentInTime | Unanswered::NotHeardInTime => Outcome::TimedOut,
            Unanswered::SummaryFull => Outcome::LeftOut,
            Unanswered::Refused(_) | Unanswered::Invalid { .. } => Outcome::Invalid,
        }
    }
}

/// What an organisation said, checked.
#[derive(Debug, Clone)]
pub struct Said {
    /// The query that it answered.
    pub query: Signed<Query>,
    /// The answer, verbatim.
    pub answer: Arc<Answer>,
    /// What the answer states of itself.
    pub statement: Arc<Verified<Statement>>,
    /// What a plan needs to know of its items. The items themselves are read at the client.
    pub outline: Arc<Outline>,
    /// The key of the assertion that the query carried.
    pub assertion_key: Option<KeyId>,
    /// True if it was said to an earlier query.
    pub cached: bool,
}

impl Said {
    /// Bytes of the answer as it came.
    pub fn bytes(&self) -> usize {
        let parts: usize = self.answer.parts.iter().map(|part| part.content.len()).sum();
        parts + self.answer.identity.len() + self.answer.statement.as_wire().payload.len()
    }

    /// Bytes that it takes up, about.
    pub fn size(&self) -> usize {
        self.bytes() + self.outline.size() + 8 * 1024
    }
}

/// What came of one organisation.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The organisation.
    pub organisation: OdsCode,
    /// What came of it.
    pub outcome: Outcome,
    /// What it said, if the outcome is its own word.
    pub said: Option<Said>,
    /// Why it is no answer, if it is none; of an organisation's own word, if that is in a closed list.
    pub reason: Option<OutcomeReason>,
    /// The code of it, as the organisation has it if it is its own word; else empty.
    pub reason_code: String,
    /// Reason in plain words, if it is no answer.
    pub reason_text: String,
    /// Digest of the query that was answered or that nobody answered; none if none was sent.
    pub query: Option<Digest>,
    /// From the question to the outcome.
    pub elapsed: Duration,
    /// The place that its viewer app holds at the organisation for as long as the answer is in memory.
    #[expect(dead_code, reason = "held, not read")]
    pub(crate) place: Option<Arc<Place>>,
    /// The room that the answer takes up, until what is made of it has left.
    pub(crate) allowance: Option<Arc<Allowance>>,
}

impl Heard {
    /// Nothing was said, for that reason.
    pub(crate) fn without_answer(organisation: OdsCode, outcome: Outcome, reason: OutcomeReason) -> Self {
        Heard {
            organisation,
            outcome,
            said: None,
            reason: Some(reason),
            reason_code: reason.as_str().to_owned(),
            reason_text: reason.text().to_owned(),
            query: None,
            elapsed: Duration::ZERO,
            place: None,
            allowance: None,
        }
    }
}

impl Heard {
    /// What it takes up counts until the last byte that is sent of the view has left.
    pub(crate) fn keep_until_left(&self, request: &Request) {
        if let (Some(call), Some(allowance)) = (&request.call, &self.allowance) {
            call.keep(Arc::clone(allowance));
        }
    }

    /// It was heard, and is left out for want of room in the summary.
    pub(crate) fn left_out(self) -> Self {
        let full = Unanswered::SummaryFull;
        let heard = Heard::without_answer(self.organisation, full.outcome(), full.reason());
        Heard { query: self.query, elapsed: self.elapsed, ..heard }
    }
}

/// Gets each outcome as it comes, once its release is durable.
pub struct Watcher(mpsc::Sender<wire::OrganisationOutcome>);

impl Watcher {
    /// Passes outcomes on to `updates`.
    pub fn new(updates: mpsc::Sender<wire::OrganisationOutcome>) -> Self {
        Watcher(updates)
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// Asks every located organisation. The result has every named organisation exactly once.
///
/// # Errors
///
/// [`Refusal`] when a watched update cannot be recorded.
pub async fn ask(
    broker: &Broker,
    admitted: &Admitted,
    decided: &Decided,
    located: &Located,
    _intent: Recorded,
    request: &Request,
    watcher: Option<&Watcher>,
) -> Result<BTreeMap<OdsCode, Heard>, Refusal> {
    let mut heard: BTreeMap<OdsCode, Heard> =
        located.not_asked.iter().map(|organisation| (organisation.clone(), not_asked(organisation))).collect();
    let mut summary = Filling::of(located.asked.len() + located.not_asked.len(), broker.parts.capacity);
    let started = Instant::now();
    let until = (started + limit::SOURCE_DEADLINE).min(request.deadline.checked_sub(RESERVE).unwrap_or(started));
    let mut asking: FuturesUnordered<_> = located
        .asked
        .iter()
        .map(|(organisation, grants)| {
            Question { broker, admitted, decided, located, organisation, grants, until }.hear()
        })
        .collect();
    while let Some(mut one) = asking.next().await {
        if let Some(Watcher(updates)) = watcher {
            // What was passed on cannot be taken back: whoever comes first has room.
            if !summary.holds(&one) {
                one = one.left_out();
            }
            one.keep_until_left(request);
            let alone = BTreeMap::from([(one.organisation.clone(), one.clone())]);
            record(broker, &Findings { admitted, decided, located, heard: &alone, plan: None }).await?;
            // A watcher that went away costs the others nothing.
            let _ = updates.send(outcome_message(&one, true)).await;
        }
        heard.insert(one.organisation.clone(), one);
    }
    Ok(heard)
}

fn not_asked(organisation: &OdsCode) -> Heard {
    let reason = OutcomeReason::Broker(NoAnswer::HoldsNoneOfIt);
    Heard::without_answer(organisation.clone(), Outcome::NotAsked, reason)
}
