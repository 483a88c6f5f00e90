//! What a log shows of itself to whoever watches the process: how long entries take, and which fail.
//!
//! No other file of this crate registers a metric, and what is said here comes from closed lists only.
//! Handles are made when a log is opened: a process installs its recorder before that.

use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use crate::writer::AuditError;

const APPEND: &str = "weald_audit_append_seconds";
const FAILURES: &str = "weald_audit_append_failures_total";

/// The handles of one log. All logs of a process count together.
pub(crate) struct Metrics {
    append: Histogram,
    not_written: Counter,
    poisoned: Counter,
    too_large: Counter,
    closed: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe_histogram!(APPEND, Unit::Seconds, "From an audit entry's arrival until it is durable");
        describe_counter!(FAILURES, Unit::Count, "Audit entries that could not be made durable");
        let failures = |problem: &'static str| counter!(FAILURES, "problem" => problem);
        Metrics {
            append: histogram!(APPEND),
            not_written: failures("not_written"),
            poisoned: failures("poisoned"),
            too_large: failures("too_large"),
            closed: failures("closed"),
        }
    }

    /// An entry is durable, or will not be.
    pub(crate) fn append_ended<T>(&self, ended: &Result<T, AuditError>, took: Duration) {
        match ended {
            Ok(_) => self.append.record(took),
            Err(AuditError::NotWritten(_)) => self.not_written.increment(1),
            Err(AuditError::Poisoned) => self.poisoned.increment(1),
            Err(AuditError::TooLarge { .. }) => self.too_large.increment(1),
            Err(AuditError::Closed) => self.closed.increment(1),
        }
    }
}
