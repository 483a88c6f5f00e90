//! Person 0, the demo's patient: eighty-eight, frail, and known to seven of the demo's eight organisations.
//!
//! Her records tell one story and disagree where it matters: a severe penicillin allergy at the practice
//! against "no known allergies" at the hospital; bisoprolol and warfarin halved in hospital; an earlier
//! "for CPR" against a later decision not to attempt it; home from the emergency department four days ago.

use weald_proto::wire::{Address, Telecom};

use super::chart::{
    Chart, Concern, Course, Decision, Episode, Finding, Illness, Operation, Package, Paper, Plan, Relative, Team, Test,
    Vaccination, Visit, Warning,
};
use super::concept::{self, Concept};
use super::conflict::{Conflict, Overlap};
use super::life::illness::{no_known_allergy, on_repeat};
use super::life::services::{CONTACT, DAUGHTER, SON, referral, vital};
use super::life::{Life, WHITE_BRITISH};
use super::medicine::{self, Medicine};
use super::organisation::{AMBULANCE, COMMUNITY, EAST_KENT, HOPFIELD, MENTAL_HEALTH, SOCIAL_CARE, WEST_KENT};
use super::plant::{PENICILLIN_ALLERGY, Planted};
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
        (&HOPFIELD, practice()),
        (&EAST_KENT, hospital()),
        (&WEST_KENT, eye_clinic()),
        (&COMMUNITY, community()),
        (&MENTAL_HEALTH, mental_health()),
        (&SOCIAL_CARE, social_care()),
        (&AMBULANCE, ambulance()),
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

