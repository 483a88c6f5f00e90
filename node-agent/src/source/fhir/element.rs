//! FHIR data types as elements of items.

use weald_proto::wire::{self, value};

use super::json::{Json, NOTHING};

/// Every coding of a concept, or of several.
pub(crate) fn codings(concepts: &Json) -> Vec<wire::Coding> {
    concepts.list().iter().flat_map(|concept| concept.at("coding").list()).map(plain_coding).collect()
}

/// The first coding of a concept, or its words if it has none.
pub(crate) fn coding(concept: &Json) -> Option<wire::Coding> {
    let text = concept.text_at("text");
    match concept.at("coding").first() {
        Json::Null if text.is_empty() => None,
        Json::Null => Some(wire::Coding { display: text, ..Default::default() }),
        first => {
            let mut coding = plain_coding(first);
            if coding.display.is_empty() {
                coding.display = text;
            }
            Some(coding)
        }
    }
}

/// One coding for each concept: its first, or its words.
pub(crate) fn first_codings(concepts: &Json) -> Vec<wire::Coding> {
    concepts.list().iter().filter_map(coding).collect()
}

/// A `Coding` that stands alone.
pub(crate) fn plain_coding(coding: &Json) -> wire::Coding {
    wire::Coding { system: coding.text_at("system"), code: coding.text_at("code"), display: coding.text_at("display") }
}

/// A concept in words: its text, else the first display, else the first code. A plain text is its own words.
pub(crate) fn words(concept: &Json) -> String {
    match concept.first() {
        Json::Object(_) => {
            let display = concept.at("coding").list().iter().map(|coding| coding.text_at("display"));
            let text = [concept.text_at("text")].into_iter().chain(display).find(|text| !text.is_empty());
            text.unwrap_or_else(|| concept.first_text(&["coding.code", "display", "code"]))
        }
        plain => plain.text(),
    }
}

/// Several concepts in words.
pub(crate) fn all_words(concepts: &Json) -> String {
    join(concepts.list().iter().map(words), "; ")
}

/// Joins what is not empty.
pub(crate) fn join(parts: impl IntoIterator<Item = String>, separator: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(separator)
}

/// The code of a concept, for a status: the first coding's code, else the words.
pub(crate) fn code(concept: &Json) -> String {
    let code = concept.text_at("coding.code");
    if code.is_empty() { words(concept) } else { code }
}

/// A quantity.
pub(crate) fn quantity(quantity: &Json) -> Option<wire::Quantity> {
    (!quantity.is_null()).then(|| wire::Quantity {
        value: quantity.text_at("value"),
        unit: quantity.text_at("unit"),
        code: quantity.text_at("code"),
        comparator: quantity.text_at("comparator"),
    })
}

/// A quantity in words: "6.50 mmol/L".
pub(crate) fn quantity_words(quantity: &Json) -> String {
    let amount = format!("{}{}", quantity.text_at("comparator"), quantity.text_at("value"));
    join([amount, quantity.first_text(&["unit", "code"])], " ")
}

/// A choice of type as a value; `None` if there is nothing. No kind of value is lost: what has no
/// words of its own is told by every text within it.
pub(crate) fn value(parent: &Json, stem: &str) -> Option<wire::Value> {
    let (suffix, chosen) = parent.choice(stem);
    let kind = match suffix {
        "" => return None,
        "Quantity" => quantity(chosen).map(value::Kind::Quantity),
        "CodeableConcept" => coding(chosen).map(value::Kind::Coding),
        "Range" => Some(value::Kind::Text(range_words(chosen))),
        "Ratio" => Some(value::Kind::Text(join(
            ["numerator", "denominator"].map(|part| quantity_words(chosen.at(part))),
            " / ",
        ))),
        "Period" => Some(value::Kind::Text(join(["start", "end"].map(|part| chosen.text_at(part)), " - "))),
        _ => Some(value::Kind::Text(plain_words(chosen))),
    };
    kind.map(|kind| wire::Value { kind: Some(kind) })
}

/// A value that is nothing but words.
pub(crate) fn text_value(text: String) -> Option<wire::Value> {
    if text.is_empty() { None } else { Some(wire::Value { kind: Some(value::Kind::Text(text)) }) }
}

/// "low - high".
pub(crate) fn range_words(range: &Json) -> String {
    join(["low", "high"].map(|end| quantity_words(range.at(end))), " - ")
}

/// Words for a value of any kind.
pub(crate) fn plain_words(value: &Json) -> String {
    let words = words(value);
    if words.is_empty() { value.words_within().join(" ") } else { words }
}

/// Identifiers.
pub(crate) fn identifiers(identifiers: &Json) -> Vec<wire::Identifier> {
    let all = identifiers.list().iter();
    all.map(|one| wire::Identifier { system: one.text_at("system"), value: one.text_at("value") }).collect()
}

/// Telephone numbers and addresses of the electronic kind.
pub(crate) fn telecoms(telecoms: &Json) -> Vec<wire::Telecom> {
    let one = |telecom: &Json| wire::Telecom {
        system: telecom.text_at("system"),
        value: telecom.text_at("value"),
        r#use: telecom.text_at("use"),
    };
    telecoms.list().iter().map(one).collect()
}

