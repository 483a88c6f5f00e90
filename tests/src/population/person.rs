//! One synthetic person and every organisation's holding.

use std::collections::BTreeMap;
use std::fmt;

use weald_proto::wire::{HumanName, Identifier, Item};
use weald_proto::{BirthDate, FamilyName, Malformed, NhsNumber, Patient, Section};

use super::chance::Chance;
use super::conflict::{Conflict, Overlap};
use super::desk::Desk;
use super::life::{self, Life};
use super::organisation::Organisation;
use super::record::{self, Particulars};
use super::{calendar, first, name, plant};

/// People of this index and above may be known under a wrong birth date somewhere.
const FIRST_MISTAKEN: u32 = 10;

/// A synthetic person. `Debug` prints the index only.
#[derive(Clone, PartialEq)]
pub struct Person {
    /// Place in the population.
    pub index: u32,
    /// Who the person truly is.
    pub identity: HeldIdentity,
    /// Administrative gender: `female` or `male`.
    pub gender: &'static str,
    /// What each organisation that knows them holds; at least two.
    pub holdings: Vec<Holding>,
    /// The conflicts planted in the holdings, in order, each once.
    pub conflicts: Vec<Conflict>,
    /// The overlaps planted in the holdings, in order, each once.
    pub overlaps: Vec<Overlap>,
}

/// What one organisation holds of a person. `Debug` prints the organisation only.
#[derive(Clone, PartialEq)]
pub struct Holding {
    /// The organisation.
    pub organisation: &'static Organisation,
    /// The person's identifier in the organisation's own namespace.
    pub local_id: Identifier,
    /// Who the organisation believes the person to be.
    pub identity: HeldIdentity,
    /// The items of each section that has any; `demographics` always has one, which repeats the identity.
    pub sections: BTreeMap<Section, Vec<Item>>,
}

/// Who somebody is, as one system has it. `Debug` prints nothing of it.
#[derive(Clone, PartialEq)]
pub struct HeldIdentity {
    /// Ten digits with a correct check digit.
    pub nhs_number: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// The name.
    pub name: HumanName,
}

impl HeldIdentity {
    /// The patient whom a requester would ask for.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if number, date or name do not parse; those of the population do.
    pub fn patient(&self) -> Result<Patient, Malformed> {
        Ok(Patient {
            nhs_number: NhsNumber::parse(&self.nhs_number)?,
            birth_date: BirthDate::parse(&self.birth_date)?,
            family_name: FamilyName::parse(&self.name.family)?,
        })
    }
}

impl Person {
    /// What an organisation, by ODS code, holds of the person; nothing if it does not know them.
    pub fn holding(&self, ods: &str) -> Option<&Holding> {
        self.holdings.iter().find(|holding| holding.organisation.ods == ods)
    }

    /// The organisations that hold another birth date, so that the identity gate shuts there.
    pub fn mismatches(&self) -> impl Iterator<Item = &Holding> {
        self.holdings.iter().filter(|holding| holding.identity.birth_date != self.identity.birth_date)
    }
}

/// Person `index` of the population `seed`: always the same, on any machine.
///
/// Person 0 is the demo's patient. Persons 0 to 9 are known everywhere under their true identity.
pub fn person(seed: u64, index: u32) -> Person {
    let mut chance = Chance::of(seed, index);
    let mut life = if index == 0 { first::life() } else { life::live(&mut chance, index) };
    let planted = if index == 0 { first::planted() } else { plant::plant(&mut chance, &mut life) };
    life.begin_at_birth();
    let mut holdings: Vec<Holding> =
        life.known_at.iter().map(|(organisation, chart)| hold(organisation, chart, &life, index)).collect();
    if index >= FIRST_MISTAKEN {
        mistake(&mut chance, &life, &mut holdings);
    }
    plant::supersede(&mut holdings, &planted.overlaps);
    Person {
        index,
        identity: identity(&life.particulars),
        gender: life.particulars.gender,
        holdings,
        conflicts: planted.conflicts,
        overlaps: planted.overlaps,
    }
}

/// Persons `0..count` of the population `seed`, one after the other.
pub fn people(seed: u64, count: u32) -> impl Iterator<Item = Person> {
    (0..count).map(move |index| person(seed, index))
}

fn hold(organisation: &'static Organisation, chart: &super::chart::Chart, life: &Life, index: u32) -> Holding {
    let mut desk = Desk::new(organisation, index);
    let mut sections = record::write(&mut desk, chart);
    sections.insert(Section::Demographics, vec![record::demographics(&desk, &life.particulars)]);
    Holding {
        organisation,
        local_id: Identifier { system: organisation.local_system.into(), value: desk.local_id().into() },
        identity: identity(&life.particulars),
        sections,
    }
}