fn practice() -> Chart {
    Chart {
        sensitivities: vec![super::chart::Sensitivity {
            note: "Collapsed after the second tablet in 1994; carries a card",
            since: 11_800,
            ..PENICILLIN_ALLERGY
        }],
        illnesses: vec![
            problem(concept::ATRIAL_FIBRILLATION, 2600),
            problem(concept::HEART_FAILURE, 1400),
            problem(concept::ESSENTIAL_HYPERTENSION, 7300),
            problem(concept::KIDNEY_DISEASE, 1100),
            Illness { significance: "", ..problem(concept::DEMENTIA, 320) },
            Illness { ended: Some(660), significance: "minor", ..problem(concept::COVID_UK, 680) },
        ],
        courses: vec![
            on_repeat(medicine::BISOPROLOL, 2600, "Atrial fibrillation"),
            on_repeat(medicine::WARFARIN, 2590, "Atrial fibrillation"),
            on_repeat(medicine::FUROSEMIDE, 1400, "Heart failure"),
            on_repeat(medicine::AMLODIPINE, 3000, "Essential hypertension"),
            on_repeat(medicine::OMEPRAZOLE, 900, "Stomach protection"),
            Course { supply: "acute", ..on_repeat(medicine::PARACETAMOL_TABLETS, 60, "Hip pain") },
        ],
        operations: vec![hip_replacement()],
        tests: practice_tests(),
        vaccinations: vec![Vaccination {
            vaccine: Some(concept::PFIZER_COVID_VACCINE),
            text: concept::PFIZER_COVID_VACCINE.display,
            dose_number: "5",
            lot: "SYNTH-07",
            maker: "Pfizer",
            refusal: "",
            on: 45,
        }],
        visits: vec![
            Visit { reason: "Frailty review", place: "Consulting room 1", from: 33, to: Some(33), ..CONTACT },
            Visit {
                class: None,
                status: "booked",
                text: "Booked appointment",
                reason: "Medicines after discharge",
                place: "Home visit",
                from: -3,
                ..CONTACT
            },
        ],
        referrals: vec![referral(0, 25, 7)],
        plans: vec![Plan {
            category: concept::TREATMENT_ESCALATION_PLAN,
            title: "Treatment escalation plan",
            activities: &["Hospital for reversible illness", "No intensive care"],
            about: "Frailty",
            team: "Practice team",
            note: "She wishes to be at home; daughter agrees",
            on: 33,
        }],
        decisions: vec![
            Decision::Cpr { concept: concept::FOR_CPR, status: "active", on: 760, review_in: 365 },
            Decision::PowerOfAttorney { on: 500 },
        ],
        teams: vec![Team { name: "Hopfield practice team", reason: "Registered patient", from: 7300 }],
        relatives: relatives(),
        ..Chart::default()
    }
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

fn practice_tests() -> Vec<Test> {
    vec![
        Test {
            interpretation: "H",
            comment: "Known kidney disease; stable",
            ..blood(concept::SERUM_CREATININE, ("112", "umol/L"), "45 - 84 umol/L", 33)
        },
        blood(concept::SERUM_POTASSIUM, ("4.8", "mmol/L"), "3.5 - 5.3 mmol/L", 33),
        blood(concept::HAEMOGLOBIN, ("118", "g/L"), "115 - 165 g/L", 820),
        Test {
            finding: Finding::Pressure("138", "74"),
            loinc: Some(concept::BLOOD_PRESSURE_PANEL),
            ..blood(concept::BLOOD_PRESSURE, ("", ""), "", 33)
        },
        vital(concept::BODY_WEIGHT, concept::BODY_WEIGHT_LOINC, ("52.4", "kg", "kg"), 33),
    ]
}

/// The hospital changed some doses before she went home.
fn reduced(
    medicine: Medicine,
    since: i64,
    dose: &'static str,
    instructions: &'static str,
    note: &'static str,
) -> Course {
    let medicine = Medicine { dose: (dose, "tablet"), instructions, ..medicine };
    Course { note, last_issue: None, ..on_repeat(medicine, since, "Atrial fibrillation") }
}

fn hospital() -> Chart {
    Chart {
        sensitivities: vec![no_known_allergy(5)],
        illnesses: vec![
            Illness {
                also: Some(concept::ATRIAL_FIBRILLATION_ICD),
                significance: "",
                ..problem(concept::ATRIAL_FIBRILLATION, 2600)
            },
            Illness {
                also: Some(concept::HEART_FAILURE_ICD),
                significance: "",
                ..problem(concept::HEART_FAILURE, 1400)
            },
            Illness { significance: "", note: "Calmer with her daughter present", ..problem(concept::DEMENTIA, 320) },
        ],
        courses: vec![
            reduced(
                medicine::BISOPROLOL,
                2600,
                "0.5",
                "Take half a tablet each morning",
                "Halved: pulse 48 on arrival",
            ),
            reduced(
                medicine::WARFARIN,
                2590,
                "0.5",
                "Take half a tablet each day",
                "INR 4.1 on arrival; recheck in a week",
            ),
            on_repeat(medicine::FUROSEMIDE, 1400, "Heart failure"),
            Course {
                status: "stopped",
                until: Some(4),
                note: "Stopped: low blood pressure and a fall",
                ..on_repeat(medicine::AMLODIPINE, 3000, "Essential hypertension")
            },
        ],
        operations: vec![hip_replacement()],
        tests: vec![
            Test {
                interpretation: "L",
                report: Some(concept::FULL_BLOOD_COUNT),
                ..blood(concept::HAEMOGLOBIN, ("104", "g/L"), "115 - 165 g/L", 4)
            },
            Test {
                interpretation: "H",
                report: Some(concept::FULL_BLOOD_COUNT),
                ..blood(concept::C_REACTIVE_PROTEIN, ("23", "mg/L"), "0 - 5 mg/L", 4)
            },
        ],
        visits: vec![
            Visit {
                class: Some(concept::EMERGENCY),
                text: "Emergency department attendance",
                reason: "Fall at home",
                place: "Emergency department, Mock Hospital",
                service: "Accident and emergency",
                admission: "By ambulance",
                discharge: "Home with package of care",
                from: 5,
                to: Some(4),
                ..CONTACT
            },
            Visit {
                class: Some(concept::INPATIENT),
                text: "Inpatient stay",
                reason: "Hip replacement",
                place: "Mock Ward 2",
                service: "Orthopaedics",
                discharge: "Home",
                from: 2051,
                to: Some(2044),
                ..CONTACT
            },
        ],
        papers: vec![
            Paper {
                concept: concept::DISCHARGE_SUMMARY,
                title: "Emergency department discharge summary",
                setting: "Emergency medicine",
                size: 61_440,
                on: 4,
                labels: &[concept::RELEASED],
            },
            Paper {
                concept: concept::SUMMARY_RECORD,
                title: "Letter from the heart failure clinic",
                setting: "Cardiology",
                size: 40_960,
                on: 190,
                labels: &[concept::RELEASED],
            },
        ],
        decisions: vec![
            Decision::Cpr { concept: concept::NOT_FOR_CPR, status: "active", on: 4, review_in: 180 },
            Decision::Form { title: "ReSPECT form", on: 4 },
        ],
        relatives: relatives().into_iter().take(1).collect(),
        ..Chart::default()
    }
}

fn eye_clinic() -> Chart {
    Chart {
        visits: vec![Visit {
            text: "Outpatient appointment",
            reason: "Cataract assessment",
            place: "Eye clinic",
            service: "Ophthalmology",
            from: 210,
            to: Some(210),
            ..CONTACT
        }],
        papers: vec![Paper {
            concept: concept::SUMMARY_RECORD,
            title: "Letter from the eye clinic",
            setting: "Ophthalmology",
            size: 20_480,
            on: 205,
            labels: &[concept::RELEASED],
        }],
        ..Chart::default()
    }
}

fn community() -> Chart {
    Chart {
        visits: vec![Visit {
            class: Some(concept::HOME),
            text: "Community nurse visit",
            reason: "Skin tear on the left shin",
            place: "Home",
            service: "District nursing",
            from: 2,
            to: Some(2),
            ..CONTACT
        }],
        referrals: vec![referral(0, 25, 7)],
        plans: vec![Plan {
            category: concept::CARE_PLAN,
            title: "Wound care plan",
            activities: &["Dressing twice a week", "Measure the wound each Friday"],
            about: "Skin tear",
            team: "Whitstable community nurses",
            note: "Key safe by the back door; ask her daughter for the number",
            on: 3,
        }],
        teams: vec![Team { name: "Whitstable community nurses", reason: "Wound care", from: 3 }],
        warnings: vec![Warning { text: "Two staff to visit: dog in the house", on: 3, is_hidden_from_person: false }],
        ..Chart::default()
    }
}

fn mental_health() -> Chart {
    Chart {
        illnesses: vec![Illness { is_restricted: true, significance: "", ..problem(concept::DEMENTIA, 320) }],
        episodes: vec![
            Episode::Spell { team: "Older people's memory service", status: "active", from: 340, to: None },
            Episode::CrisisPlan {
                activities: &["Call her daughter first", "Remind her of the garden; avoid the subject of driving"],
                on: 150,
            },
        ],
        teams: vec![Team { name: "Older people's memory service", reason: "Memory problems", from: 340 }],
        ..Chart::default()
    }
}

fn social_care() -> Chart {
    Chart {
        packages: vec![Package {
            text: "Adult social care package",
            services: &["Home care, four times a day", "Meals at home", "Pendant alarm"],
            is_about_child: false,
            status: "active",
            from: 280,
            to: None,
        }],
        concerns: vec![Concern { concept: concept::VULNERABLE_ADULT, on: 100, is_about_child: false, is_plan: false }],
        plans: vec![Plan {
            category: concept::CONTINGENCY_PLAN,
            title: "If home care fails",
            activities: &["Ring the duty desk", "Daughter stays the night"],
            about: "Lives alone",
            team: "Whitstable locality team",
            note: "",
            on: 280,
        }],
        teams: vec![Team { name: "Whitstable locality team", reason: "Adult social care", from: 280 }],
        relatives: relatives(),
        ..Chart::default()
    }
}

fn ambulance() -> Chart {
    Chart {
        visits: vec![Visit {
            class: Some(concept::EMERGENCY),
            text: "Ambulance attendance",
            reason: "Fall at home, on warfarin",
            place: "Home",
            service: "Ambulance",
            discharge: "Taken to the emergency department",
            from: 5,
            to: Some(5),
            is_released: false,
            ..CONTACT
        }],
        tests: vec![
            vital(concept::HEART_RATE, concept::HEART_RATE_LOINC, ("48", "/min", "/min"), 5),
            vital(concept::OXYGEN_SATURATION, concept::OXYGEN_SATURATION_LOINC, ("95", "%", "%"), 5),
            Test {
                finding: Finding::Amount("3", "score", "{score}"),
                ..blood(concept::NEWS2_TOTAL, ("3", "score"), "", 5)
            },
        ],
        ..Chart::default()
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
