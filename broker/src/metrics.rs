//! What a broker shows of itself to whoever watches the process: counts and times, and of nobody anything.
//!
//! The door for strangers has its own (`bootstrap/metrics.rs`). Labels come from closed lists, and from the register
//! where a count is of an organisation; what a request says is never one.
//! Handles are made with the broker: a process installs its recorder before that.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use tokio::time::Instant;
use weald_proto::{OdsCode, Outcome, Reason, Timestamp, wire};

use crate::ask::Heard;
use crate::attached::{self, AttachedNodes};
use crate::refusal::Refusal;
use crate::session::SessionState;

const VIEWS: &str = "weald_broker_views_total";
const VIEW_SECONDS: &str = "weald_broker_view_seconds";
const VIEWS_UNDER_WAY: &str = "weald_broker_views_under_way";
const OUTCOMES: &str = "weald_broker_outcomes_total";
const REFUSALS: &str = "weald_broker_refusals_total";
const CACHE_HITS: &str = "weald_broker_cache_hits_total";
const CACHE_MISSES: &str = "weald_broker_cache_misses_total";
const ATTACHED: &str = "weald_broker_attached_organisations";
const NODE_LINKS: &str = "weald_broker_node_links";
const NODE_SINCE: &str = "weald_broker_node_session_since_seconds";
const NODE_CLOCK: &str = "weald_broker_node_clock_ahead_seconds";
const NODE_ROUND_TRIP: &str = "weald_broker_node_round_trip_seconds";
const NODE_REGISTER: &str = "weald_broker_node_register_version";
const NODE_IN_FLIGHT: &str = "weald_broker_node_queries_in_flight";
/// Words for the numbers of links that an organisation can have.
const LINKS: [&str; attached::LINKS] = ["1", "2", "3", "4"];

/// How a view ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ViewEnd {
    /// A summary left.
    Served,
    /// It was refused, or its time was over.
    Refused(Reason),
    /// Whoever asked hung up.
    Abandoned,
}

impl ViewEnd {
    pub(crate) fn of(ended: &Result<wire::Summary, Refusal>) -> Self {
        ended.as_ref().map_or_else(|refusal| ViewEnd::Refused(refusal.reason), |_| ViewEnd::Served)
    }
}

/// The handles of one broker.
pub(crate) struct Metrics {
    served: Counter,
    refused: Counter,
    timed_out: Counter,
    abandoned: Counter,
    view_seconds: Histogram,
    under_way: Gauge,
    /// One for each reason, in order.
    refusals: Vec<Counter>,
    /// For each organisation of the register that was ever located, one for each outcome, in order.
    outcomes: Mutex<HashMap<OdsCode, Vec<Counter>>>,
    cache_hits: Counter,
    cache_misses: Counter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        describe();
        let views = |end: &'static str| counter!(VIEWS, "end" => end);
        Metrics {
            served: views("served"),
            refused: views("refused"),
            timed_out: views("timed_out"),
            abandoned: views("abandoned"),
            view_seconds: histogram!(VIEW_SECONDS),
            under_way: gauge!(VIEWS_UNDER_WAY),
            refusals: Reason::ALL.iter().map(|reason| counter!(REFUSALS, "reason" => reason.as_str())).collect(),
            outcomes: Mutex::default(),
            cache_hits: counter!(CACHE_HITS),
            cache_misses: counter!(CACHE_MISSES),
        }
    }

    /// A view begins. It counts as abandoned unless its [`ViewUnderWay::ended`] is called.
    pub(crate) fn view_began(&self) -> ViewUnderWay<'_> {
        self.under_way.increment(1);
        ViewUnderWay { metrics: self, began: Instant::now(), end: ViewEnd::Abandoned }
    }

    /// Something is refused, in a view or before one began.
    pub(crate) fn refused(&self, reason: Reason) {
        if let Some(counter) = self.refusals.get(reason as usize) {
            counter.increment(1);
        }
    }

    /// One organisation has its outcome.
    pub(crate) fn heard(&self, heard: &Heard) {
        let recalled = heard.said.as_ref().is_some_and(|said| said.cached);
        match heard.outcome {
            Outcome::NotAsked | Outcome::NotLocated => {}
            _ if recalled => self.cache_hits.increment(1),
            _ => self.cache_misses.increment(1),
        }
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if !outcomes.contains_key(&heard.organisation) {
            outcomes.insert(heard.organisation.clone(), outcomes_of(&heard.organisation));
        }
        if let Some(counter) = outcomes.get(&heard.organisation).and_then(|of| of.get(heard.outcome as usize)) {
            counter.increment(1);
        }
    }

    fn view_ended(&self, end: ViewEnd, took: Duration) {
        self.under_way.decrement(1);
        match end {
            ViewEnd::Served => {
                self.served.increment(1);
                // Refusals are quick, and would make views look so.
                self.view_seconds.record(took);
            }
            ViewEnd::Refused(Reason::DeadlineExceeded) => {
                self.timed_out.increment(1);
                self.view_seconds.record(took);
                self.refused(Reason::DeadlineExceeded);
            }
            ViewEnd::Refused(reason) => {
                self.refused.increment(1);
                self.refused(reason);
            }
            ViewEnd::Abandoned => self.abandoned.increment(1),
        }
    }
}

