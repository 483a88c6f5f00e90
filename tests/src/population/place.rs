//! Where synthetic people live: Kent and Medway towns, streets that do not exist.

use weald_proto::wire::Address;

use super::chance::Chance;

/// Town, county, and the outward half of its postcode.
const TOWNS: &[(&str, &str, &str)] = &[
    ("Canterbury", "Kent", "CT1"),
    ("Whitstable", "Kent", "CT5"),
    ("Margate", "Kent", "CT9"),
    ("Ramsgate", "Kent", "CT11"),
    ("Deal", "Kent", "CT14"),
    ("Dover", "Kent", "CT16"),
    ("Folkestone", "Kent", "CT19"),
    ("Ashford", "Kent", "TN23"),
    ("Tenterden", "Kent", "TN30"),
    ("Tunbridge Wells", "Kent", "TN1"),
    ("Sevenoaks", "Kent", "TN13"),
    ("Maidstone", "Kent", "ME14"),
    ("Faversham", "Kent", "ME13"),
    ("Sittingbourne", "Kent", "ME10"),
    ("Sheerness", "Kent", "ME12"),
    ("Chatham", "Medway", "ME4"),
    ("Gillingham", "Medway", "ME7"),
    ("Rochester", "Medway", "ME1"),
    ("Gravesend", "Kent", "DA12"),
    ("Dartford", "Kent", "DA1"),
];

const STREETS: &[&str] = &[
    "Imaginary Lane",
    "Fictional Close",
    "Sample Street",
    "Placeholder Road",
    "Invented Mews",
    "Mock Orchard Way",
    "Pretend Hill",
    "Example Terrace",
    "Test Kiln Row",
    "Nowhere Gardens",
];

/// An address. The inward half of the postcode ends in letters that postcodes never use.
pub(crate) fn address(chance: &mut Chance) -> Address {
    let (town, county, outward) = chance.pick(TOWNS);
    let line = format!("{} {}", chance.between(1, 180), chance.pick(STREETS));
    let postcode = format!("{outward} {}CV", chance.between(1, 9));
    Address {
        r#use: "home".into(),
        text: format!("{line}, {town}, {postcode}"),
        lines: vec![line],
        town: town.into(),
        county: county.into(),
        postcode,
        country: "GB".into(),
    }
}
