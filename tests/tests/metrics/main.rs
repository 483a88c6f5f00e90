//! What can be read at `/metrics` is what `docs/metrics.md` says, tells what happened, and tells of nobody.
//!
//! A federation runs with the recorder that broker and node install, and does what there are metrics of:
//! views that are served, recalled, refused and left, sources that fail, an expired register, a caller
//! who is not let in. The watch over this process hands every metric on to that recorder.

#![cfg(test)]

mod exposition;
mod page;
mod process;
mod run;
mod source_files;

use std::collections::BTreeSet;

use weald_proto::{Outcome, Reason, Section, SectionState, UnavailableCause};

use crate::exposition::Series;
use crate::run::{HOSPITAL, MEMBERS, PRACTICE, counted};

#[tokio::test(flavor = "multi_thread")]
async fn the_page_lists_every_metric_with_its_kind_and_labels_and_no_other() {
    let page = page::metrics();
    let counted = counted().await;
    let named: BTreeSet<&str> = page.keys().map(String::as_str).collect();
    assert_eq!(counted.names(), named, "left: what a run emits; right: what docs/metrics.md lists");
    for (name, row) in &page {
        assert_eq!(counted.kind(name), row.kind, "{name}");
        assert_eq!(counted.label_names(name), row.labels, "{name}");
        assert!(counted.is_described(name), "{name}");
    }
}

#[test]
fn the_page_says_of_every_metric_what_it_means_and_in_which_unit() {
    for (name, row) in page::metrics() {
        assert!(!row.meaning.is_empty() && !row.unit.is_empty(), "{name}");
        assert_eq!(name.ends_with("_seconds"), row.unit == "seconds", "{name}");
        assert_eq!(name.ends_with("_total"), row.kind == "counter", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_label_is_a_word_of_a_closed_list_or_the_code_of_a_member() {
    for Series { name, labels, .. } in &counted().await.series {
        for (label, value) in labels.iter().filter(|(label, _)| *label != "le") {
            assert!(may_be(label, value), "{name} has the label {label}, and a value that is no word for it");
        }
    }
}

fn may_be(label: &str, value: &str) -> bool {
    match label {
        "organisation" => MEMBERS.contains(&value),
        "outcome" => value.parse::<Outcome>().is_ok(),
        "reason" => value.parse::<Reason>().is_ok(),
        "section" => Section::ALL.iter().any(|section| section.as_str() == value),
        "state" => SectionState::ALL.iter().any(|state| state.as_str() == value),
        "cause" => UnavailableCause::ALL.iter().any(|cause| cause.as_str() == value),
        "end" => ["served", "refused", "timed_out", "abandoned", "limited", "failed"].contains(&value),
        "call" => ["file", "enrolment"].contains(&value),
        "problem" => ["not_written", "poisoned", "too_large", "closed"].contains(&value),
        "links" => ["1", "2", "3", "4"].contains(&value),
        "party" => ["broker", "node"].contains(&value),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn views_are_counted_by_how_they_ended() {
    let counted = counted().await;
    let ended = |end| counted.value("weald_broker_views_total", &[("end", end)]);
    assert_eq!((ended("served"), ended("refused"), ended("abandoned")), (3.0, 2.0, 1.0));
    assert_eq!(counted.value("weald_broker_views_under_way", &[]), 0.0);
    assert_eq!(counted.value("weald_broker_view_seconds_count", &[]), 3.0);
    for reason in [Reason::AssertionMissing, Reason::RegisterExpired] {
        assert_eq!(counted.value("weald_broker_refusals_total", &[("reason", reason.as_str())]), 1.0, "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_counted_by_organisation() {
    let counted = counted().await;
    let outcome = |organisation, outcome: Outcome| {
        let labels = [("organisation", organisation), ("outcome", outcome.as_str())];
        counted.value("weald_broker_outcomes_total", &labels)
    };
    assert_eq!(outcome(PRACTICE, Outcome::Answered), 3.0);
    assert_eq!(outcome(HOSPITAL, Outcome::Answered), 3.0);
    assert_eq!(outcome(HOSPITAL, Outcome::TimedOut), 0.0);
    assert_eq!(counted.value("weald_broker_cache_hits_total", &[]), 1.0, "the practice grants, and is asked twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_is_seen_at_its_organisation_and_no_other() {
    let counted = counted().await;
    let failed = |organisation| {
        let labels = [("organisation", organisation), ("cause", UnavailableCause::SourceError.as_str())];
        counted.value("weald_node_source_failures_total", &labels)
    };
    assert_eq!((failed(HOSPITAL), failed(PRACTICE)), (1.0, 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_organisation_shows_its_links_and_its_session() {
    let counted = counted().await;
    let of = |name: &str, organisation| counted.value(name, &[("organisation", organisation)]);
    assert_eq!(of("weald_broker_node_links", HOSPITAL), 2.0);
    assert_eq!(of("weald_node_links", HOSPITAL), 1.0);
    for organisation in MEMBERS {
        assert!(of("weald_broker_node_session_since_seconds", organisation) > 0.0, "{organisation}");
        assert!(of("weald_broker_node_register_version", organisation) >= 1.0, "{organisation}");
        // One clock for all, which stands still while a ping is on its way.
        assert!(of("weald_broker_node_clock_ahead_seconds", organisation).abs() < 1.0, "{organisation}");
        assert!(of("weald_broker_node_round_trip_seconds", organisation) > 0.0, "{organisation}");
    }
    assert_eq!(of("weald_node_sessions", HOSPITAL), 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_let_in_is_counted_at_the_port() {
    let counted = counted().await;
    let labels = [("party", "broker"), ("reason", Reason::HandshakeFailed.as_str())];
    assert_eq!(counted.value("weald_listener_refused_total", &labels), 1.0);
}

#[test]
fn only_files_called_metrics_register_a_metric() {
    assert_eq!(source_files::that_register_metrics_elsewhere(), Vec::<String>::new());
}
