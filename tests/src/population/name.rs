//! Names of synthetic people: as mixed as Kent and Medway are, with the spellings that trip systems.

use weald_proto::wire::HumanName;

use super::chance::Chance;

const FAMILIES: &[&str] = &[
    "Testwright",
    "O'Sample",
    "Hopkiln",
    "Fict-Jones",
    "Mockford",
    "Oastler",
    "Nkemelu",
    "Okonkwo-Demo",
    "D'Exemple",
    "Singhdemo",
    "Kaurtest",
    "Nguyễn",
    "Żółkiewska",
    "Müllerson",
    "O'Fiction",
    "van der Mock",
    "St. Imaginary",
    "Hernández-Prueba",
    "Patelson",
    "Rahmanov",
    "Ożarowski",
    "Chaudhry",
    "Begumsey",
    "Adébáyò",
    "Wealdman",
    "Thanetson",
    "Romneymarsh",
    "Sheppey",
    "Whitstable-Test",
    "Medwaite",
    "Swalecliffe",
    "Isle",
    "Gårdsson",
    "Łabędź",
    "Ionescu",
    "Ramsgate-Ito",
    "Yılmazer",
    "Tharoorian",
    "McPretend",
    "Fitzmock",
];

const WOMEN: &[&str] = &[
    "Edna",
    "Maureen",
    "Siân",
    "Zoë",
    "Renée",
    "Gurpreet",
    "Ngozi",
    "Aoife",
    "Chloë",
    "Małgorzata",
    "Fatima",
    "Priya",
    "Dorothy",
    "Mary-Ann",
    "Olivia",
    "Amelia",
    "Isla",
    "Thùy",
    "Yetunde",
    "Beryl",
];

const MEN: &[&str] = &[
    "Albert",
    "Stanley",
    "José",
    "Seán",
    "Harjit",
    "Chukwuemeka",
    "Paweł",
    "Mohammed",
    "Arthur",
    "Jean-Luc",
    "Noah",
    "Oliver",
    "Rhys",
    "Tùng",
    "Øyvind",
    "Kwame",
    "Reginald",
    "Dilip",
    "Tadeusz",
    "Leo",
];

/// A person's official name.
pub(crate) fn official(chance: &mut Chance, is_woman: bool, title: &str) -> HumanName {
    let given = given(chance, is_woman);
    let mut names = vec![given.to_owned()];
    if chance.percent(40) {
        names.push(self::given(chance, is_woman).to_owned());
    }
    whole(title, names, chance.pick(FAMILIES))
}

/// A given name.
pub(crate) fn given(chance: &mut Chance, is_woman: bool) -> &'static str {
    chance.pick(if is_woman { WOMEN } else { MEN })
}

/// A family name.
pub(crate) fn family(chance: &mut Chance) -> &'static str {
    chance.pick(FAMILIES)
}

/// A name put together from its parts.
pub(crate) fn whole(title: &str, given: Vec<String>, family: &str) -> HumanName {
    HumanName {
        r#use: "official".into(),
        text: format!("{title} {} {family}", given.join(" ")),
        family: family.into(),
        given,
        prefix: vec![title.into()],
    }
}

/// The same person's name as another system spells it: upper case, without accents or punctuation, or with
/// the first given name only. The family name stays similar enough for the identity gate.
pub(crate) fn variant(chance: &mut Chance, name: &HumanName) -> HumanName {
    let title = name.prefix.first().map_or("", String::as_str);
    let first: Vec<String> = name.given.first().cloned().into_iter().collect();
    match chance.below(3) {
        0 => whole(title, name.given.clone(), &name.family.to_uppercase()),
        1 => whole(title, first, &name.family.replace(['\'', '.'], "")),
        _ => whole(title, first, &name.family.replace('-', " ")),
    }
}
