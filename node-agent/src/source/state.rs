//! What a section amounts to at one source: the rule that stops silent absence (domain rules, section state).

use weald_proto::{Section, SectionState, UnavailableCause, wire};

use super::negation::{self, Standing};
use crate::store::SectionReading;

/// What a source says of a section besides its items. Ordered from the boldest to the most cautious,
/// so that the greatest of several holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// Nothing is recorded (`no-content-recorded`).
    NoneRecorded,
    /// A clinician recorded that there are none (`nilknown`).
    AssertedNone,
    /// The source has no information, or did not ask (`unavailable`, `notasked`, `notstarted`, `closed`).
    NoInformation,
    /// Something here could not be read, and may be this person's.
    Unreadable,
    /// Something is withheld (`withheld`).
    Withheld,
}

/// The reading of a section: its items, and what they and the source's words make of it.
///
/// No reading says "none", or "this is all", while anything of the source could not be read: what
/// was read of the section is kept, and the section is unavailable.
pub(crate) fn reading(section: Section, mut items: Vec<wire::Item>, word: Option<Word>) -> SectionReading {
    items.iter_mut().for_each(|item| negation::mark(section, item));
    let (state, cause) = match (claim(section, &items), word) {
        (_, Some(Word::Withheld)) => (SectionState::Withheld, None),
        (_, Some(Word::Unreadable)) => unavailable(UnavailableCause::SourceError),
        (Some(Standing::Positive | Standing::NoneOfAKind), _) => (SectionState::Present, None),
        (Some(Standing::NoInformation), _) | (None, Some(Word::NoInformation)) => {
            unavailable(UnavailableCause::NoInformation)
        }
        (Some(Standing::NoneAtAll), _) | (None, Some(Word::AssertedNone)) => (SectionState::AssertedNone, None),
        (None, Some(Word::NoneRecorded) | None) => (SectionState::NoneRecorded, None),
    };
    SectionReading { state, cause, items }
}

/// The reading of a section that the local system failed to give, with what it gave before.
pub(crate) fn failed(items: Vec<wire::Item>) -> SectionReading {
    let (state, cause) = unavailable(UnavailableCause::SourceError);
    SectionReading { state, cause, items }
}

/// The reading of a section that the local system never holds.
pub(crate) fn not_held() -> SectionReading {
    SectionReading { state: SectionState::NotHeld, cause: None, items: Vec::new() }
}

/// What the items together say of the section. Items entered in error are kept and say nothing,
/// unless there are no others.
fn claim(section: Section, items: &[wire::Item]) -> Option<Standing> {
    let of = |errors: bool| {
        items
            .iter()
            .filter(move |item| item.entered_in_error == errors)
            .map(move |item| negation::standing(section, item))
            .reduce(bolder)
    };
    of(false).or_else(|| of(true).map(|_| Standing::Positive))
}

/// Something positive beats every negation; a whole negation beats "no information".
fn bolder(one: Standing, other: Standing) -> Standing {
    let rank = |standing| match standing {
        Standing::NoInformation => 0,
        Standing::NoneAtAll => 1,
        Standing::NoneOfAKind => 2,
        Standing::Positive => 3,
    };
    if rank(other) > rank(one) { other } else { one }
}

fn unavailable(cause: UnavailableCause) -> (SectionState, Option<UnavailableCause>) {
    (SectionState::Unavailable, Some(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECTION: Section = Section::Allergies;

    fn item(code: &str) -> wire::Item {
        let system = "http://snomed.info/sct".to_owned();
        wire::Item {
            codes: vec![wire::Coding { system, code: code.into(), display: String::new() }],
            ..Default::default()
        }
    }

    fn state(codes: &[&str], word: Option<Word>) -> (SectionState, Option<UnavailableCause>) {
        let reading = reading(SECTION, codes.iter().map(|code| item(code)).collect(), word);
        assert_eq!(reading.items.len(), codes.len(), "no item is lost");
        (reading.state, reading.cause)
    }

    #[test]
    fn an_empty_section_is_none_recorded_unless_somebody_says_otherwise() {
        assert_eq!(state(&[], None).0, SectionState::NoneRecorded);
        assert_eq!(state(&[], Some(Word::AssertedNone)).0, SectionState::AssertedNone);
        assert_eq!(state(&[], Some(Word::Withheld)).0, SectionState::Withheld);
        assert_eq!(state(&[], Some(Word::NoInformation)), unavailable(UnavailableCause::NoInformation));
    }

    #[test]
    fn what_could_not_be_read_is_never_none() {
        assert_eq!(state(&[], Some(Word::Unreadable)), unavailable(UnavailableCause::SourceError));
        assert_eq!(state(&["716186003"], Some(Word::Unreadable)), unavailable(UnavailableCause::SourceError));
    }

    #[test]
    fn a_section_that_was_read_in_part_is_unavailable_and_keeps_what_was_read() {
        for codes in [&["91936005"][..], &["429625007"], &["716186003", "91936005"]] {
            assert_eq!(state(codes, Some(Word::Unreadable)), unavailable(UnavailableCause::SourceError));
        }
        assert_eq!(state(&["91936005"], Some(Word::NoInformation)).0, SectionState::Present);
    }

    #[test]
    fn a_negation_that_no_longer_holds_is_no_information_and_denies_nothing() {
        let ended = wire::Item { status: "resolved".into(), ..item("716186003") };
        let alone = reading(SECTION, vec![ended.clone()], Some(Word::AssertedNone));
        assert_eq!((alone.state, alone.cause), unavailable(UnavailableCause::NoInformation));
        assert_eq!(alone.items.len(), 1, "it is kept");
        assert_eq!(reading(SECTION, vec![ended.clone(), item("91936005")], None).state, SectionState::Present);
        assert_eq!(reading(SECTION, vec![ended, item("716186003")], None).state, SectionState::AssertedNone);
    }

    #[test]
    fn a_negation_never_beats_an_item_and_a_partial_one_asserts_nothing_of_the_whole() {
        assert_eq!(state(&["716186003"], None).0, SectionState::AssertedNone);
        assert_eq!(state(&["716186003", "91936005"], None).0, SectionState::Present);
        assert_eq!(state(&["716186003", "429625007"], None).0, SectionState::Present);
        assert_eq!(state(&["1287211007"], None), unavailable(UnavailableCause::NoInformation));
        assert_eq!(state(&["1287211007", "716186003"], None).0, SectionState::AssertedNone);
    }

    #[test]
    fn an_item_entered_in_error_does_not_contradict_a_negation() {
        let wrong = wire::Item { entered_in_error: true, ..item("91936005") };
        assert_eq!(reading(SECTION, vec![wrong.clone(), item("716186003")], None).state, SectionState::AssertedNone);
        assert_eq!(reading(SECTION, vec![wrong], None).state, SectionState::Present);
    }
}