/// What is known of an organisation's node by its session: not a number, where nothing is.
pub(crate) fn session(organisation: &OdsCode, session: Option<SessionState>) {
    describe_gauge!(NODE_SINCE, Unit::Seconds, "When the session with a node began, since 1970 UTC; NaN without one");
    describe_gauge!(NODE_CLOCK, Unit::Seconds, "By how much a node's clock is ahead of ours; NaN if not known");
    describe_gauge!(NODE_ROUND_TRIP, Unit::Seconds, "From a ping to a node's answer; NaN if not known");
    describe_gauge!(
        NODE_REGISTER,
        Unit::Count,
        "Version of the register that a node has acknowledged; NaN if not known"
    );
    describe_gauge!(NODE_IN_FLIGHT, Unit::Count, "Queries that a node said it was answering; NaN if not known");
    let session = session.as_ref();
    let answered = session.and_then(|session| Some((session, session.round_trip?)));
    let of = |name: &'static str, value: Option<f64>| {
        gauge!(name, "organisation" => organisation.as_str().to_owned()).set(value.unwrap_or(f64::NAN));
    };
    of(NODE_SINCE, session.map(|session| session.since.since(Timestamp::from_secs(0)).as_secs_f64()));
    of(NODE_CLOCK, session.map(|session| session.clock_ahead_ms as f64 / 1000.0));
    of(NODE_ROUND_TRIP, answered.map(|(_, round_trip)| round_trip.as_secs_f64()));
    // Beyond 2^53 versions the last digits go.
    of(NODE_REGISTER, session.map(|session| session.register_version as f64));
    of(NODE_IN_FLIGHT, answered.map(|(session, _)| session.in_flight.into()));
}

/// Organisations whose nodes have dialled in, by how many links each has.
pub(crate) fn attached(links: &AttachedNodes) {
    let mut organisations = [0_u32; LINKS.len()];
    for (_, of_one) in links.all() {
        if let Some(count) = of_one.len().checked_sub(1).and_then(|place| organisations.get_mut(place)) {
            *count += 1;
        }
    }
    describe_gauge!(ATTACHED, Unit::Count, "Organisations whose nodes have dialled in, by their links");
    for (links, count) in LINKS.iter().zip(organisations) {
        gauge!(ATTACHED, "links" => *links).set(count);
    }
    describe_gauge!(NODE_LINKS, Unit::Count, "Links of an organisation whose node has dialled in since the start");
    let there = links.all().into_iter().map(|(organisation, of_one)| (organisation, of_one.len()));
    for (organisation, count) in there.chain(links.all_left().into_iter().map(|organisation| (organisation, 0))) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        gauge!(NODE_LINKS, "organisation" => organisation.as_str().to_owned()).set(count);
    }
}

/// A view under way. Counted when it is dropped, however it ended.
pub(crate) struct ViewUnderWay<'a> {
    metrics: &'a Metrics,
    began: Instant,
    end: ViewEnd,
}

impl ViewUnderWay<'_> {
    /// It ended so.
    pub(crate) fn ended(mut self, end: ViewEnd) {
        self.end = end;
    }
}

impl Drop for ViewUnderWay<'_> {
    fn drop(&mut self) {
        self.metrics.view_ended(self.end, self.began.elapsed());
    }
}

fn outcomes_of(organisation: &OdsCode) -> Vec<Counter> {
    let one = |outcome: &Outcome| {
        let organisation = organisation.as_str().to_owned();
        counter!(OUTCOMES, "organisation" => organisation, "outcome" => outcome.as_str())
    };
    Outcome::ALL.iter().map(one).collect()
}

fn describe() {
    describe_counter!(VIEWS, Unit::Count, "Views, by how they ended");
    describe_histogram!(VIEW_SECONDS, Unit::Seconds, "From a request to its summary, or to its deadline");
    describe_gauge!(VIEWS_UNDER_WAY, Unit::Count, "Views that have begun and not ended");
    describe_counter!(OUTCOMES, Unit::Count, "What came of each organisation of a view");
    describe_counter!(REFUSALS, Unit::Count, "Requests that were refused, by reason");
    describe_counter!(CACHE_HITS, Unit::Count, "Answers that were recalled instead of asked for");
    describe_counter!(CACHE_MISSES, Unit::Count, "Organisations that were asked because nothing could be recalled");
}
