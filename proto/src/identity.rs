//! The identity gate: is the person whom a source knows the one who was asked for?

use prost::Message as _;

use crate::{Malformed, Patient, bounded, limit, wire};

/// Who a source says a person is. `Debug` prints nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// NHS number as held.
    pub nhs_number: String,
    /// Birth date as held.
    pub birth_date: String,
    /// Every family name by which the source knows the person.
    pub family_names: Vec<String>,
}

/// Which of the three did not match. Says nothing of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityMismatch {
    /// The NHS numbers differ.
    #[error("the source holds another NHS number")]
    NhsNumber,
    /// The birth dates differ.
    #[error("the source holds another birth date")]
    BirthDate,
    /// No family name is similar.
    #[error("the source holds another family name")]
    FamilyName,
}

impl Identity {
    /// Decodes an identity block.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when it does not decode, or has more names than it may.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let block =
            wire::IdentityBlock::decode(bytes).map_err(|_| Malformed::new("identity", "an encoded IdentityBlock"))?;
        bounded::list("names", &block.names, limit::NAMES, "at most 64")?;
        Ok(Identity::of_block(&block))
    }

    /// What an identity block says.
    pub fn of_block(block: &wire::IdentityBlock) -> Self {
        Identity {
            nhs_number: block.nhs_number.clone(),
            birth_date: block.birth_date.clone(),
            family_names: block.names.iter().map(family_of).collect(),
        }
    }

    /// The gate: number and birth date equal, a family name similar.
    ///
    /// # Errors
    ///
    /// [`IdentityMismatch`] naming the first that differs.
    pub fn admits(&self, patient: &Patient) -> Result<(), IdentityMismatch> {
        if self.nhs_number != patient.nhs_number.expose() {
            return Err(IdentityMismatch::NhsNumber);
        }
        if self.birth_date != patient.birth_date.expose() {
            return Err(IdentityMismatch::BirthDate);
        }
        if !self.family_names.iter().any(|name| similar(name, patient.family_name.expose())) {
            return Err(IdentityMismatch::FamilyName);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// The family name, or the last word of a name that is written as a whole only.
fn family_of(name: &wire::HumanName) -> String {
    if name.family.is_empty() {
        name.text.split_whitespace().last().unwrap_or_default().to_owned()
    } else {
        name.family.clone()
    }
}

/// Equal when case, accents and punctuation are left aside, or one is a whole part of the other
/// ("Smith" and "Smith-Jones").
fn similar(one: &str, other: &str) -> bool {
    let (one, other) = (words(one), words(other));
    if one.is_empty() || other.is_empty() {
        return false;
    }
    if one.concat() == other.concat() {
        return true;
    }
    let (short, long) = if one.len() <= other.len() { (&one, &other) } else { (&other, &one) };
    long.len() <= LONGEST
        && short.iter().any(|word| word.chars().count() >= 2 && !PARTICLES.contains(&word.as_str()))
        && long.windows(short.len()).any(|run| run == short.as_slice())
}

/// Words of the longest name of which a part may stand for the whole: a longer one is a list of guesses.
const LONGEST: usize = 5;

/// Words that many names share, which stand for none of them.
const PARTICLES: [&str; 27] = [
    "al", "ap", "ben", "bin", "da", "dal", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "ibn",
    "la", "le", "mac", "mc", "san", "st", "ter", "van", "von", "y",
];

/// The words of a name: lower case, without accents and apostrophes, split at anything else.
fn words(name: &str) -> Vec<String> {
    let folded: String = name
        .chars()
        .filter(|c| !matches!(c, '\'' | '\u{2019}' | '`' | '.'))
        .flat_map(char::to_lowercase)
        .map(unaccented)
        .collect();
    folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The plain letter under a common Latin accent.
fn unaccented(c: char) -> char {
    match c {
        '\u{e0}'..='\u{e5}' | '\u{101}' | '\u{103}' | '\u{105}' => 'a',
        '\u{e7}' | '\u{107}' | '\u{10d}' => 'c',
        '\u{e8}'..='\u{eb}' | '\u{113}' | '\u{119}' | '\u{11b}' => 'e',
        '\u{ec}'..='\u{ef}' | '\u{12b}' | '\u{131}' => 'i',
        '\u{f1}' | '\u{144}' | '\u{148}' => 'n',
        '\u{f2}'..='\u{f6}' | '\u{f8}' | '\u{14d}' | '\u{151}' => 'o',
        '\u{f9}'..='\u{fc}' | '\u{16b}' | '\u{16f}' | '\u{171}' => 'u',
        '\u{fd}' | '\u{ff}' => 'y',
        '\u{15b}' | '\u{161}' => 's',
        '\u{17a}' | '\u{17c}' | '\u{17e}' => 'z',
        '\u{142}' => 'l',
        '\u{11f}' => 'g',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BirthDate, FamilyName, NhsNumber};

    fn patient(family: &str) -> Patient {
        Patient {
            nhs_number: NhsNumber::parse("9990000018").unwrap(),
            birth_date: BirthDate::parse("1950-04-01").unwrap(),
            family_name: FamilyName::parse(family).unwrap(),
        }
    }

    fn identity(family: &str) -> Identity {
        Identity { nhs_number: "9990000018".into(), birth_date: "1950-04-01".into(), family_names: vec![family.into()] }
    }

    #[test]
    fn spellings_of_one_name_pass_the_gate() {
        for (held, asked) in [
            ("Okafor", "OKAFOR"),
            ("O'Brien", "OBrien"),
            ("Müller", "Muller"),
            ("Smith-Jones", "Smith"),
            ("Smith", "Smith Jones"),
            ("van der Berg", "Van Der Berg"),
            ("St. John", "St John"),
        ] {
            assert_eq!(identity(held).admits(&patient(asked)), Ok(()), "{held} / {asked}");
        }
    }

    #[test]
    fn other_names_numbers_and_dates_do_not() {
        assert_eq!(identity("Okafor").admits(&patient("Smith")), Err(IdentityMismatch::FamilyName));
        assert_eq!(identity("Smithson").admits(&patient("Smith")), Err(IdentityMismatch::FamilyName));
        assert_eq!(identity("").admits(&patient("Smith")), Err(IdentityMismatch::FamilyName));
        assert_eq!(identity("van der Berg").admits(&patient("Van")), Err(IdentityMismatch::FamilyName));
        let guesses = patient("Smith Jones Brown Taylor Wilson Davies Evans");
        assert_eq!(identity("Taylor").admits(&guesses), Err(IdentityMismatch::FamilyName));
        let mut other = identity("Smith");
        other.birth_date = "1950-04-02".into();
        assert_eq!(other.admits(&patient("Smith")), Err(IdentityMismatch::BirthDate));
        other.nhs_number = "9990000026".into();
        assert_eq!(other.admits(&patient("Smith")), Err(IdentityMismatch::NhsNumber));
    }
}
