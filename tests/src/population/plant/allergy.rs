//! Allergies that organisations tell differently.

use weald_proto::OrganisationKind::{Acute, GpPractice};

use super::Planted;
use crate::population::chance::Chance;
use crate::population::chart::Sensitivity;
use crate::population::concept::{self, Concept, SNOMED};
use crate::population::conflict::{Conflict, Overlap};
use crate::population::life::Life;
use crate::population::life::illness::no_known_allergy;

/// Amoxicillin as the product that was prescribed, which some systems record as the allergy.
const AMOXICILLIN_PRODUCT: Concept =
    Concept { system: SNOMED, code: "323509004", display: "Amoxicillin 250mg capsules" };

/// An allergy to penicillin, known for long.
pub(crate) const PENICILLIN_ALLERGY: Sensitivity = Sensitivity {
    concept: concept::ALLERGY_TO_PENICILLIN,
    text: "Allergy to penicillin",
    substance: Some(concept::PENICILLIN_SUBSTANCE),
    criticality: "high",
    certainty: "confirmed",
    status: "active",
    category: "medication",
    reaction: "Urticarial rash",
    reaction_severity: "severe",
    end_reason: "",
    since: 600,
    note: "",
};

/// What one family of two tellings may be.
#[derive(Clone, Copy)]
enum Plan {
    Differs(Conflict),
    Degraded,
    ThreeStyles,
}

const PLANS: [Plan; 8] = [
    Plan::Differs(Conflict::AllergyAgainstNone),
    Plan::Differs(Conflict::ActiveAgainstEnded),
    Plan::Differs(Conflict::ActiveAgainstRefuted),
    Plan::Differs(Conflict::DifferentSeverity),
    Plan::Differs(Conflict::DifferentReaction),
    Plan::Differs(Conflict::SuspectedAgainstConfirmed),
    Plan::Degraded,
    Plan::ThreeStyles,
];

pub(super) fn plant(chance: &mut Chance, life: &mut Life, planted: &mut Planted) {
    if !life.is_known_to(Acute) || !chance.percent(60) {
        return;
    }
    let Some(plan) = PLANS.get(chance.below(8) as usize) else { return };
    let (at_practice, at_hospital) = match plan {
        Plan::Differs(conflict) => {
            planted.conflicts.push(*conflict);
            (vec![PENICILLIN_ALLERGY], vec![other_telling(*conflict)])
        }
        Plan::Degraded => {
            planted.conflicts.push(Conflict::DegradedEntry);
            (vec![DEGRADED], vec![])
        }
        Plan::ThreeStyles => {
            planted.overlaps.push(Overlap::AllergyInThreeStyles);
            (
                vec![styled(concept::ALLERGY_TO_AMOXICILLIN)],
                vec![styled(concept::AMOXICILLIN_SUBSTANCE), styled(AMOXICILLIN_PRODUCT)],
            )
        }
    };
    if let Some(chart) = life.chart(GpPractice) {
        chart.sensitivities = at_practice;
    }
    if let Some(chart) = life.chart(Acute) {
        chart.sensitivities = at_hospital;
    }
}

/// How the hospital tells the penicillin allergy.
fn other_telling(conflict: Conflict) -> Sensitivity {
    let same = PENICILLIN_ALLERGY;
    match conflict {
        Conflict::AllergyAgainstNone => no_known_allergy(40),
        Conflict::ActiveAgainstEnded => {
            Sensitivity { status: "resolved", end_reason: "Tolerated penicillin in hospital", ..same }
        }
        Conflict::ActiveAgainstRefuted => Sensitivity { status: "inactive", certainty: "refuted", ..same },
        Conflict::DifferentSeverity => Sensitivity { criticality: "low", ..same },
        Conflict::DifferentReaction => Sensitivity { reaction: "Anaphylaxis", ..same },
        Conflict::SuspectedAgainstConfirmed => Sensitivity { certainty: "unconfirmed", ..same },
        _ => same,
    }
}

const DEGRADED: Sensitivity = Sensitivity {
    concept: concept::DEGRADED_DRUG_ALLERGY,
    text: "Co-fluampicil (transferred from the previous practice)",
    substance: None,
    criticality: "",
    reaction: "",
    reaction_severity: "",
    note: "Original code could not be carried over; prescribing checks may miss it",
    ..PENICILLIN_ALLERGY
};

fn styled(concept: Concept) -> Sensitivity {
    Sensitivity { concept, text: concept.display, substance: None, ..PENICILLIN_ALLERGY }
}

#[cfg(test)]
pub(super) const STYLES: [Concept; 3] =
    [concept::ALLERGY_TO_AMOXICILLIN, concept::AMOXICILLIN_SUBSTANCE, AMOXICILLIN_PRODUCT];
