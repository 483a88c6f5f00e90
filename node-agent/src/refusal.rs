//! A query that was not accepted.

use weald_proto::{Assertion, Query, Reason, Verified};

/// Why a query was not accepted, and as much of it as was certain by then.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The stable reason, which the other side may know.
    pub reason: Reason,
    /// What we log: never values, only which step and which field.
    pub detail: String,
    /// The query, once its signature held.
    pub query: Option<Box<Verified<Query>>>,
    /// The assertion, once its signature held.
    pub assertion: Option<Box<Verified<Assertion>>>,
}

impl Refusal {
    /// A refusal for that reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Refusal { reason, detail: detail.into(), query: None, assertion: None }
    }
}