/// Gives some holdings another spelling of the name, and a few another birth date.
fn mistake(chance: &mut Chance, life: &Life, holdings: &mut [Holding]) {
    let index = holdings.len().saturating_sub(1);
    for holding in holdings.iter_mut().skip(1) {
        if chance.percent(25) {
            holding.identity.name = name::variant(chance, &life.particulars.name);
        }
    }
    if chance.percent(2) {
        let born = calendar::later(life.born, i64::from(chance.between(1, 20)));
        if let Some(holding) = holdings.get_mut(index) {
            holding.identity.birth_date = born.to_string();
        }
    }
    for holding in holdings {
        repeat_identity(holding);
    }
}

/// The demographics say what the identity says.
fn repeat_identity(holding: &mut Holding) {
    let items = holding.sections.get_mut(&Section::Demographics);
    for item in items.into_iter().flatten() {
        item.text.clone_from(&holding.identity.name.text);
        if let Some(weald_proto::wire::item::Detail::Demographics(detail)) = &mut item.detail {
            detail.birth_date.clone_from(&holding.identity.birth_date);
            detail.names = vec![holding.identity.name.clone()];
        }
    }
}

fn identity(known: &Particulars) -> HeldIdentity {
    HeldIdentity {
        nhs_number: known.nhs_number.clone(),
        birth_date: known.birth_date.clone(),
        name: known.name.clone(),
    }
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.index)
    }
}

impl fmt::Debug for Holding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Holding({})", self.organisation.ods)
    }
}

impl fmt::Debug for HeldIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldIdentity(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use sha2::{Digest as _, Sha256};

    use super::*;
    use crate::population::sections_held;

    fn digest(seed: u64) -> Vec<u8> {
        let mut hasher = Sha256::new();
        for person in people(seed, 50) {
            for holding in &person.holdings {
                hasher.update(holding.organisation.ods);
                hasher.update(&holding.identity.birth_date);
                for item in holding.sections.values().flatten() {
                    hasher.update(item.encode_to_vec());
                }
            }
        }
        hasher.finalize().to_vec()
    }

    #[test]
    fn a_person_is_always_the_same_and_another_seed_gives_another() {
        assert_eq!(digest(1), digest(1));
        assert_ne!(digest(1), digest(2));
    }

    #[test]
    fn everybody_is_known_to_two_organisations_and_can_be_asked_for() {
        for person in people(1, 2_000) {
            assert!(person.holdings.len() >= 2, "{person:?}");
            assert!(person.identity.patient().is_ok(), "{person:?}");
            let holders: BTreeSet<_> = person.holdings.iter().map(|holding| holding.organisation.ods).collect();
            assert_eq!(holders.len(), person.holdings.len(), "{person:?}");
        }
    }

    #[test]
    fn every_section_occurs_and_only_where_its_kind_of_organisation_holds_it() {
        let mut seen = BTreeSet::new();
        for person in people(1, 2_000) {
            for holding in &person.holdings {
                for (section, items) in &holding.sections {
                    assert!(!items.is_empty());
                    assert!(sections_held(holding.organisation.kind).contains(section), "{section} at {holding:?}");
                    seen.insert(*section);
                }
            }
        }
        assert_eq!(seen.len(), Section::ALL.len());
    }

    #[test]
    fn a_few_are_known_under_another_birth_date_but_none_of_the_first_ten() {
        let mistaken: Vec<u32> =
            people(1, 2_000).filter(|person| person.mismatches().count() > 0).map(|person| person.index).collect();
        assert!((20..100).contains(&mistaken.len()), "{}", mistaken.len());
        assert!(mistaken.iter().all(|index| *index >= FIRST_MISTAKEN));
    }

    #[test]
    fn a_name_held_differently_still_passes_the_identity_gate() {
        let mut differing = 0;
        for person in people(1, 500) {
            let patient = person.identity.patient().unwrap();
            for holding in &person.holdings {
                let held = weald_proto::Identity {
                    nhs_number: holding.identity.nhs_number.clone(),
                    birth_date: holding.identity.birth_date.clone(),
                    family_names: vec![holding.identity.name.family.clone()],
                };
                let is_mismatch = holding.identity.birth_date != person.identity.birth_date;
                assert_eq!(held.admits(&patient).is_err(), is_mismatch, "{person:?} at {holding:?}");
                differing += u32::from(holding.identity.name != person.identity.name);
            }
        }
        assert!(differing > 100, "{differing}");
    }

    #[test]
    fn no_record_is_dated_before_birth() {
        for person in people(1, 2_000) {
            for item in person.holdings.iter().flat_map(|holding| holding.sections.values().flatten()) {
                for date in [&item.effective_start, &item.recorded_at] {
                    assert!(
                        date.is_empty() || *date >= person.identity.birth_date,
                        "{person:?} {}",
                        item.source_record_id
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_person_is_known_widely_and_their_records_disagree() {
        let first = person(1, 0);
        assert_eq!(first, person(99, 0), "the demo's patient does not depend on the seed");
        assert_eq!(first.holdings.len(), 7);
        let sections: BTreeSet<_> = first.holdings.iter().flat_map(|holding| holding.sections.keys()).collect();
        assert!(sections.len() >= 18, "{}", sections.len());
        assert!(first.conflicts.contains(&Conflict::AllergyAgainstNone));
    }
}
