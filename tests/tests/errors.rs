//! The page about refusals says what the code does, of every reason.

#![cfg(test)]

use std::collections::BTreeMap;

use weald_proto::Reason;

/// The rows of the first table: code, status, text.
fn rows() -> BTreeMap<String, (String, String)> {
    let page = include_str!("../../docs/errors.md");
    let table =
        page.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells =
        table.map(|line| line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>());
    cells.map(|row| (row[1].clone(), (row[2].clone(), row[3].clone()))).collect()
}

#[test]
fn every_reason_has_its_row_and_every_row_its_reason() {
    let rows = rows();
    assert_eq!(rows.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        let (status, text) =
            rows.get(reason.as_str()).unwrap_or_else(|| panic!("docs/errors.md has no row for {reason}"));
        assert_eq!(text.replace('`', ""), reason.text().replace('`', ""), "{reason}");
        // tonic writes `PermissionDenied`, gRPC `PERMISSION_DENIED`.
        assert_eq!(status.replace('_', "").to_lowercase(), format!("{:?}", reason.grpc()).to_lowercase(), "{reason}");
    }
}

#[test]
fn every_reason_survives_a_status() {
    for reason in Reason::ALL {
        assert_eq!(Reason::of_status(&reason.to_status(None)), Some(*reason));
        assert_eq!(reason.to_status(Some("why")).message(), "why");
    }
    let foreign = tonic::Status::unauthenticated("somebody else's");
    assert_eq!(Reason::of_status(&foreign), None);
}
