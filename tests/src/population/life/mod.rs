//! A life: who somebody is, which organisations know them, and what each has on its chart.

pub(crate) mod illness;
pub(crate) mod services;

use jiff::civil::Date;
use weald_proto::OrganisationKind;
use weald_proto::wire::Telecom;

use super::chance::Chance;
use super::chart::Chart;
use super::concept::Concept;
use super::organisation::{
    AMBULANCE, COBNUT, COMMUNITY, EAST_KENT, HOPFIELD, MEDWAY_PIER, MENTAL_HEALTH, OASTHOUSE, Organisation,
    SOCIAL_CARE, WEST_KENT,
};
use super::record::Particulars;
use super::{calendar, name, number, place};

/// One person with every organisation's chart; the registered practice comes first.
pub(crate) struct Life {
    pub(crate) particulars: Particulars,
    pub(crate) born: Date,
    pub(crate) age: i64,
    pub(crate) known_at: Vec<(&'static Organisation, Chart)>,
}

impl Life {
    /// The chart of the first organisation of a kind.
    pub(crate) fn chart(&mut self, kind: OrganisationKind) -> Option<&mut Chart> {
        self.known_at.iter_mut().find(|(organisation, _)| organisation.kind == kind).map(|(_, chart)| chart)
    }

    /// True if an organisation of a kind knows the person.
    pub(crate) fn is_known_to(&self, kind: OrganisationKind) -> bool {
        self.known_at.iter().any(|(organisation, _)| organisation.kind == kind)
    }

    /// Leaves nothing on any chart that is older than the person.
    pub(crate) fn begin_at_birth(&mut self) {
        let oldest = calendar::days_since(self.born);
        self.known_at.iter_mut().for_each(|(_, chart)| chart.begin_at_birth(oldest));
    }

    /// True below the age of eighteen.
    pub(crate) fn is_child(&self) -> bool {
        self.age < 18
    }
}

/// Lives the life of a person.
pub(crate) fn live(chance: &mut Chance, index: u32) -> Life {
    let mut life = be_born(chance, index);
    meet(chance, &mut life);
    illness::befall(chance, &mut life);
    services::serve(chance, &mut life, index);
    life
}

fn be_born(chance: &mut Chance, index: u32) -> Life {
    let years = match chance.below(100) {
        0..20 => chance.between(0, 17),
        20..72 => chance.between(18, 74),
        _ => chance.between(75, 104),
    };
    let born = calendar::day_before(i64::from(years) * 365 + i64::from(chance.between(30, 360)));
    let age = calendar::age_of(born);
    let is_woman = chance.percent(51);
    let title = match (is_woman, age < 16) {
        (true, true) => "Miss",
        (true, false) => "Ms",
        (false, true) => "Master",
        (false, false) => "Mr",
    };
    let practice = match chance.below(100) {
        0..45 => &HOPFIELD,
        45..90 => &OASTHOUSE,
        90..95 => &COBNUT,
        _ => &MEDWAY_PIER,
    };
    let particulars = Particulars {
        nhs_number: number::digits(index),
        name: name::official(chance, is_woman, title),
        birth_date: born.to_string(),
        gender: if is_woman { "female" } else { "male" },
        address: place::address(chance),
        telecoms: telecoms(chance),
        ethnic_category: chance.pick(ETHNIC_CATEGORIES),
        language: chance.pick(LANGUAGES),
        marital_status: if age < 18 { "" } else { chance.pick(MARITAL_STATUSES) },
        practice,
        is_hidden: index >= 10 && chance.below(200) == 0,
    };
    Life { particulars, born, age, known_at: vec![(practice, Chart::default())] }
}

/// Gets known to organisations; to a hospital at least.
fn meet(chance: &mut Chance, life: &mut Life) {
    let is_old = life.age >= 75;
    let (near, far) = if chance.percent(55) { (&EAST_KENT, &WEST_KENT) } else { (&WEST_KENT, &EAST_KENT) };
    let odds: [(&'static Organisation, u32); 6] = [
        (near, 88),
        (far, 10),
        (&COMMUNITY, if is_old { 60 } else { 25 }),
        (&MENTAL_HEALTH, if life.age >= 8 { 17 } else { 0 }),
        (&SOCIAL_CARE, if is_old { 40 } else { 20 }),
        (&AMBULANCE, if is_old { 40 } else { 12 }),
    ];
    for (organisation, percent) in odds {
        if chance.percent(percent) {
            life.known_at.push((organisation, Chart::default()));
        }
    }
    if life.known_at.len() == 1 {
        life.known_at.push((near, Chart::default()));
    }
}

/// Numbers of the range that is kept for fiction, addresses of the domain that is kept for examples.
pub(crate) fn telecoms(chance: &mut Chance) -> Vec<Telecom> {
    let telecom =
        |system: &str, value: String, r#use: &str| Telecom { system: system.into(), value, r#use: r#use.into() };
    let mut telecoms = vec![telecom("phone", format!("07700 900{:03}", chance.below(1000)), "mobile")];
    if chance.percent(50) {
        telecoms.push(telecom("phone", format!("01632 960{:03}", chance.between(200, 999)), "home"));
    }
    if chance.percent(40) {
        telecoms.push(telecom("email", format!("person{}@weald.example", chance.below(1_000_000)), "home"));
    }
    telecoms
}

const LANGUAGES: &[&str] = &["en", "en", "en", "en", "pl", "pa", "vi", "ne", "cy"];

const MARITAL_STATUSES: &[&str] = &["Married", "Single", "Widowed", "Divorced", "Civil partner"];

const fn ethnic(code: &'static str, display: &'static str) -> Concept {
    Concept { system: "https://fhir.hl7.org.uk/CodeSystem/UKCore-EthnicCategoryEngland", code, display }
}

/// The British category of person 0, and one of the commonest.
pub(crate) const WHITE_BRITISH: Concept = ethnic("A", "White - British");

const ETHNIC_CATEGORIES: &[Concept] = &[
    WHITE_BRITISH,
    WHITE_BRITISH,
    WHITE_BRITISH,
    ethnic("C", "White - Any other White background"),
    ethnic("G", "Mixed - Any other mixed background"),
    ethnic("H", "Asian or Asian British - Indian"),
    ethnic("N", "Black or Black British - African"),
    ethnic("Z", "Not stated"),
];
