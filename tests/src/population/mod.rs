//! Synthetic people of Kent and Medway, and what each organisation holds of them.
//!
//! [`person`] is a pure function of a seed and an index. Nobody in it exists: numbers start with 9991 and
//! are never issued, streets and staff are invented, telephones are reserved for fiction.
//!
//! Records overlap and contradict each other as real ones do: [`Conflict`] and [`Overlap`] name what was
//! planted, [`Person::conflicts`] and [`Person::overlaps`] say in whom.

mod calendar;
mod chance;
mod chart;
mod concept;
mod conflict;
mod desk;
mod first;
mod life;
mod medicine;
mod name;
mod number;
mod organisation;
mod person;
mod place;
mod plant;
mod record;

pub use calendar::REFERENCE;
pub use concept::{ACT_CODE, CONFIDENTIALITY, DMD, HANDLING, ICD10, LOINC, SNOMED};
pub use conflict::{Conflict, Overlap};
pub use number::CAPACITY;
pub use organisation::{
    AMBULANCE, COBNUT, COMMUNITY, DEMO, EAST_KENT, HOPFIELD, MEDWAY_PIER, MENTAL_HEALTH, OASTHOUSE, ORGANISATIONS,
    Organisation, SOCIAL_CARE, WEST_KENT, sections_held,
};
pub use person::{HeldIdentity, Holding, Person, people, person};
