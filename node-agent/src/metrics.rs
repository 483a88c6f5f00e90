//! What a node shows of itself to whoever watches the process: counts and times, and of nobody anything.
//!
//! No other file of this crate registers a metric. Labels come from closed lists, and the code of the
//! organisation that the node speaks for; what a query or a record says is never one.
//! Handles are made with the node: a process installs its recorder before that.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use weald_proto::{OdsCode, Outcome, Reason, Section, SectionState, UnavailableCause};

use crate::read::Read;
use crate::refusal::Refusal;
use crate::release::Release;

const QUERIES: &str = "weald_node_queries_total";
const ANSWER_SECONDS: &str = "weald_node_answer_seconds";
const REFUSALS: &str = "weald_node_refusals_total";
const SOURCE_SECONDS: &str = "weald_node_source_seconds";
const SOURCE_FAILURES: &str = "weald_node_source_failures_total";
const SOURCE_NOTICES: &str = "weald_node_source_notices";
const SESSIONS: &str = "weald_node_sessions";
const GRANTS: &str = "weald_node_grants";
const SECTIONS: &str = "weald_node_sections_total";
const DROPPED: &str = "weald_node_records_dropped_total";

/// The handles of one organisation's node.
pub(crate) struct Metrics {
    /// One for each outcome, in order.
    queries: Vec<Counter>,
    answer_seconds: Histogram,
    /// One for each reason, in order. All nodes of a process count together.
    refusals: Vec<Counter>,
    source_seconds: Histogram,
    /// One for each cause, in order.
    source_failures: Vec<Counter>,
    source_notices: Gauge,
    sessions: Gauge,
    grants: Gauge,
    /// For each section, in order, one for each state, in order. All nodes of a process count together.
    sections: Vec<Vec<Counter>>,
    dropped: Counter,
}

impl Metrics {
    /// Of the node of that organisation.
    pub(crate) fn of(organisation: &OdsCode) -> Self {
        describe();
        let code = || organisation.as_str().to_owned();
        let query = |outcome: &Outcome| counter!(QUERIES, "organisation" => code(), "outcome" => outcome.as_str());
        let failure =
            |cause: &UnavailableCause| counter!(SOURCE_FAILURES, "organisation" => code(), "cause" => cause.as_str());
        let states = |section: &Section| {
            let one =
                |state: &SectionState| counter!(SECTIONS, "section" => section.as_str(), "state" => state.as_str());
            SectionState::ALL.iter().map(one).collect()
        };
        Metrics {
            queries: Outcome::ALL.iter().map(query).collect(),
            answer_seconds: histogram!(ANSWER_SECONDS, "organisation" => code()),
            refusals: Reason::ALL.iter().map(|reason| counter!(REFUSALS, "reason" => reason.as_str())).collect(),
            source_seconds: histogram!(SOURCE_SECONDS, "organisation" => code()),
            source_failures: UnavailableCause::ALL.iter().map(failure).collect(),
            source_notices: gauge!(SOURCE_NOTICES, "organisation" => code()),
            sessions: gauge!(SESSIONS, "organisation" => code()),
            grants: gauge!(GRANTS, "organisation" => code()),
            sections: Section::ALL.iter().map(states).collect(),
            dropped: counter!(DROPPED, "organisation" => code()),
        }
    }

    /// A query was answered or refused.
    pub(crate) fn query_ended<T>(&self, ended: &Result<T, Refusal>, took: Duration) {
        match ended {
            Ok(_) => self.answer_seconds.record(took),
            Err(refusal) => self.refused(refusal.reason),
        }
    }

    /// Something is refused, by the pipeline or before it.
    pub(crate) fn refused(&self, reason: Reason) {
        count(self.refusals.get(reason as usize), 1);
    }

    /// The local system was read, or was not.
    pub(crate) fn source_read(&self, read: &Read, took: Duration) {
        self.source_seconds.record(took);
        if let Err(cause) = read {
            count(self.source_failures.get(*cause as usize), 1);
        }
    }

    /// A release is durably recorded, and will be signed.
    pub(crate) fn released(&self, release: &Release) {
        count(self.queries.get(release.outcome() as usize), 1);
        for (section, stated) in release.sections() {
            count(self.sections.get(*section as usize).and_then(|states| states.get(stated.state as usize)), 1);
        }
        self.dropped.increment(release.dropped().into());
    }

    /// So many things in the local system cannot be used.
    pub(crate) fn source_notices(&self, notices: usize) {
        self.source_notices.set(number(notices));
    }

    /// So many brokers have a session, and so many answers may still be kept.
    pub(crate) fn sessions(&self, sessions: usize, grants: usize) {
        self.sessions.set(number(sessions));
        self.grants.set(number(grants));
    }
}

/// A number of things, as a gauge takes it.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Every table above has an entry for every word of its list.
fn count(counter: Option<&Counter>, by: u64) {
    if let Some(counter) = counter {
        counter.increment(by);
    }
}

fn describe() {
    describe_counter!(QUERIES, Unit::Count, "Queries that were answered with a signed statement, by its outcome");
    describe_histogram!(ANSWER_SECONDS, Unit::Seconds, "From a query to the signed statement");
    describe_counter!(REFUSALS, Unit::Count, "Queries that were refused, by reason");
    describe_histogram!(SOURCE_SECONDS, Unit::Seconds, "Reading the local system, whatever came of it");
    describe_counter!(SOURCE_FAILURES, Unit::Count, "Readings of the local system that gave nothing, by cause");
    describe_gauge!(SOURCE_NOTICES, Unit::Count, "Things in the local system that cannot be used");
    describe_gauge!(SESSIONS, Unit::Count, "Brokers that have a session with a node");
    describe_gauge!(GRANTS, Unit::Count, "Answers that brokers may still keep");
    describe_counter!(SECTIONS, Unit::Count, "Sections of answers, by what was stated of them");
    describe_counter!(DROPPED, Unit::Count, "Records of somebody else among a person's, which were dropped");
}
