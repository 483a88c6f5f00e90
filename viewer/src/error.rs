//! Why there is nothing to show.

use weald_certs::ConnectError;
use weald_proto::{AnswerError, Malformed, OdsCode, PlanError, Reason, Section, VerifyError};

/// Why there is no view.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The app's own copy of the register has expired: get a newer one.
    #[error("our copy of the register has expired")]
    RegisterExpired,
    /// The assertion is not one that this federation would accept.
    #[error("the assertion does not hold: {0}")]
    Assertion(VerifyError),
    /// The broker could not be reached; try again.
    #[error("the broker could not be reached")]
    Unreachable(#[source] Box<ConnectError>),
    /// The broker refused, and says why.
    #[error("refused ({reason}): {text}")]
    Refused {
        /// Stable reason.
        reason: Reason,
        /// The broker's words for the requester.
        text: String,
    },
    /// The link failed, or the broker gave no reason; try again.
    #[error("the broker did not answer: {0}")]
    Failed(#[source] Box<tonic::Status>),
    /// What the broker sent does not hold: nothing of it may be shown.
    #[error("the summary does not hold: {0}")]
    Summary(#[from] SummaryError),
}

impl ViewError {
    /// True if the same view may be asked for again, with a new assertion, and may then succeed.
    pub fn may_retry(&self) -> bool {
        match self {
            ViewError::Unreachable(_) | ViewError::Failed(_) => true,
            ViewError::Refused { reason, .. } => reason.retry_after().is_some(),
            ViewError::RegisterExpired | ViewError::Assertion(_) | ViewError::Summary(_) => false,
        }
    }
}

/// What does not hold in a summary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// It does not parse.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It was made under another register than ours.
    #[error("it was made under register version {theirs}, ours is {ours}")]
    OtherRegister {
        /// The summary's.
        theirs: u64,
        /// Ours.
        ours: u64,
    },
    /// It does not account for every active member exactly once.
    #[error("it does not account for every active member of the register")]
    Unaccounted,
    /// An organisation's word without its signature, or a broker's word with one.
    #[error("the outcome of {0} is not backed by what comes with it")]
    Unbacked(OdsCode),
    /// The query that an organisation answered does not hold.
    #[error("the query to {0} does not hold: {1}")]
    Query(OdsCode, VerifyError),
    /// The query that an organisation answered was not asked for this requester and patient, or asked for more than was decided.
    #[error("{0} was asked another question")]
    OtherQuestion(OdsCode),
    /// An answer does not hold.
    #[error("the answer of {0} does not hold: {1}")]
    Answer(OdsCode, AnswerError),
    /// An answer that was kept without a grant, or is older than its controller grants.
    #[error("the answer of {0} is too old")]
    Old(OdsCode),
    /// The plan does not fit the answers.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The decisions are not those of the sections asked for.
    #[error("it does not decide exactly the sections asked for")]
    Decisions,
    /// A section is said to be more complete than the answers make it.
    #[error("section {0} is not as complete as it is said to be")]
    Completeness(Section),
    /// The receipt names other things than what came.
    #[error("the receipt does not fit what came")]
    Receipt,
}
