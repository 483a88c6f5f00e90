//! A request that was not served.

use weald_proto::{Assertion, Digest, Reason, Told, Verified};

/// Why a request was not served, and as much of it as was certain by then.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Refusal {
    /// The stable reason, which the requester may know.
    pub reason: Reason,
    /// What the requester is told beyond the reason.
    pub told: Box<Told>,
    /// What we log: never values, only which step and which field.
    pub detail: String,
    /// The assertion, once its signature held.
    pub assertion: Option<Box<Verified<Assertion>>>,
    /// Digest of the token, once there was one.
    pub token: Option<Digest>,
}

impl Refusal {
    /// A refusal for that reason.
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Refusal { reason, told: Box::default(), detail: detail.into(), assertion: None, token: None }
    }

    /// The status that the requester gets.
    pub fn to_status(&self) -> tonic::Status {
        self.reason.to_status(&self.told)
    }
}
