//! What her practice knows of person 0.

use super::{blood, hip_replacement, problem, relatives};
use crate::population::chart::{
    Chart, Course, Decision, Finding, Illness, Plan, Sensitivity, Team, Test, Vaccination, Visit,
};
use crate::population::concept;
use crate::population::life::illness::on_repeat;
use crate::population::life::services::{CONTACT, referral, vital};
use crate::population::medicine;
use crate::population::plant::PENICILLIN_ALLERGY;

/// Her practice's chart.
pub(super) fn chart() -> Chart {
    Chart {
        sensitivities: vec![Sensitivity {
            note: "Collapsed after the second tablet in 1994; carries a card",
            since: 11_800,
            ..PENICILLIN_ALLERGY
        }],
        illnesses: problems(),
        courses: repeats(),
        operations: vec![hip_replacement()],
        tests: tests(),
        vaccinations: vec![Vaccination {
            vaccine: Some(concept::PFIZER_COVID_VACCINE),
            text: concept::PFIZER_COVID_VACCINE.display,
            dose_number: "5",
            lot: "SYNTH-07",
            maker: "Pfizer",
            refusal: "",
            on: 45,
        }],
        visits: visits(),
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

fn problems() -> Vec<Illness> {
    vec![
        problem(concept::ATRIAL_FIBRILLATION, 2600),
        problem(concept::HEART_FAILURE, 1400),
        problem(concept::ESSENTIAL_HYPERTENSION, 7300),
        problem(concept::KIDNEY_DISEASE, 1100),
        Illness { significance: "", ..problem(concept::DEMENTIA, 320) },
        Illness { ended: Some(660), significance: "minor", ..problem(concept::COVID_UK, 680) },
    ]
}

fn repeats() -> Vec<Course> {
    vec![
        on_repeat(medicine::BISOPROLOL, 2600, "Atrial fibrillation"),
        on_repeat(medicine::WARFARIN, 2590, "Atrial fibrillation"),
        on_repeat(medicine::FUROSEMIDE, 1400, "Heart failure"),
        on_repeat(medicine::AMLODIPINE, 3000, "Essential hypertension"),
        on_repeat(medicine::OMEPRAZOLE, 900, "Stomach protection"),
        Course { supply: "acute", ..on_repeat(medicine::PARACETAMOL_TABLETS, 60, "Hip pain") },
    ]
}

fn visits() -> Vec<Visit> {
    vec![
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
    ]
}

fn tests() -> Vec<Test> {
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
