//! One query on one link.

use std::sync::Arc;

use tonic::Code;
use weald_certs::Link;
use weald_proto::service::AskRequest;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::{NoAnswer, Reason, limit, wire};

use crate::ask::Unanswered;
use crate::metered::Metered;
use crate::room::Allowance;

/// How far a query got.
#[derive(Debug)]
pub(crate) enum Sent {
    /// It never left: it may go once more, on another link.
    Never,
    /// It left, or could not.
    InVain(Unanswered),
    /// It was answered.
    Answered(Box<wire::Answer>),
}

impl Sent {
    pub(crate) fn into_answer(self) -> Result<wire::Answer, Unanswered> {
        match self {
            Sent::Answered(answer) => Ok(*answer),
            Sent::InVain(unanswered) => Err(unanswered),
            Sent::Never => Err(Unanswered::Unreachable("the link closed".into())),
        }
    }
}

/// Sends a query, and reads the answer when there is room for it. The caller bounds the time.
pub(crate) async fn send(link: Link, query: wire::SignedMessage, allowance: &Arc<Allowance>) -> Sent {
    let mut client = NodeAgentServiceClient::new(Metered::new(link, Arc::clone(allowance)))
        .max_decoding_message_size(limit::ANSWER_BYTES)
        .max_encoding_message_size(limit::REQUEST_BYTES);
    match client.ask(AskRequest { query: Some(query) }).await {
        Ok(response) => match response.into_inner().answer {
            Some(answer) => Sent::Answered(Box::new(answer)),
            None => Sent::InVain(Unanswered::Invalid {
                reason: NoAnswer::AnswerMalformed,
                detail: "an empty answer".into(),
            }),
        },
        Err(status) if never_sent(&status) => Sent::Never,
        // There was no room, nor a place to wait for it.
        Err(_) if allowance.waits() => Sent::InVain(Unanswered::NotHeardInTime),
        Err(status) => Sent::InVain(refused(&status)),
    }
}

/// True if hyper gave the request up before it was sent.
fn never_sent(status: &tonic::Status) -> bool {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What a status means. A fault of the connection has a source or is no reason of ours; a refusal of
/// the node carries one.
fn refused(status: &tonic::Status) -> Unanswered {
    match (Reason::of_status(status), status.code()) {
        (Some(Reason::DeadlineExceeded), _) => Unanswered::TimedOut,
        (Some(Reason::AuditUnavailable), _) => Unanswered::Unreachable("its audit log cannot be written".into()),
        (Some(reason), _) => Unanswered::Refused(reason),
        (None, Code::DeadlineExceeded) => Unanswered::TimedOut,
        (None, Code::OutOfRange | Code::ResourceExhausted) => {
            Unanswered::Invalid { reason: NoAnswer::AnswerTooLarge, detail: "beyond the limit".into() }
        }
        (None, code) => Unanswered::Unreachable(format!("the link failed: {code:?}")),
    }
}
