//! The page about refusals says what the code does, of every reason.

#![cfg(test)]

use std::collections::BTreeMap;

use weald_proto::{Reason, Told};

struct Row {
    status: String,
    text: String,
    again: String,
}

/// The rows of the first table by code.
fn rows() -> BTreeMap<String, Row> {
    let page = include_str!("../../docs/errors.md");
    let table =
        page.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells =
        table.map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>());
    let row = |row: Vec<String>| Row { status: row[2].clone(), text: row[3].clone(), again: row[5].clone() };
    cells.map(|cells| (cells[1].clone(), row(cells))).collect()
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
fn every_reason_survives_a_status() {
    for reason in Reason::ALL {
        assert_eq!(Reason::of_status(&reason.to_status(&Told::default())), Some(*reason));
        assert_eq!(reason.to_status(&Told::text("why")).message(), "why");
    }
    let foreign = tonic::Status::unauthenticated("somebody else's");
    assert_eq!(Reason::of_status(&foreign), None);
}
