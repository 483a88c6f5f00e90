//! The page about refusals says what the code does, of every reason.

#![cfg(test)]

use std::collections::BTreeMap;

use weald_broker::ask::Unanswered;
use weald_proto::{NoAnswer, Outcome, Reason, Told};

/// The rows of a table of the page by code: its cells from the second on.
fn table(heading: &str) -> BTreeMap<String, Vec<String>> {
    let page = include_str!("../../docs/errors.md");
    let (_, below) = page.split_once(heading).unwrap_or_else(|| panic!("docs/errors.md has no `{heading}`"));
    let rows =
        below.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).skip(1).collect();
    let row = |cells: Vec<String>| (cells[0].clone(), cells[1..].to_vec());
    rows.map(|line| row(cells(line))).collect()
}

struct Row {
    status: String,
    text: String,
    again: String,
}

/// The rows of the first table by code.
fn rows() -> BTreeMap<String, Row> {
    let row = |row: Vec<String>| Row { status: row[0].clone(), text: row[1].clone(), again: row[3].clone() };
    table("# Refusals and faults").into_iter().map(|(code, cells)| (code, row(cells))).collect()
}

#[test]
fn every_reason_has_its_row_and_every_row_its_reason() {
    let rows = rows();
    assert_eq!(rows.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        let row = rows.get(reason.as_str()).unwrap_or_else(|| panic!("docs/errors.md has no row for {reason}"));
        assert_eq!(row.text.replace('`', ""), reason.text().replace('`', ""), "{reason}");
        // tonic writes `PermissionDenied`, gRPC `PERMISSION_DENIED`.
        assert_eq!(
            row.status.replace('_', "").to_lowercase(),
            format!("{:?}", reason.grpc()).to_lowercase(),
            "{reason}"
        );
        let again = reason.retry_after().map(|wait| format!("{} s", wait.as_secs())).unwrap_or_default();
        assert_eq!(row.again, again, "{reason}");
    }
}

#[test]
fn every_word_of_a_broker_about_an_organisation_has_its_row_and_every_row_its_word() {
    let rows = table("## Outcomes of organisations");
    assert_eq!(rows.len(), NoAnswer::ALL.len());
    for reason in NoAnswer::ALL {
        let row = rows.get(reason.as_str()).unwrap_or_else(|| panic!("docs/errors.md has no row for {reason}"));
        let outcome: Outcome = row[0].parse().unwrap();
        assert!(outcome == Outcome::Invalid || !reason.as_str().starts_with("ANSWER_"), "{reason}");
        assert_eq!(row[1], reason.text(), "{reason}");
    }
    let unanswered = [
        Unanswered::TimedOut,
        Unanswered::NotSentInTime,
        Unanswered::NotHeardInTime,
        Unanswered::SummaryFull,
        Unanswered::Unreachable(String::new()),
    ];
    for why in unanswered {
        assert_eq!(rows[why.reason().as_str()][0], why.outcome().as_str());
    }
}

#[test]
fn every_reason_survives_a_status() {
    for reason in Reason::ALL {
        assert_eq!(Reason::of_status(&reason.to_status(&Told::default())), Some(*reason));
        assert_eq!(reason.to_status(&Told::text("why")).message(), "why");
    }
    let foreign = tonic::Status::unauthenticated("somebody else's");
    assert_eq!(Reason::of_status(&foreign), None);
}
