//! What two hospitals know of person 0.

use super::{blood, hip_replacement, problem, relatives};
use crate::population::chart::{Chart, Course, Decision, Illness, Paper, Test, Visit};
use crate::population::concept;
use crate::population::life::illness::{no_known_allergy, on_repeat};
use crate::population::life::services::CONTACT;
use crate::population::medicine::{self, Medicine};

/// The chart of the hospital that she was taken to.
pub(super) fn chart() -> Chart {
    Chart {
        sensitivities: vec![no_known_allergy(5)],
        illnesses: diagnoses(),
        courses: courses(),
        operations: vec![hip_replacement()],
        tests: tests(),
        visits: visits(),
        papers: papers(),
        decisions: vec![
            Decision::Cpr { concept: concept::NOT_FOR_CPR, status: "active", on: 4, review_in: 180 },
            Decision::Form { title: "ReSPECT form", on: 4 },
        ],
        relatives: relatives().into_iter().take(1).collect(),
        ..Chart::default()
    }
}

fn diagnoses() -> Vec<Illness> {
    vec![
        Illness {
            also: Some(concept::ATRIAL_FIBRILLATION_ICD),
            significance: "",
            ..problem(concept::ATRIAL_FIBRILLATION, 2600)
        },
        Illness { also: Some(concept::HEART_FAILURE_ICD), significance: "", ..problem(concept::HEART_FAILURE, 1400) },
        Illness { significance: "", note: "Calmer with her daughter present", ..problem(concept::DEMENTIA, 320) },
    ]
}

fn courses() -> Vec<Course> {
    vec![
        reduced(medicine::BISOPROLOL, 2600, "0.5", "Take half a tablet each morning", "Halved: pulse 48 on arrival"),
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
    ]
}

fn tests() -> Vec<Test> {
    vec![
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
    ]
}

fn visits() -> Vec<Visit> {
    vec![
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
    ]
}

fn papers() -> Vec<Paper> {
    vec![
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

/// The other hospital saw her eyes only.
pub(super) fn eye_clinic() -> Chart {
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