/// A name.
pub(crate) fn human_name(name: &Json) -> Option<wire::HumanName> {
    let texts = |field: &str| name.at(field).list().iter().map(Json::text).collect();
    (!name.is_null()).then(|| wire::HumanName {
        r#use: name.text_at("use"),
        family: name.text_at("family"),
        given: texts("given"),
        prefix: texts("prefix"),
        text: name.text_at("text"),
    })
}

/// A name on one line: as written, else given and family.
pub(crate) fn name_words(name: &Json) -> String {
    match name.first() {
        Json::Object(_) => {
            let text = name.text_at("text");
            let given = name.at("given").list().iter().map(Json::text);
            if text.is_empty() { join(given.chain([name.text_at("family")]), " ") } else { text }
        }
        plain => plain.text(),
    }
}

/// An address.
pub(crate) fn address(address: &Json) -> Option<wire::Address> {
    (!address.is_null()).then(|| wire::Address {
        r#use: address.text_at("use"),
        lines: address.at("line").list().iter().map(Json::text).collect(),
        town: address.text_at("city"),
        county: address.first_text(&["district", "state"]),
        postcode: address.text_at("postalCode"),
        country: address.text_at("country"),
        text: address.text_at("text"),
    })
}

/// The value of the extension whose URL's last segment contains `name`; `Null` if there is none.
/// UK Core, Care Connect and their successors differ in the rest of the URL only.
pub(crate) fn extension<'a>(element: &'a Json, name: &str) -> &'a Json {
    extension_itself(element, name).choice("value").1
}

/// The extension itself, for one that has parts.
pub(crate) fn extension_itself<'a>(element: &'a Json, name: &str) -> &'a Json {
    let named = |extension: &&Json| extension.text_at("url").rsplit('/').next().is_some_and(|last| last.contains(name));
    let found = element.at("extension").list().iter().find(named);
    found.unwrap_or(&NOTHING)
}

/// Since when and until when, as written; and the words of one that is no date.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: String,
    pub(crate) end: String,
    pub(crate) words: String,
}

/// A choice of date types (`onset[x]`, `effective[x]` ...).
pub(crate) fn span(parent: &Json, stem: &str) -> Span {
    let (suffix, chosen) = parent.choice(stem);
    match suffix {
        "Date" | "DateTime" | "Instant" => Span { start: chosen.text(), ..Span::default() },
        "Period" => period(chosen),
        "Timing" => {
            let bounds = period(chosen.at("repeat.boundsPeriod"));
            let start = if bounds.start.is_empty() { chosen.text_at("event") } else { bounds.start };
            Span { start, ..bounds }
        }
        "Range" => Span { words: range_words(chosen), ..Span::default() },
        "Age" | "Quantity" => Span { words: quantity_words(chosen), ..Span::default() },
        _ => Span { words: chosen.text(), ..Span::default() },
    }
}

/// A period.
pub(crate) fn period(period: &Json) -> Span {
    Span { start: period.text_at("start"), end: period.text_at("end"), words: String::new() }
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    fn text_of(value: Option<wire::Value>) -> String {
        match value.and_then(|value| value.kind) {
            Some(value::Kind::Text(text)) => text,
            _ => panic!("not a text"),
        }
    }

    #[test]
    fn a_concept_is_told_by_its_text_else_its_display_else_its_code() {
        assert_eq!(words(&json(r#"{"text":"a","coding":[{"display":"b"}]}"#)), "a");
        assert_eq!(words(&json(r#"{"coding":[{"code":"c"},{"display":"b"}]}"#)), "b");
        assert_eq!(words(&json(r#"{"coding":[{"code":"c"}]}"#)), "c");
        assert_eq!(words(&json("{}")), "");
    }

    #[test]
    fn no_kind_of_value_is_lost() {
        for (resource, expected) in [
            (r#"{"valueString":"well"}"#, "well"),
            (r#"{"valueInteger":3}"#, "3"),
            (r#"{"valueBoolean":false}"#, "false"),
            (r#"{"valueRange":{"low":{"value":1.0,"unit":"g"},"high":{"value":2.50,"unit":"g"}}}"#, "1.0 g - 2.50 g"),
            (r#"{"valueRatio":{"numerator":{"value":1},"denominator":{"value":128}}}"#, "1 / 128"),
            (r#"{"valuePeriod":{"start":"2020","end":"2021"}}"#, "2020 - 2021"),
            (r#"{"valueDateTime":"2020-01"}"#, "2020-01"),
            (r#"{"valueSampledData":{"data":"1 2 3","period":10}}"#, "1 2 3 10"),
            (r#"{"valueReference":{"display":"that one"}}"#, "that one"),
        ] {
            assert_eq!(text_of(value(&json(resource), "value")), expected, "{resource}");
        }
        assert!(value(&json("{}"), "value").is_none());
    }

    #[test]
    fn an_age_is_told_in_words_and_not_as_a_date() {
        let span = span(&json(r#"{"onsetAge":{"value":57,"unit":"years"}}"#), "onset");
        assert_eq!(span, Span { words: "57 years".into(), ..Span::default() });
    }
}
