//! Holds the engine against `matrix.csv`, cell by cell.

#![cfg(test)]

use weald_policy::{Circumstances, Decision, Engine, RequesterKind};
use weald_proto::{Filter, Grant, Level, Purpose, RelationshipKind, Section};

/// What each kind of requester ordinarily asks for, and why it is their business.
fn ordinary(kind: RequesterKind) -> Circumstances {
    use RelationshipKind::{
        AmbulanceIncident, AppointmentWithinWindow, OpenReferral, OpenSocialCareCase, RegisteredPractice,
        ResidentOfCareHome,
    };
    let relationship = match kind {
        RequesterKind::Doctor | RequesterKind::Nurse => Some(RegisteredPractice),
        RequesterKind::Ahp => Some(OpenReferral),
        RequesterKind::Paramedic => Some(AmbulanceIncident),
        RequesterKind::AdultSocialWorker | RequesterKind::ChildSocialWorker => Some(OpenSocialCareCase),
        RequesterKind::CareHomeManager | RequesterKind::CareWorker => Some(ResidentOfCareHome),
        RequesterKind::Receptionist => Some(AppointmentWithinWindow),
        RequesterKind::Citizen | RequesterKind::PrivacyOfficer => None,
    };
    let purpose = match kind {
        RequesterKind::Citizen => Purpose::PatientRequest,
        RequesterKind::PrivacyOfficer => Purpose::Compliance,
        _ => Purpose::Treatment,
    };
    Circumstances {
        kind,
        purpose,
        relationship,
        break_glass: None,
        requester_organisation: "G82001".parse().unwrap(),
        answering: None,
    }
}

fn cell(text: &str) -> Grant {
    let (level, predicates) = text.split_once(':').unwrap_or((text, ""));
    let level: Level = level.parse().unwrap_or_else(|_| panic!("level of cell {text}"));
    let predicates = predicates.split('+').filter(|word| !word.is_empty());
    Grant { level, filter: Filter::of(predicates.map(|word| word.parse().unwrap_or_else(|_| panic!("cell {text}")))) }
}

/// Every cell of the file: section, kind, what it expects.
fn cells() -> Vec<(Section, RequesterKind, Grant)> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/matrix.csv"))
        .unwrap();
    let kinds: Vec<RequesterKind> =
        reader.headers().unwrap().iter().skip(1).map(|word| word.parse().unwrap()).collect();
    let mut cells = Vec::new();
    for row in reader.records() {
        let row = row.unwrap();
        let section: Section = row[0].parse().unwrap();
        cells.extend(kinds.iter().zip(row.iter().skip(1)).map(|(kind, text)| (section, *kind, cell(text))));
    }
    cells
}

fn granted(decision: &Decision, section: Section) -> Grant {
    decision.permit().grant(section).cloned().unwrap_or_else(Grant::none)
}

fn word(grant: &Grant) -> String {
    let predicates: Vec<_> = grant.filter.predicates().map(|predicate| predicate.as_str()).collect();
    format!("{}:{}", grant.level, predicates.join("+"))
}

#[test]
fn the_matrix_has_every_section_for_each_of_the_ten_kinds() {
    let cells = cells();
    assert_eq!(cells.len(), 21 * 10);
    let distinct: std::collections::BTreeSet<_> = cells.iter().map(|(section, kind, _)| (*section, *kind)).collect();
    assert_eq!(distinct.len(), 21 * 10);
}

#[test]
fn every_kind_of_requester_sees_exactly_what_the_matrix_says() {
    let engine = Engine::baseline().unwrap();
    let differing: Vec<String> = cells()
        .into_iter()
        .filter_map(|(section, kind, expected)| {
            let found = granted(&engine.decide(&ordinary(kind)), section);
            (found != expected).then(|| format!("{section}, {kind}: {}, not {}", word(&found), word(&expected)))
        })
        .collect();
    assert!(differing.is_empty(), "cells that differ:\n{}", differing.join("\n"));
}

#[test]
fn every_section_of_every_decision_has_a_reason_in_plain_words() {
    let engine = Engine::baseline().unwrap();
    for (section, kind, expected) in cells() {
        let decision = engine.decide(&ordinary(kind));
        let reason = decision.reason(section);
        assert!(!reason.text.is_empty(), "{section}, {kind}");
        assert_eq!(reason.policies.is_empty(), expected.level == Level::None, "{section}, {kind}");
    }
}

#[test]
fn no_kind_that_may_see_something_is_refused_altogether() {
    let engine = Engine::baseline().unwrap();
    for kind in RequesterKind::ALL {
        let is_refused = engine.decide(&ordinary(*kind)).refusal().is_some();
        assert_eq!(is_refused, *kind == RequesterKind::PrivacyOfficer, "{kind}");
    }
}

#[test]
fn a_care_worker_who_is_not_in_the_care_team_sees_no_medication() {
    let engine = Engine::baseline().unwrap();
    let visiting = Circumstances {
        relationship: Some(RelationshipKind::AppointmentWithinWindow),
        ..ordinary(RequesterKind::CareWorker)
    };
    assert_eq!(granted(&engine.decide(&visiting), Section::Medications), Grant::none());
}
