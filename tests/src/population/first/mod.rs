//! Person 0, the demo's patient: eighty-eight, frail, and known to seven of the demo's eight organisations.
//!
//! Her records tell one story and disagree where it matters: a severe penicillin allergy at the practice
//! against "no known allergies" at the hospital; bisoprolol and warfarin halved in hospital; an earlier
//! "for CPR" against a later decision not to attempt it; home from the emergency department four days ago.

mod hospital;
mod practice;
mod services;

use weald_proto::wire::{Address, Telecom};

use super::chart::{Finding, Illness, Operation, Relative, Test};
use super::concept::{self, Concept};
use super::conflict::{Conflict, Overlap};
use super::life::services::{DAUGHTER, SON};
use super::life::{Life, WHITE_BRITISH};
use super::organisation::{AMBULANCE, COMMUNITY, EAST_KENT, HOPFIELD, MENTAL_HEALTH, SOCIAL_CARE, WEST_KENT};
use super::plant::Planted;
use super::record::Particulars;
use super::{calendar, name, number};

/// What her records disagree about.
pub(crate) fn planted() -> Planted {
    Planted {
        conflicts: vec![
            Conflict::AllergyAgainstNone,
            Conflict::DifferentDose,
            Conflict::StoppedInHospital,
            Conflict::CprLaterDecision,
            Conflict::SafeguardingAlert,
            Conflict::FreeText,
        ],
        overlaps: vec![Overlap::ToldTwice, Overlap::SharedReferral],
    }
}

/// Her life.
pub(crate) fn life() -> Life {
    let born = jiff::civil::date(1938, 3, 14);
    let particulars = Particulars {
        nhs_number: number::digits(0),
        name: name::whole("Mrs", vec!["Edna".into(), "May".into()], "O'Hopkiln"),
        birth_date: born.to_string(),
        gender: "female",
        address: Address {
            r#use: "home".into(),
            lines: vec!["7 Imaginary Lane".into()],
            town: "Whitstable".into(),
            county: "Kent".into(),
            postcode: "CT5 0CV".into(),
            country: "GB".into(),
            text: "7 Imaginary Lane, Whitstable, CT5 0CV".into(),
        },
        telecoms: vec![phone("01632 960555", "home")],
        ethnic_category: WHITE_BRITISH,
        language: "en",
        marital_status: "Widowed",
        practice: &HOPFIELD,
        is_hidden: false,
    };
    let known_at = vec![
        (&HOPFIELD, practice::chart()),
        (&EAST_KENT, hospital::chart()),
        (&WEST_KENT, hospital::eye_clinic()),
        (&COMMUNITY, services::community()),
        (&MENTAL_HEALTH, services::mental_health()),
        (&SOCIAL_CARE, services::social_care()),
        (&AMBULANCE, services::ambulance()),
    ];
    Life { particulars, born, age: calendar::age_of(born), known_at }
}

fn phone(value: &str, r#use: &str) -> Telecom {
    Telecom { system: "phone".into(), value: value.into(), r#use: r#use.into() }
}

/// A problem of the practice's list.
fn problem(concept: Concept, since: i64) -> Illness {
    Illness { concept, since, certainty: "confirmed", significance: "major", ..Illness::default() }
}

fn hip_replacement() -> Operation {
    Operation {
        concept: concept::TOTAL_HIP_REPLACEMENT,
        body_site: "Left hip",
        reason: "Osteoarthritis",
        outcome: "Mobile with one stick",
        on: 2050,
    }
}

/// A laboratory result of the given day.
fn blood(concept: Concept, amount: (&'static str, &'static str), range: &'static str, on: i64) -> Test {
    let (value, unit) = amount;
    Test {
        concept,
        loinc: None,
        finding: Finding::Amount(value, unit, unit),
        range,
        interpretation: "N",
        status: "final",
        comment: "",
        on,
        is_released: on > 14,
        report: None,
    }
}

fn relatives() -> Vec<Relative> {
    let relative = |given: &str, relationship, gender, rank, number| Relative {
        name: name::whole(if gender == "female" { "Ms" } else { "Mr" }, vec![given.into()], "O'Hopkiln"),
        relationship,
        telecoms: vec![phone(number, "mobile")],
        gender,
        rank,
        is_third_party: rank > 1,
    };
    vec![relative("Maureen", DAUGHTER, "female", 1, "07700 900123"), relative("Seán", SON, "male", 2, "07700 900456")]
}
