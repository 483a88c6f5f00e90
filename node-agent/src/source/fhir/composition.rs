//! What a Composition says of the sections that it holds nothing in (`emptyReason`).

use std::collections::BTreeMap;

use weald_proto::Section;

use super::super::state::Word;
use super::element::codings;
use super::json::Json;
use super::resource::Resource;

/// Section codes: LOINC, as IPS uses them; SNOMED CT, as GP lists use them; record standard headings.
/// A part of a section can be withheld or unavailable, but says nothing of "none" in the whole.
const SECTIONS: &[(&str, Section, Extent)] = &[
    ("48765-2", Section::Allergies, Extent::Whole),
    ("10160-0", Section::Medications, Extent::Whole),
    ("11450-4", Section::Conditions, Extent::Whole),
    ("11369-6", Section::Immunisations, Extent::Whole),
    ("30954-2", Section::Results, Extent::Whole),
    ("47519-4", Section::Procedures, Extent::Whole),
    ("42348-3", Section::AdvanceDirectives, Extent::Whole),
    ("104605-1", Section::Alerts, Extent::Whole),
    ("46240-8", Section::Encounters, Extent::Whole),
    ("18776-5", Section::CarePlans, Extent::Whole),
    ("11348-0", Section::Conditions, Extent::Part),
    ("8716-3", Section::Results, Extent::Part),
    ("29762-2", Section::Results, Extent::Part),
    ("10162-6", Section::Results, Extent::Part),
    ("886921000000105", Section::Allergies, Extent::Whole),
    ("1103671000000101", Section::Allergies, Extent::Part),
    ("933361000000108", Section::Medications, Extent::Whole),
    ("717711000000103", Section::Conditions, Extent::Whole),
    ("887191000000108", Section::Results, Extent::Whole),
    ("1102181000000102", Section::Immunisations, Extent::Whole),
    ("792931000000107", Section::Referrals, Extent::Whole),
    ("1149501000000101", Section::Encounters, Extent::Whole),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Part,
}

/// Adds what a Composition says to what others said: the most cautious word holds. Unless it
/// `is_certain` that the Composition is about this person, it only adds caution, and never says "none".
pub(crate) fn words_on_sections(composition: &Resource<'_>, is_certain: bool, words: &mut BTreeMap<Section, Word>) {
    for section in all_sections(composition.at("section")) {
        let codes = codings(section.at("code"));
        let known = SECTIONS.iter().find(|(code, _, _)| codes.iter().any(|coding| coding.code == *code));
        let Some((_, of, extent)) = known else { continue };
        let Some(word) = word(composition, section) else { continue };
        if (*extent == Extent::Whole && is_certain) || word > Word::AssertedNone {
            words.entry(*of).and_modify(|said| *said = word.max(*said)).or_insert(word);
        }
    }
}

/// The sections, and the sections within them.
fn all_sections(sections: &Json) -> Vec<&Json> {
    let nested = |section| [section].into_iter().chain(all_sections(Json::at(section, "section")));
    sections.list().iter().flat_map(nested).collect()
}

/// The word that a section's `emptyReason` stands for. A section that lists entries of which the
/// bundle holds none could not be read; a reason that nobody knows is no information.
fn word(composition: &Resource<'_>, section: &Json) -> Option<Word> {
    let reason = section.at("emptyReason");
    if reason.is_null() {
        let entries = section.at("entry").list();
        let is_missing = |entry: &Json| composition.find(entry).is_empty() && !entry.text_at("reference").is_empty();
        return (!entries.is_empty() && entries.iter().any(is_missing)).then_some(Word::Unreadable);
    }
    Some(match reason.text_at("coding.code").as_str() {
        "nilknown" => Word::AssertedNone,
        "no-content-recorded" => Word::NoneRecorded,
        "withheld" => Word::Withheld,
        _ => Word::NoInformation,
    })
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Bundle;
    use super::*;

    fn said(sections: &str) -> BTreeMap<Section, Word> {
        said_of(sections, true)
    }

    fn said_of(sections: &str, is_certain: bool) -> BTreeMap<Section, Word> {
        let text = format!(
            r#"{{"resourceType":"Bundle","type":"document","entry":[
                {{"resource":{{"resourceType":"Composition","id":"c","section":[{sections}]}}}},
                {{"resource":{{"resourceType":"Flag","id":"here"}}}}]}}"#
        );
        let bundle = Bundle::parse(text.as_bytes()).unwrap();
        let mut words = BTreeMap::new();
        words_on_sections(&Resource::all(&bundle).next().unwrap(), is_certain, &mut words);
        words
    }

    fn section(code: &str, rest: &str) -> String {
        format!(r#"{{"code":{{"coding":[{{"code":"{code}"}}]}},{rest}}}"#)
    }

    fn empty(code: &str, reason: &str) -> String {
        section(code, &format!(r#""emptyReason":{{"coding":[{{"code":"{reason}"}}]}}"#))
    }

    #[test]
    fn each_empty_reason_has_its_word() {
        for (reason, word) in [
            ("nilknown", Word::AssertedNone),
            ("no-content-recorded", Word::NoneRecorded),
            ("withheld", Word::Withheld),
            ("unavailable", Word::NoInformation),
            ("notasked", Word::NoInformation),
            ("notstarted", Word::NoInformation),
            ("closed", Word::NoInformation),
            ("gossip", Word::NoInformation),
        ] {
            assert_eq!(said(&empty("48765-2", reason)), BTreeMap::from([(Section::Allergies, word)]), "{reason}");
        }
    }

    #[test]
    fn the_most_cautious_of_several_words_holds() {
        let both = format!("{},{}", empty("48765-2", "nilknown"), empty("886921000000105", "withheld"));
        assert_eq!(said(&both), BTreeMap::from([(Section::Allergies, Word::Withheld)]));
    }

    #[test]
    fn a_part_asserts_nothing_of_the_whole_but_passes_caution_on() {
        assert!(said(&empty("8716-3", "nilknown")).is_empty());
        assert_eq!(said(&empty("8716-3", "unavailable")), BTreeMap::from([(Section::Results, Word::NoInformation)]));
    }

    #[test]
    fn a_composition_that_may_be_anothers_passes_caution_on_and_asserts_nothing() {
        assert!(said_of(&empty("48765-2", "nilknown"), false).is_empty());
        assert!(said_of(&empty("48765-2", "no-content-recorded"), false).is_empty());
        let withheld = BTreeMap::from([(Section::Allergies, Word::Withheld)]);
        assert_eq!(said_of(&empty("48765-2", "withheld"), false), withheld);
    }

    #[test]
    fn entries_that_the_bundle_does_not_hold_could_not_be_read() {
        let listing = |reference: &str| section("104605-1", &format!(r#""entry":[{{"reference":"{reference}"}}]"#));
        assert_eq!(said(&listing("Flag/gone")), BTreeMap::from([(Section::Alerts, Word::Unreadable)]));
        assert!(said(&listing("Flag/here")).is_empty());
    }
}
