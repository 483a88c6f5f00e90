//! Medicines that practice and hospital tell differently.

use weald_proto::OrganisationKind::{Acute, GpPractice};

use super::Planted;
use crate::population::chance::Chance;
use crate::population::chart::{Chart, Course};
use crate::population::concept::{self, Concept, SNOMED};
use crate::population::conflict::{Conflict, Overlap};
use crate::population::life::Life;
use crate::population::life::illness::on_repeat;
use crate::population::medicine::{self, Medicine};

/// Below this age nobody is given the medicines planted here.
const FROM_AGE: i64 = 12;

#[derive(Clone, Copy)]
enum Plan {
    Differs(Conflict),
    Repeats(Overlap),
}

const PLANS: [Plan; 11] = [
    Plan::Differs(Conflict::DifferentDose),
    Plan::Differs(Conflict::DifferentStrength),
    Plan::Differs(Conflict::DifferentForm),
    Plan::Differs(Conflict::DifferentRoute),
    Plan::Differs(Conflict::DifferentFrequency),
    Plan::Differs(Conflict::DifferentStartOrStop),
    Plan::Differs(Conflict::AcuteAgainstRepeat),
    Plan::Differs(Conflict::BrandThatMatters),
    Plan::Differs(Conflict::StoppedInHospital),
    Plan::Repeats(Overlap::MedicineUnderTwoIds),
    Plan::Repeats(Overlap::MedicineUnderTwoSystems),
];

pub(super) fn plant(chance: &mut Chance, life: &mut Life, planted: &mut Planted) {
    if !life.is_known_to(Acute) || life.age < FROM_AGE || !chance.percent(75) {
        return;
    }
    let Some(plan) = PLANS.get(chance.below(11) as usize) else { return };
    let (at_practice, at_hospital) = match plan {
        Plan::Differs(conflict) => {
            planted.conflicts.push(*conflict);
            two_tellings(*conflict)
        }
        Plan::Repeats(overlap) => {
            planted.overlaps.push(*overlap);
            two_codings(*overlap)
        }
    };
    for kind in [GpPractice, Acute] {
        if let Some(chart) = life.chart(kind) {
            forget(chart, at_practice.medicine);
            forget(chart, at_hospital.medicine);
            chart.courses.push(if kind == GpPractice { at_practice } else { at_hospital });
        }
    }
}

/// Removes what the chart says of a medicine.
fn forget(chart: &mut Chart, medicine: Medicine) {
    chart.courses.retain(|course| course.medicine.name != medicine.name);
}

/// How the practice and how the hospital tell one medicine.
fn two_tellings(conflict: Conflict) -> (Course, Course) {
    let amlodipine = on_repeat(medicine::AMLODIPINE, 300, "Hypertension");
    let alike = (amlodipine, amlodipine);
    let (here, there) = alike;
    match conflict {
        Conflict::DifferentDose => (
            here,
            altered(there, |medicine| {
                medicine.dose = ("0.5", "tablet");
                medicine.instructions = "Take half a tablet each day";
            }),
        ),
        Conflict::DifferentStrength => {
            let citalopram = |medicine| on_repeat(medicine, 300, "Low mood");
            (citalopram(medicine::CITALOPRAM_20), citalopram(medicine::CITALOPRAM_10))
        }
        Conflict::DifferentForm => {
            let paracetamol = |medicine| on_repeat(medicine, 120, "Pain");
            (paracetamol(medicine::PARACETAMOL_TABLETS), paracetamol(medicine::PARACETAMOL_CAPSULES))
        }
        Conflict::DifferentRoute => {
            let by_mouth = on_repeat(medicine::CIPROFLOXACIN, 20, "Infection");
            (by_mouth, altered(by_mouth, |medicine| medicine.route = concept::INTRAVENOUS))
        }
        Conflict::DifferentFrequency => (
            here,
            altered(there, |medicine| {
                medicine.frequency = "twice a day";
                medicine.instructions = "Take one tablet twice a day";
            }),
        ),
        Conflict::DifferentStartOrStop => (here, Course { since: 45, last_issue: Some(21), ..there }),
        Conflict::AcuteAgainstRepeat => (here, Course { supply: "acute", ..there }),
        Conflict::BrandThatMatters => {
            let lithium = |medicine| on_repeat(medicine, 500, "Bipolar disorder");
            (lithium(medicine::PRIADEL), lithium(medicine::LITHIUM_CARBONATE))
        }
        Conflict::StoppedInHospital => {
            (here, Course { status: "stopped", until: Some(8), note: "Stopped: ankle swelling", ..there })
        }
        _ => alike,
    }
}

/// One medicine under two codings.
fn two_codings(overlap: Overlap) -> (Course, Course) {
    let (here, there) = match overlap {
        Overlap::MedicineUnderTwoIds => (medicine::AMOXICILLIN, medicine::AMOXICILLIN_OLD_ID),
        _ => (medicine::OMEPRAZOLE, Medicine { codings: &[OMEPRAZOLE_AS_SNOMED], ..medicine::OMEPRAZOLE }),
    };
    let told = |medicine| on_repeat(medicine, 30, "As prescribed");
    (told(here), told(there))
}

/// A dm+d id is a SNOMED CT id too.
const OMEPRAZOLE_AS_SNOMED: Concept =
    Concept { system: SNOMED, code: "317291008", display: "Omeprazole 20mg gastro-resistant capsules" };

fn altered(course: Course, change: impl FnOnce(&mut Medicine)) -> Course {
    let mut medicine = course.medicine;
    change(&mut medicine);
    Course { medicine, ..course }
}
