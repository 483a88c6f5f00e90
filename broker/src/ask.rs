//! Fourth step: ask every located organisation at once, each under its own deadline.
//!
//! One slow or dead organisation costs only itself: whatever happens, each has exactly one outcome.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use weald_audit::Recorded;
use weald_proto::{
    Answer, Digest, Grant, KeyId, KeyUse, Keyring as _, Nonce, OdsCode, Outcome, Query, QueryId, Reason, Section,
    Signed, VerifiedAnswer, limit, wire,
};

use crate::admit::Admitted;
use crate::broker::Broker;
use crate::decide::Decided;
use crate::locate::Located;
use crate::record::record_update;
use crate::refusal::Refusal;
use crate::summary::outcome_message;

/// Kept back from the view's deadline, to merge, record and send.
const RESERVE: Duration = Duration::from_millis(200);

/// An answer under way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<wire::Answer, Unanswered>> + Send + 'a>>;

/// Reaches nodes.
pub trait AskNode: Send + Sync {
    /// Sends one signed query to an organisation's node. The caller bounds the time.
    fn ask<'a>(&'a self, located: &'a Located, organisation: &'a OdsCode, query: wire::SignedMessage) -> Answering<'a>;
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
    /// It refused the query without signing anything.
    #[error("the node refused the query: {0}")]
    Refused(Reason),
    /// It sent something that is no answer.
    #[error("no answer: {0}")]
    Invalid(String),
}

/// What an organisation said, checked.
#[derive(Debug, Clone)]
pub struct Said {
    /// The query that it answered.
    pub query: Signed<Query>,
    /// The answer, verbatim.
    pub answer: Arc<Answer>,
    /// What the answer says.
    pub verified: Arc<VerifiedAnswer>,
    /// The key of the assertion that the query carried.
    pub assertion_key: Option<KeyId>,
    /// True if it was said to an earlier query.
    pub cached: bool,
}

