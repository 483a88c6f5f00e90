//! What a section amounts to over all organisations, and when silence may be called "none".
//!
//! The rule that stops silent absence (domain rules, "section state"): "none recorded" needs the
//! word of *every* expected organisation. Broker and client compute it with this one function.

use std::collections::BTreeSet;

use crate::closed::closed_enum;
use crate::{Malformed, OdsCode, Outcome, Section, SectionState, Statement, bounded, limit, wire};

closed_enum!(
    /// What a section amounts to.
    RolledState, "state", {
        /// There are items.
        Present = "present",
        /// Every expected organisation answered, none has items, at least one asserts none.
        AssertedNone = "asserted_none",
        /// Every expected organisation answered and has nothing recorded.
        NoneRecorded = "none_recorded",
        /// No items, and it cannot be said that there are none.
        Unknown = "unknown",
        /// Nobody was asked.
        NotAsked = "not_asked",
    }
);

/// How complete one section is, and what it amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completeness {
    /// The section.
    pub section: Section,
    /// What it amounts to.
    pub state: RolledState,
    /// Organisations whose word it needs.
    pub expected: BTreeSet<OdsCode>,
    /// Those of them that gave it.
    pub answered: BTreeSet<OdsCode>,
    /// Those of them that say that something is withheld.
    pub withheld: BTreeSet<OdsCode>,
    /// Those of them that have nothing to show to this requester: nothing, or nothing that may be told.
    pub nothing_to_show: BTreeSet<OdsCode>,
}

/// What one organisation's word means for one section.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Items, all of them.
    Items,
    /// Items, but not all, or not sure.
    SomeItems,
    /// None, asserted.
    Asserted,
    /// None.
    Empty,
    /// Withheld, with or without other items.
    Withheld { items: bool },
    /// Nothing to show.
    NothingToShow,
    /// No word.
    Silent,
}

impl Word {
    fn of(section: Section, statement: Option<&Statement>) -> Word {
        let Some(statement) = statement else { return Word::Silent };
        match statement.outcome {
            Outcome::NotKnownHere => return Word::Empty,
            Outcome::Answered => {}
            _ => return Word::Silent,
        }
        let Some(stated) = statement.sections.get(&section) else { return Word::Silent };
        let items = stated.item_count > 0;
        match stated.state {
            SectionState::Present if stated.cut_items > 0 => Word::SomeItems,
            SectionState::Present => Word::Items,
            SectionState::AssertedNone => Word::Asserted,
            SectionState::NoneRecorded => Word::Empty,
            SectionState::Withheld => Word::Withheld { items },
            SectionState::NothingToShow => Word::NothingToShow,
            SectionState::InTransit | SectionState::Stale | SectionState::Unavailable if items => Word::SomeItems,
            // The register says that an expected organisation holds the section: one that says it never
            // does contradicts it, and nothing follows from that.
            SectionState::NotHeld
            | SectionState::InTransit
            | SectionState::Stale
            | SectionState::Unavailable
            | SectionState::NotAsked => Word::Silent,
        }
    }

    fn has_items(self) -> bool {
        matches!(self, Word::Items | Word::SomeItems | Word::Withheld { items: true })
    }

    fn is_answer(self) -> bool {
        !matches!(self, Word::SomeItems | Word::Silent)
    }
}

impl Completeness {
    /// Rolls a section up from what each expected organisation stated; `stated` gives nothing for
    /// one that did not speak.
    pub fn roll_up<'a>(
        section: Section,
        expected: &BTreeSet<OdsCode>,
        stated: impl Fn(&OdsCode) -> Option<&'a Statement>,
    ) -> Self {
        let words: Vec<(&OdsCode, Word)> =
            expected.iter().map(|organisation| (organisation, Word::of(section, stated(organisation)))).collect();
        let those = |is: &dyn Fn(Word) -> bool| -> BTreeSet<OdsCode> {
            words.iter().filter(|(_, word)| is(*word)).map(|(organisation, _)| (*organisation).clone()).collect()
        };
        let every = |is: &dyn Fn(Word) -> bool| words.iter().all(|(_, word)| is(*word));
        let none = |word: Word| matches!(word, Word::Asserted | Word::Empty);
        let state = if words.is_empty() {
            RolledState::NotAsked
        } else if words.iter().any(|(_, word)| word.has_items()) {
            RolledState::Present
        } else if every(&none) && words.iter().any(|(_, word)| *word == Word::Asserted) {
            RolledState::AssertedNone
        } else if every(&none) {
            RolledState::NoneRecorded
        } else {
            RolledState::Unknown
        };
        Completeness {
            section,
            state,
            expected: expected.clone(),
            answered: those(&Word::is_answer),
            withheld: those(&|word| matches!(word, Word::Withheld { .. })),
            nothing_to_show: those(&|word| word == Word::NothingToShow),
        }
    }

    /// True if every expected organisation gave its full word, and nothing is held back.
    pub fn is_complete(&self) -> bool {
        !self.expected.is_empty()
            && self.answered == self.expected
            && self.withheld.is_empty()
            && self.nothing_to_show.is_empty()
    }

    /// For a message.
    pub fn to_wire(&self) -> wire::SectionCompleteness {
        let codes = |set: &BTreeSet<OdsCode>| set.iter().map(OdsCode::to_string).collect();
        wire::SectionCompleteness {
            section: self.section.to_wire(),
            state: self.state.to_wire(),
            expected: codes(&self.expected),
            answered: codes(&self.answered),
            withheld: codes(&self.withheld),
            nothing_to_show: codes(&self.nothing_to_show),
        }
    }

    /// Parses a message.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for an unknown section, state or organisation.
    pub fn from_wire(wire: &wire::SectionCompleteness) -> Result<Self, Malformed> {
        let parse = |field, codes: &[String]| -> Result<BTreeSet<OdsCode>, Malformed> {
            bounded::list(field, codes, limit::MEMBERS, "at most 10000")?;
            codes.iter().map(|code| OdsCode::parse(code)).collect()
        };
        Ok(Completeness {
            section: Section::from_wire(wire.section)?,
            state: RolledState::from_wire(wire.state)?,
            expected: parse("expected", &wire.expected)?,
            answered: parse("answered", &wire.answered)?,
            withheld: parse("withheld", &wire.withheld)?,
            nothing_to_show: parse("nothing_to_show", &wire.nothing_to_show)?,
        })
    }
}
