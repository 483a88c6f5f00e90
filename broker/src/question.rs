//! One question to one organisation: recalled, or asked and checked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use prost::Message as _;
use tokio::time::{Instant, timeout_at};
use weald_proto::{
    Answer, AnswerError, Digest, Grant, KeyId, KeyUse, Keyring as _, Nonce, OdsCode, OutcomeReason, Outline, Query,
    QueryId, Section, SessionId, Signed, limit, wire,
};

use crate::admit::Admitted;
use crate::ask::{Heard, Said, Unanswered};
use crate::broker::Broker;
use crate::decide::Decided;
use crate::fair::Place;
use crate::locate::Located;
use crate::room::Allowance;

/// Everything that one question depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub(crate) broker: &'a Broker,
    pub(crate) admitted: &'a Admitted,
    pub(crate) decided: &'a Decided,
    pub(crate) located: &'a Located,
    pub(crate) organisation: &'a OdsCode,
    pub(crate) grants: &'a BTreeMap<Section, Grant>,
    pub(crate) until: Instant,
}

impl Question<'_> {
    /// Whatever happens, there is an outcome, and by the deadline.
    pub(crate) async fn hear(self) -> Heard {
        let started = Instant::now();
        let (sent, came) = (OnceLock::new(), AtomicBool::new(false));
        let allowance = Allowance::new(&self.broker.room, self.admitted.viewer(), self.organisation);
        let said = timeout_at(self.until, self.put(&sent, &came, &allowance)).await;
        let elapsed = started.elapsed();
        let organisation = self.organisation.clone();
        let late = || match sent.get() {
            // Whatever it waits for is ours.
            _ if allowance.waits() || came.load(Ordering::Relaxed) => Unanswered::NotHeardInTime,
            Some(_) => Unanswered::TimedOut,
            None => Unanswered::NotSentInTime,
        };
        match said.unwrap_or_else(|_| Err(late())) {
            Ok((said, place)) => {
                let statement = &said.statement;
                Heard {
                    organisation,
                    outcome: statement.outcome,
                    reason: statement.reason_code.parse().ok().map(OutcomeReason::Organisation),
                    reason_code: statement.reason_code.clone(),
                    reason_text: statement.reason_text.clone(),
                    query: Some(said.query.digest()),
                    said: Some(said),
                    elapsed,
                    place,
                    allowance: Some(allowance),
                }
            }
            Err(unanswered) => {
                tracing::info!(view_id = %self.admitted.view(), %organisation, error = %unanswered, "no answer");
                let heard = Heard::without_answer(organisation, unanswered.outcome(), unanswered.reason());
                Heard { query: sent.get().copied(), elapsed, ..heard }
            }
        }
    }

    /// With the place that was taken for it, if it was asked. Says what was `sent`, and when all of the answer `came`.
    async fn put(
        &self,
        sent: &OnceLock<Digest>,
        came: &AtomicBool,
        allowance: &Arc<Allowance>,
    ) -> Result<(Said, Option<Arc<Place>>), Unanswered> {
        if let Some(said) = self.recall().await {
            allowance.take(said.bytes()).await;
            return Ok((said, None));
        }
        let (cache, permitted) = (&self.broker.cache, &self.decided.permitted);
        let _flight = cache.board(self.organisation, permitted).await;
        if let Some(said) = self.recall().await {
            allowance.take(said.bytes()).await;
            return Ok((said, None));
        }
        let viewer = self.broker.viewers.viewer(self.admitted.viewer());
        let place = viewer.place_at(self.organisation).await;
        // What the node says from here on is about the answer, too.
        let standing = self.broker.sessions.standing(self.organisation);
        let query = self.query(standing.map(|standing| standing.id()));
        let signed = Signed::sign(&query, self.organisation.as_str(), &self.broker.parts.key);
        let _ = sent.set(signed.digest());
        let nodes = &self.broker.parts.nodes;
        let message = signed.as_wire().clone();
        let answer = nodes.ask(self.located, self.organisation, message, Arc::clone(allowance)).await?;
        came.store(true, Ordering::Relaxed);
        let bytes = answer.encoded_len();
        let check = self.check(answer, signed, query, Arc::clone(allowance));
        let said = self.broker.aside.work(viewer.check(), bytes, check).await?;
        cache.keep(self.organisation, permitted, &said, standing).await;
        Ok((said, Some(Arc::new(place))))
    }

    async fn recall(&self) -> Option<Said> {
        if self.broker.notices.is_behind(self.organisation) {
            return None;
        }
        let kept = self.broker.cache.recall(self.organisation, &self.decided.permitted).await;
        kept.filter(|said| self.still_holds(said))
    }

    /// A kept answer holds only while the register still gives every key under it, and the
    /// organisation holds the same sections: the client will ask the same.
    fn still_holds(&self, said: &Said) -> bool {
        let register = &self.located.register;
        let given = |id: &str, usage| KeyId::parse(id).is_ok_and(|id| register.key(&id, usage).is_some());
        let sections = &said.statement.sections;
        given(&said.answer.statement.as_wire().key_id, KeyUse::Statement)
            && given(&said.query.as_wire().key_id, KeyUse::Query)
            && said.assertion_key.as_ref().is_some_and(|id| register.key(id, KeyUse::Assertion).is_some())
            && (sections.is_empty() || sections.keys().eq(self.grants.keys()))
    }

    fn query(&self, session: Option<SessionId>) -> Query {
        let env = &self.broker.parts.env;
        let now = env.clock.now();
        Query {
            id: QueryId::generate(&*env.random),
            audience: self.organisation.clone(),
            grants: self.grants.clone(),
            assertion: self.admitted.token().clone(),
            register_version: self.located.register.version(),
            register_issued_at: self.located.register.issued_at(),
            issued_at: now,
            expires_at: now.plus(limit::QUERY_LIFE),
            nonce: Nonce::generate(&*env.random),
            time_left: self.until.saturating_duration_since(Instant::now()),
            broker: self.broker.parts.name.clone(),
            session,
        }
    }

    /// The check of an answer: signed by that organisation, bound to this query, about this person. What it takes up
    /// counts as long as the check lasts, whoever waits for it.
    fn check(
        &self,
        answer: wire::Answer,
        signed: Signed<Query>,
        query: Query,
        allowance: Arc<Allowance>,
    ) -> impl FnOnce() -> Result<Said, Unanswered> + Send + 'static {
        let (organisation, register) = (self.organisation.clone(), Arc::clone(&self.located.register));
        let patient = self.admitted.assertion().patient.clone();
        move || {
            let _held = allowance;
            let invalid =
                |fault: AnswerError| Unanswered::Invalid { reason: fault.reason(), detail: fault.to_string() };
            let answer = Answer::from_wire(answer).map_err(|fault| invalid(fault.into()))?;
            let asked = query.grants.keys().copied().collect();
            let verified = answer.verify(&organisation, &signed, &asked, &patient, &*register).map_err(invalid)?;
            Ok(Said {
                assertion_key: query.assertion.key_id(),
                query: signed,
                outline: Arc::new(Outline::of(&verified)),
                statement: Arc::new(verified.into_statement()),
                answer: Arc::new(answer),
                cached: false,
            })
        }
    }
}
