//! What befalls a person: illnesses with their medicines, allergies, COVID-19, tests and operations.

use weald_proto::OrganisationKind::{Acute, GpPractice, MentalHealth};

use super::Life;
use crate::population::chance::Chance;
use crate::population::chart::{Course, Finding, Illness, Operation, Sensitivity, Test};
use crate::population::concept::{self, Concept};
use crate::population::medicine::{self, Medicine};

/// A long illness, the ICD-10 code that hospitals add, from which age, how common, what is taken for it.
struct Ailment(Concept, Option<Concept>, i64, u32, &'static [Medicine]);

const AILMENTS: &[Ailment] = &[
    Ailment(concept::ESSENTIAL_HYPERTENSION, Some(concept::HYPERTENSION_ICD), 45, 40, &[medicine::AMLODIPINE]),
    Ailment(concept::TYPE_2_DIABETES, None, 40, 18, &[medicine::INSULIN_GLARGINE]),
    Ailment(concept::ASTHMA, None, 4, 12, &[medicine::SALBUTAMOL]),
    Ailment(concept::COPD, Some(concept::COPD_ICD), 55, 12, &[medicine::PREDNISOLONE]),
    Ailment(
        concept::HEART_FAILURE,
        Some(concept::HEART_FAILURE_ICD),
        65,
        15,
        &[medicine::FUROSEMIDE, medicine::RAMIPRIL],
    ),
    Ailment(concept::ATRIAL_FIBRILLATION, Some(concept::ATRIAL_FIBRILLATION_ICD), 65, 15, &[medicine::BISOPROLOL]),
    Ailment(concept::KIDNEY_DISEASE, None, 60, 15, &[]),
    Ailment(concept::DEMENTIA, None, 75, 15, &[]),
    Ailment(concept::ISCHAEMIC_HEART_DISEASE, None, 55, 15, &[medicine::ATORVASTATIN]),
    Ailment(concept::MYOCARDIAL_INFARCTION, None, 55, 5, &[medicine::SIMVASTATIN]),
];

pub(super) fn befall(chance: &mut Chance, life: &mut Life) {
    for Ailment(concept, icd, from_age, percent, medicines) in AILMENTS {
        if life.age >= *from_age && chance.percent(*percent) {
            fall_ill(chance, life, *concept, *icd, medicines);
        }
    }
    recover_from_pneumonia(chance, life);
    catch_covid(chance, life);
    be_low(chance, life);
    be_allergic(chance, life);
    be_tested(chance, life);
    be_operated_on(chance, life);
}

fn fall_ill(
    chance: &mut Chance,
    life: &mut Life,
    concept: Concept,
    icd: Option<Concept>,
    medicines: &'static [Medicine],
) {
    let since = i64::from(chance.between(200, 3000)).min(life.age * 365 - 1);
    let illness = Illness { concept, since, certainty: "confirmed", significance: "major", ..Illness::default() };
    let is_known_to_hospital = chance.percent(60);
    if let Some(chart) = life.chart(GpPractice) {
        chart.illnesses.push(illness);
        chart.courses.extend(medicines.iter().map(|medicine| on_repeat(*medicine, since, concept.display)));
    }
    if let Some(chart) = life.chart(Acute).filter(|_| is_known_to_hospital) {
        chart.illnesses.push(Illness { also: icd, significance: "", ..illness });
        chart.courses.extend(medicines.iter().map(|medicine| on_repeat(*medicine, since, concept.display)));
    }
}

/// A repeat medicine, as practice and hospital both have it.
pub(crate) fn on_repeat(medicine: Medicine, since: i64, reason: &'static str) -> Course {
    Course {
        medicine,
        status: "active",
        supply: "repeat",
        since,
        last_issue: Some(21.min(since)),
        reason,
        ..Course::default()
    }
}

fn recover_from_pneumonia(chance: &mut Chance, life: &mut Life) {
    if life.age < 2 || !chance.percent(8) {
        return;
    }
    let on = i64::from(chance.between(60, 700));
    let illness = Illness {
        concept: concept::PNEUMONIA,
        also: Some(concept::PNEUMONIA_ICD),
        since: on,
        ended: Some(on - 28),
        certainty: "confirmed",
        severity: "Moderate",
        ..Illness::default()
    };
    let course = Course {
        medicine: medicine::DOXYCYCLINE,
        status: "completed",
        supply: "acute",
        since: on,
        reason: "Pneumonia",
        is_order: true,
        ..Course::default()
    };
    if let Some(chart) = life.chart(Acute) {
        chart.illnesses.push(illness);
        chart.courses.push(course);
    }
}

/// The practice codes COVID-19 with the British code, the hospital with the international one.
fn catch_covid(chance: &mut Chance, life: &mut Life) {
    if life.age < 1 || !chance.percent(18) {
        return;
    }
    let on = i64::from(chance.between(10, 360));
    let is_certain = chance.percent(70);
    let illness = Illness {
        concept: if is_certain { concept::COVID_UK } else { concept::COVID_SUSPECTED },
        since: on,
        ended: Some((on - 14).max(0)),
        certainty: if is_certain { "confirmed" } else { "provisional" },
        ..Illness::default()
    };
    if let Some(chart) = life.chart(GpPractice) {
        chart.illnesses.push(illness);
        chart
            .tests
            .push(rna_test(if is_certain { concept::COVID_RNA_POSITIVE } else { concept::COVID_RNA_NEGATIVE }, on));
    }
    if let Some(chart) = life.chart(Acute).filter(|_| is_certain) {
        chart.illnesses.push(Illness { concept: concept::COVID_INTERNATIONAL, ..illness });
    }
}

fn rna_test(found: Concept, on: i64) -> Test {
    Test {
        concept: found,
        loinc: None,
        finding: Finding::Code(found),
        range: "",
        interpretation: "",
        status: "final",
        comment: "",
        on,
        is_released: true,
        report: None,
    }
}

fn be_low(chance: &mut Chance, life: &mut Life) {
    if life.age < 16 || !(life.is_known_to(MentalHealth) || chance.percent(6)) {
        return;
    }
    let since = i64::from(chance.between(100, 1500));
    let illness = Illness {
        concept: concept::DEPRESSION,
        since,
        certainty: "confirmed",
        significance: "major",
        is_restricted: true,
        ..Illness::default()
    };
    for kind in [GpPractice, MentalHealth] {
        if let Some(chart) = life.chart(kind) {
            chart.illnesses.push(illness);
            chart.courses.push(on_repeat(medicine::CITALOPRAM_20, since, "Depressive disorder"));
        }
    }
}

/// An allergy to a coded substance, told alike everywhere.
pub(crate) const PEANUT_ALLERGY: Sensitivity = Sensitivity {
    concept: concept::ALLERGY_TO_PEANUT,
    text: "Allergy to peanut",
    substance: None,
    criticality: "high",
    certainty: "confirmed",
    status: "active",
    category: "food",
    reaction: "Urticarial rash",
    reaction_severity: "moderate",
    end_reason: "",
    since: 900,
    note: "",
};

/// The statement that there is no known allergy.
pub(crate) fn no_known_allergy(since: i64) -> Sensitivity {
    Sensitivity {
        concept: concept::NO_KNOWN_ALLERGY,
        text: concept::NO_KNOWN_ALLERGY.display,
        certainty: "confirmed",
        status: "active",
        since,
        ..Sensitivity::default()
    }
}

fn be_allergic(chance: &mut Chance, life: &mut Life) {
    let since = i64::from(chance.between(1, 3000)).min((life.age * 365 - 1).max(0));
    let told = match chance.below(100) {
        0..8 => Sensitivity { since, ..PEANUT_ALLERGY },
        8..13 => Sensitivity {
            concept: concept::ALLERGY_TO_LATEX,
            text: "Allergy to latex",
            category: "environment",
            criticality: "low",
            since,
            ..PEANUT_ALLERGY
        },
        13..18 => Sensitivity {
            concept: concept::ALLERGY_TO_ASPIRIN,
            text: "Allergy to aspirin",
            category: "medication",
            since,
            ..PEANUT_ALLERGY
        },
        18..20 => Sensitivity {
            concept: concept::COWS_MILK_SENSITIVITY,
            text: "Cow's milk protein sensitivity",
            reaction: "Vomiting",
            since,
            ..PEANUT_ALLERGY
        },
        20..60 => no_known_allergy(since),
        _ => return,
    };
    for kind in [GpPractice, Acute] {
        if let Some(chart) = life.chart(kind) {
            chart.sensitivities.push(told.clone());
        }
    }
}

/// A laboratory result in a unit, within its range.
fn blood(concept: Concept, finding: Finding, range: &'static str, interpretation: &'static str, on: i64) -> Test {
    Test {
        concept,
        loinc: None,
        finding,
        range,
        interpretation,
        status: "final",
        comment: "",
        on,
        is_released: on > 14,
        report: Some(concept::FULL_BLOOD_COUNT),
    }
}

fn be_tested(chance: &mut Chance, life: &mut Life) {
    let (recent, old) = (i64::from(chance.between(1, 60)), i64::from(chance.between(400, 1500)));
    let potassium = chance.pick(&["3.9", "4.2", "4.6", "5.1"]);
    let haemoglobin = chance.pick(&["98", "121", "134", "146"]);
    let tests = [
        blood(concept::HAEMOGLOBIN, Finding::Amount(haemoglobin, "g/L", "g/L"), "115 - 165 g/L", "N", recent),
        blood(
            concept::SERUM_POTASSIUM,
            Finding::Amount(potassium, "mmol/L", "mmol/L"),
            "3.5 - 5.3 mmol/L",
            "N",
            recent,
        ),
        Test {
            report: None,
            ..blood(concept::SERUM_CREATININE, Finding::Amount("88", "umol/L", "umol/L"), "45 - 84 umol/L", "H", old)
        },
    ];
    let pressure = Test {
        concept: concept::BLOOD_PRESSURE,
        loinc: Some(concept::BLOOD_PRESSURE_PANEL),
        finding: chance.pick(PRESSURES).0,
        range: "",
        interpretation: "",
        status: "final",
        comment: "",
        on: recent,
        is_released: true,
        report: None,
    };
    if let Some(chart) = life.chart(GpPractice) {
        chart.tests.push(pressure);
        chart.tests.extend(tests.iter().skip(2).copied());
    }
    if let Some(chart) = life.chart(Acute) {
        chart.tests.extend(tests.iter().take(2).copied());
    }
}

/// A blood pressure that can be picked.
#[derive(Clone, Copy)]
struct Pressure(Finding);

impl Default for Pressure {
    fn default() -> Self {
        Pressure(Finding::Pressure("128", "76"))
    }
}

const PRESSURES: &[Pressure] = &[
    Pressure(Finding::Pressure("118", "72")),
    Pressure(Finding::Pressure("142", "88")),
    Pressure(Finding::Pressure("156", "94")),
];

fn be_operated_on(chance: &mut Chance, life: &mut Life) {
    if life.age < 50 || !chance.percent(25) {
        return;
    }
    let on = i64::from(chance.between(100, 2500));
    let operation = if chance.percent(50) {
        Operation {
            concept: concept::TOTAL_HIP_REPLACEMENT,
            body_site: "Left hip",
            reason: "Osteoarthritis",
            outcome: "Mobile with one stick",
            on,
        }
    } else {
        Operation { concept: concept::COLONOSCOPY, body_site: "Colon", reason: "Screening", outcome: "Normal", on }
    };
    for kind in [GpPractice, Acute] {
        if let Some(chart) = life.chart(kind) {
            chart.operations.push(operation);
        }
    }
}
