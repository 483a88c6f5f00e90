//! What the door for strangers shows of itself: how many calls came to what, and bytes that left.

use metrics::{Counter, Unit, counter, describe_counter};
use weald_proto::Reason;

const CALLS: &str = "weald_broker_bootstrap_calls_total";
const BYTES: &str = "weald_broker_bootstrap_bytes_total";

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    /// A register file.
    File,
    /// A certificate.
    Enrolment,
}

impl Call {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Call::File => "file",
            Call::Enrolment => "enrolment",
        }
    }
}

/// The handles of one door.
pub(super) struct Metrics {
    file: Ends,
    enrolment: Ends,
    bytes: Counter,
}

/// How calls of one kind ended.
struct Ends {
    served: Counter,
    limited: Counter,
    refused: Counter,
    failed: Counter,
}

impl Metrics {
    pub(super) fn new() -> Self {
        describe_counter!(
            CALLS,
            Unit::Count,
            "Calls at the door for strangers, by what was asked for and how they ended"
        );
        describe_counter!(BYTES, Unit::Bytes, "Bytes of register files sent to strangers");
        Metrics { file: Ends::of(Call::File), enrolment: Ends::of(Call::Enrolment), bytes: counter!(BYTES) }
    }

    /// A file is sent, or was not needed.
    pub(super) fn file(&self, bytes: usize) {
        self.file.served.increment(1);
        self.bytes.increment(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// A certificate is passed on.
    pub(super) fn issued(&self) {
        self.enrolment.served.increment(1);
    }

    /// A call was not served.
    pub(super) fn refused(&self, call: Call, reason: Reason) {
        let ends = match call {
            Call::File => &self.file,
            Call::Enrolment => &self.enrolment,
        };
        match reason {
            Reason::TooManyRequests => ends.limited.increment(1),
            Reason::AuthorityUnavailable | Reason::AuditUnavailable | Reason::Internal => ends.failed.increment(1),
            _ => ends.refused.increment(1),
        }
    }
}

impl Ends {
    fn of(call: Call) -> Self {
        let ended = |end: &'static str| counter!(CALLS, "call" => call.as_str(), "end" => end);
        Ends { served: ended("served"), limited: ended("limited"), refused: ended("refused"), failed: ended("failed") }
    }
}
