//! Stands between the broker and the nodes, and does to each answer what a test wants.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use weald_broker::ask::{Answering, AskNode, Unanswered};
use weald_broker::locate::Located;
use weald_broker::room::Allowance;
use weald_proto::{Digest, OdsCode, Outcome, Signable as _, Signed, SigningKey, Statement, wire};

/// What becomes of the query to one organisation, or of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Nothing becomes of it.
    Honest,
    /// The answer comes that much later.
    Late(Duration),
    /// The organisation cannot be reached.
    Down,
    /// It does not answer in time.
    Slow,
    /// It refuses, under its own signature.
    Refused,
    /// It sends another organisation's section for its own.
    Lying,
}

/// The ways between the broker and each organisation. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Ways(Arc<Mutex<BTreeMap<OdsCode, Way>>>);

impl Ways {
    /// From now on it goes like that.
    pub(crate) fn go(&self, organisation: OdsCode, way: Way) {
        self.0.lock().unwrap().insert(organisation, way);
    }

    fn to(&self, organisation: &OdsCode) -> Way {
        self.0.lock().unwrap().get(organisation).copied().unwrap_or(Way::Honest)
    }

    /// Puts them before the real way. `keys` has the key of every organisation that may refuse.
    pub(crate) fn before(&self, direct: Arc<dyn AskNode>, keys: Keys) -> Arc<dyn AskNode> {
        Arc::new(Between { ways: self.clone(), direct, keys })
    }
}

/// Statement keys, filled in once the federation runs.
pub(crate) type Keys = Arc<Mutex<BTreeMap<OdsCode, SigningKey<Statement>>>>;

struct Between {
    ways: Ways,
    direct: Arc<dyn AskNode>,
    keys: Keys,
}

impl AskNode for Between {
    fn ask<'a>(
        &'a self,
        located: &'a Located,
        organisation: &'a OdsCode,
        query: wire::SignedMessage,
        allowance: Arc<Allowance>,
    ) -> Answering<'a> {
        Box::pin(async move {
            let way = self.ways.to(organisation);
            match way {
                Way::Down => return Err(Unanswered::Unreachable("switched off by the test".into())),
                Way::Slow => return Err(Unanswered::TimedOut),
                Way::Honest | Way::Late(_) | Way::Refused | Way::Lying => {}
            }
            let honest = self.direct.ask(located, organisation, query.clone(), allowance).await?;
            match way {
                Way::Late(by) => tokio::time::sleep(by).await,
                Way::Refused => return Ok(self.refusal(organisation, &query, honest)),
                Way::Lying => return Ok(altered(honest)),
                Way::Honest | Way::Down | Way::Slow => {}
            }
            Ok(honest)
        })
    }
}

impl Between {
    fn refusal(&self, organisation: &OdsCode, query: &wire::SignedMessage, honest: wire::Answer) -> wire::Answer {
        let mut statement = Statement::decode(&honest.statement.unwrap().payload).unwrap();
        statement.outcome = Outcome::Refused;
        statement.reason_code = "POLICY_REFUSED".into();
        statement.reason_text = "not today".into();
        statement.sections.clear();
        statement.identity_digest = None;
        let keys = self.keys.lock().unwrap();
        let signed = Signed::sign(&statement, &Digest::of(&query.payload).to_string(), &keys[organisation]);
        wire::Answer { statement: Some(signed.as_wire().clone()), ..wire::Answer::default() }
    }
}

/// With one byte of what was signed changed.
fn altered(mut answer: wire::Answer) -> wire::Answer {
    if let Some(byte) = answer.statement.as_mut().and_then(|statement| statement.payload.last_mut()) {
        *byte ^= 1;
    }
    answer
}