impl Said {
    /// Bytes that it takes up.
    pub fn size(&self) -> usize {
        let parts: usize = self.answer.parts.iter().map(|part| part.content.len()).sum();
        2 * parts + self.answer.identity.len() + 8 * 1024
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
    /// Stable reason, if it is no answer.
    pub reason_code: String,
    /// Reason in plain words, if it is no answer.
    pub reason_text: String,
    /// Digest of the query that was answered or that nobody answered; none if none was sent.
    pub query: Option<Digest>,
    /// From the question to the outcome.
    pub elapsed: Duration,
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

/// What each organisation that spoke said.
pub fn said(heard: &BTreeMap<OdsCode, Heard>) -> impl Iterator<Item = (&OdsCode, &VerifiedAnswer)> {
    heard.iter().filter_map(|(organisation, heard)| Some((organisation, &*heard.said.as_ref()?.verified)))
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
    deadline: Instant,
    watcher: Option<&Watcher>,
) -> Result<BTreeMap<OdsCode, Heard>, Refusal> {
    let mut heard: BTreeMap<OdsCode, Heard> =
        located.not_asked.iter().map(|organisation| (organisation.clone(), not_asked(organisation))).collect();
    let started = Instant::now();
    let until = (started + limit::SOURCE_DEADLINE).min(deadline.checked_sub(RESERVE).unwrap_or(started));
    let mut asking: FuturesUnordered<_> = located
        .asked
        .iter()
        .map(|(organisation, grants)| hear(broker, admitted, decided, located, organisation, grants, until))
        .collect();
    while let Some(one) = asking.next().await {
        if let Some(Watcher(updates)) = watcher {
            record_update(broker, admitted, decided, located, &one).await?;
            // A watcher that went away costs the others nothing.
            let _ = updates.send(outcome_message(&one, true)).await;
        }
        heard.insert(one.organisation.clone(), one);
    }
    Ok(heard)
}

fn not_asked(organisation: &OdsCode) -> Heard {
    Heard {
        organisation: organisation.clone(),
        outcome: Outcome::NotAsked,
        said: None,
        reason_code: "HOLDS_NONE_OF_IT".into(),
        reason_text: "by the register it holds none of the sections asked for".into(),
        query: None,
        elapsed: Duration::ZERO,
    }
}

/// Hears one organisation: recalled, or asked and checked.
async fn hear(
    broker: &Broker,
    admitted: &Admitted,
    decided: &Decided,
    located: &Located,
    organisation: &OdsCode,
    grants: &BTreeMap<Section, Grant>,
    until: Instant,
) -> Heard {
    let started = Instant::now();
    let sent = OnceLock::new();
    let said = timeout_at(until, say(broker, admitted, decided, located, organisation, grants, until, &sent)).await;
    let elapsed = started.elapsed();
    match said.unwrap_or(Err(Unanswered::TimedOut)) {
        Ok(said) => {
            let statement = said.verified.statement();
            Heard {
                organisation: organisation.clone(),
                outcome: statement.outcome,
                reason_code: statement.reason_code.clone(),
                reason_text: statement.reason_text.clone(),
                query: Some(said.query.digest()),
                said: Some(said),
                elapsed,
            }
        }
        Err(unanswered) => {
            tracing::info!(view_id = %admitted.view(), %organisation, error = %unanswered, "no answer");
            let (outcome, reason_code, reason_text) = outcome_of(&unanswered);
            let (organisation, query) = (organisation.clone(), sent.get().copied());
            Heard { organisation, outcome, said: None, reason_code, reason_text, query, elapsed }
        }
    }
}

fn outcome_of(unanswered: &Unanswered) -> (Outcome, String, String) {
    match unanswered {
        Unanswered::Unreachable(_) => (Outcome::Unreachable, "UNREACHABLE".into(), "it could not be reached".into()),
        Unanswered::TimedOut => (Outcome::TimedOut, "TIMED_OUT".into(), "it did not answer in time".into()),
        Unanswered::Refused(reason) => (Outcome::Invalid, reason.as_str().into(), reason.text().into()),
        Unanswered::Invalid(_) => (Outcome::Invalid, "INVALID".into(), "what it sent does not hold".into()),
    }
}

#[expect(clippy::too_many_arguments, reason = "everything that one question depends on")]
async fn say(
    broker: &Broker,
    admitted: &Admitted,
    decided: &Decided,
    located: &Located,
    organisation: &OdsCode,
    grants: &BTreeMap<Section, Grant>,
    until: Instant,
    sent: &OnceLock<Digest>,
) -> Result<Said, Unanswered> {
    let permitted = &decided.permitted;
    let recall = || async {
        broker.cache.recall(organisation, permitted).await.filter(|said| still_holds(said, located, grants))
    };
    if let Some(said) = recall().await {
        return Ok(said);
    }
    let _flight = broker.cache.board(organisation, permitted).await;
    if let Some(said) = recall().await {
        return Ok(said);
    }
    let query = query(broker, admitted, located, organisation, grants, until);
    let signed = Signed::sign(&query, organisation.as_str(), &broker.parts.key);
    let _ = sent.set(signed.digest());
    let answer = broker.parts.nodes.ask(located, organisation, signed.as_wire().clone()).await?;
    let said = check(answer, signed, &query, admitted, located)?;
    broker.cache.keep(organisation, permitted, &said).await;
    Ok(said)
}

/// A kept answer holds only while the register still gives every key under it, and the organisation
/// holds the same sections: the client will ask the same.
fn still_holds(said: &Said, located: &Located, grants: &BTreeMap<Section, Grant>) -> bool {
    let given = |id: &str, usage| KeyId::parse(id).is_ok_and(|id| located.register.key(&id, usage).is_some());
    let sections = &said.verified.statement().sections;
    given(&said.answer.statement.as_wire().key_id, KeyUse::Statement)
        && given(&said.query.as_wire().key_id, KeyUse::Query)
        && said.assertion_key.as_ref().is_some_and(|id| located.register.key(id, KeyUse::Assertion).is_some())
        && (sections.is_empty() || sections.keys().eq(grants.keys()))
}

fn query(
    broker: &Broker,
    admitted: &Admitted,
    located: &Located,
    organisation: &OdsCode,
    grants: &BTreeMap<Section, Grant>,
    until: Instant,
) -> Query {
    let env = &broker.parts.env;
    let now = env.clock.now();
    Query {
        id: QueryId::generate(&*env.random),
        audience: organisation.clone(),
        grants: grants.clone(),
        assertion: admitted.token().clone(),
        register_version: located.register.version(),
        register_issued_at: located.register.issued_at(),
        issued_at: now,
        expires_at: now.plus(limit::QUERY_LIFE),
        nonce: Nonce::generate(&*env.random),
        time_left: until.saturating_duration_since(Instant::now()),
        broker: broker.parts.name.clone(),
    }
}

/// Checks an answer: signed by that organisation, bound to this query, about this person.
fn check(
    answer: wire::Answer,
    signed: Signed<Query>,
    query: &Query,
    admitted: &Admitted,
    located: &Located,
) -> Result<Said, Unanswered> {
    let answer = Answer::from_wire(answer).map_err(|fault| Unanswered::Invalid(fault.to_string()))?;
    let asked = query.grants.keys().copied().collect();
    let patient = &admitted.assertion().patient;
    let verified = answer
        .verify(&query.audience, &signed, &asked, patient, &*located.register)
        .map_err(|fault| Unanswered::Invalid(fault.to_string()))?;
    let assertion_key = query.assertion.key_id();
    Ok(Said { query: signed, answer: Arc::new(answer), verified: Arc::new(verified), assertion_key, cached: false })
}
