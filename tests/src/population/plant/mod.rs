//! Planting conflicts and overlaps in the charts of a life.

mod allergy;
mod decision;
#[cfg(test)]
mod evidence;
mod medication;
mod repetition;

use super::chance::Chance;
use super::conflict::{Conflict, Overlap};
use super::life::Life;

pub(crate) use allergy::PENICILLIN_ALLERGY;
pub(crate) use repetition::supersede;

/// What was planted.
#[derive(Default)]
pub(crate) struct Planted {
    pub(crate) conflicts: Vec<Conflict>,
    pub(crate) overlaps: Vec<Overlap>,
}

/// Plants at most one conflict of each family, so that no two disturb each other.
pub(crate) fn plant(chance: &mut Chance, life: &mut Life) -> Planted {
    let mut planted = Planted::default();
    if life.age < 2 {
        return planted;
    }
    allergy::plant(chance, life, &mut planted);
    medication::plant(chance, life, &mut planted);
    decision::plant(chance, life, &mut planted);
    repetition::plant(chance, life, &mut planted);
    planted.conflicts.sort_unstable();
    planted.overlaps.sort_unstable();
    planted
}
