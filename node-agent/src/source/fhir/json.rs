//! JSON as FHIR needs it: a decimal keeps the digits it was written with ("6.50" is not "6.5").

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep a resource may nest. FHIR's own resources stay far below.
const DEPTH: usize = 64;

/// A JSON value. Numbers are text, exactly as written (FHIR R4, datatypes: precision is significant).
pub(crate) enum Json {
    /// null, or nothing at all.
    Null,
    /// true, false.
    Bool(bool),
    /// A number as written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

/// The fields of an object, in order of their names. A map takes seven times as much memory for the
/// small objects of which FHIR is made.
pub(crate) struct Object(Vec<(Box<str>, Json)>);

impl Object {
    fn of<'n>(fields: impl ExactSizeIterator<Item = (&'n str, Result<Json, Broken>)>) -> Result<Object, Broken> {
        let mut object = Vec::with_capacity(fields.len());
        for (name, value) in fields {
            object.push((name.into(), value?));
        }
        object.sort_unstable_by(|(one, _): &(Box<str>, Json), (other, _)| one.cmp(other));
        Ok(Object(object))
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let index = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.0.get(index).map(|(_, value)| value)
    }

    /// Every field, in order of the names.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// The fields of one object, each still as it was written. INVARIANT (unique): none was written twice,
/// because readers differ in which of the two they take (RFC 8259, section 4).
pub(crate) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// Why a value cannot be used. Holds no text of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken {
    /// What is wrong.
    pub(crate) problem: &'static str,
    /// Where in memory the value begins.
    address: usize,
}

impl Broken {
    fn at(text: &str, problem: &'static str) -> Broken {
        Broken { problem, address: text.as_ptr().addr() }
    }

    /// Where the value begins in the text that it was parsed from, as editors count lines and columns.
    pub(crate) fn position_in(&self, text: &str) -> String {
        let before = self.address.checked_sub(text.as_ptr().addr()).and_then(|length| text.get(..length));
        let before = before.unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        format!("line {}, column {}", before.matches('\n').count() + 1, line.chars().count() + 1)
    }
}

/// The fields of the object that `text` is.
///
/// # Errors
///
/// [`Broken`] when it is no object, or holds a field twice.
pub(crate) fn fields(text: &str) -> Result<Fields<'_>, Broken> {
    let Pairs(pairs) = serde_json::from_str(text).map_err(|_| Broken::at(text, "is not a JSON object"))?;
    unique(text, pairs)
}

/// The fields of written pairs.
///
/// # Errors
///
/// [`Broken`] when there are two of one name.
pub(crate) fn unique<'a>(text: &str, pairs: Vec<(String, &'a RawValue)>) -> Result<Fields<'a>, Broken> {
    let written = pairs.len();
    let fields: Fields<'a> = pairs.into_iter().collect();
    if fields.len() == written { Ok(fields) } else { Err(Broken::at(text, "holds a field twice")) }
}

/// The fields of an object in the order in which they are written.
pub(crate) struct Pairs<'a>(pub(crate) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;
        impl<'de> Visitor<'de> for OfObject {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(OfObject)
    }
}

/// What is not there.
pub(crate) static NOTHING: Json = Json::Null;

impl Json {
    /// Parses one value.
    pub(crate) fn parse(raw: &RawValue) -> Result<Json, Broken> {
        parse(raw, DEPTH)
    }

    /// Parses some of an object's fields and leaves out the others.
    pub(crate) fn parse_fields(fields: &Fields<'_>, wanted: &[&str]) -> Result<Json, Broken> {
        let fields: Vec<_> = fields.iter().filter(|(name, _)| wanted.contains(&name.as_str())).collect();
        Object::of(fields.into_iter().map(|(name, raw)| (name.as_str(), Json::parse(raw)))).map(Json::Object)
    }

    /// What lies at a dotted path; an array on the way stands for its first element. `Null` if nothing does.
    pub(crate) fn at(&self, path: &str) -> &Json {
        path.split('.').fold(self, |value, name| match value.first() {
            Json::Object(fields) => fields.get(name).unwrap_or(&NOTHING),
            _ => &NOTHING,
        })
    }

    /// The elements of an array. Anything else is a list of itself; null is an empty list.
    pub(crate) fn list(&self) -> &[Json] {
        match self {
            Json::List(elements) => elements,
            Json::Null => &[],
            single => std::slice::from_ref(single),
        }
    }

    /// The first element.
    pub(crate) fn first(&self) -> &Json {
        self.list().first().unwrap_or(&NOTHING)
    }

    /// A string, a number or a truth value as text; empty for anything else.
    pub(crate) fn text(&self) -> String {
        match self.first() {
            Json::Text(text) | Json::Number(text) => text.clone(),
            Json::Bool(truth) => truth.to_string(),
            _ => String::new(),
        }
    }

    /// The text at a path.
    pub(crate) fn text_at(&self, path: &str) -> String {
        self.at(path).text()
    }

    /// The first of these paths that has text, as text.
    pub(crate) fn first_text(&self, paths: &[&str]) -> String {
        paths.iter().map(|path| self.text_at(path)).find(|text| !text.is_empty()).unwrap_or_default()
    }

    /// The first of these paths at which there is something.
    pub(crate) fn first_of(&self, paths: &[&str]) -> &Json {
        paths.iter().map(|path| self.at(path)).find(|value| !value.is_null()).unwrap_or(&NOTHING)
    }

    /// A choice of type (`value[x]`): the suffix and the value. Primitive extensions (`_value`) do not count.
    pub(crate) fn choice(&self, stem: &str) -> (&str, &Json) {
        let Json::Object(fields) = self else { return ("", &NOTHING) };
        let chosen = fields.iter().find_map(|(name, value)| {
            let suffix = name.strip_prefix(stem)?;
            suffix.starts_with(|first: char| first.is_ascii_uppercase()).then_some((suffix, value))
        });
        chosen.unwrap_or(("", &NOTHING))
    }

    /// True if it is `true`.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Json::Bool(true))
    }

    /// True if there is nothing.
    pub(crate) fn is_null(&self) -> bool {
        match self {
            Json::Null => true,
            Json::List(elements) => elements.is_empty(),
            _ => false,
        }
    }

    /// Every text within, in order: the last resort for a value of a kind that nobody knows.
    pub(crate) fn words_within(&self) -> Vec<String> {
        match self {
            Json::List(elements) => elements.iter().flat_map(Json::words_within).collect(),
            Json::Object(fields) => fields.iter().flat_map(|(_, value)| value.words_within()).collect(),
            Json::Null => Vec::new(),
            leaf => vec![leaf.text()],
        }
    }
}

fn parse(raw: &RawValue, depth: usize) -> Result<Json, Broken> {
    let text = raw.get();
    if depth == 0 {
        return Err(Broken::at(text, "is nested too deeply"));
    }
    let broken = |_| Broken::at(text, "holds broken text");
    Ok(match text.bytes().next() {
        Some(b'{') => {
            let fields = fields(text)?;
            let fields = fields.iter().map(|(name, raw)| (name.as_str(), parse(raw, depth - 1)));
            Json::Object(Object::of(fields)?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
            Json::List(elements.into_iter().map(|raw| parse(raw, depth - 1)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::Text(serde_json::from_str(text).map_err(broken)?),
        Some(b't' | b'f') => Json::Bool(serde_json::from_str(text).map_err(broken)?),
        Some(b'n') | None => Json::Null,
        Some(_) => Json::Number(text.to_owned()),
    })
}

#[cfg(test)]
pub(crate) fn json(text: &str) -> Json {
    Json::parse(serde_json::from_str(text).unwrap()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_the_digits_it_was_written_with() {
        let quantity = json(r#"{"value": 6.50, "low": 1e3, "n": -0}"#);
        assert_eq!(quantity.text_at("value"), "6.50");
        assert_eq!(quantity.text_at("low"), "1e3");
        assert_eq!(quantity.text_at("n"), "-0");
    }

    #[test]
    fn a_path_goes_through_the_first_element_of_an_array() {
        let concept = json(r#"{"code": {"coding": [{"code": "a"}, {"code": "b"}]}}"#);
        assert_eq!(concept.text_at("code.coding.code"), "a");
        assert!(concept.at("code.text").is_null());
        assert!(concept.at("code.coding.code.deeper").is_null());
    }

    #[test]
    fn a_choice_is_found_by_its_stem_and_primitive_extensions_are_not_taken_for_it() {
        let observation = json(r#"{"valueSet": 1, "value": 2, "_valueString": {}}"#);
        assert_eq!(observation.choice("value").0, "Set");
        assert!(observation.choice("effective").1.is_null());
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused_by_its_position() {
        let text = "{\"a\":\n  [1, {\"b\": 1, \"b\": 2}]}";
        let broken = Json::parse(serde_json::from_str(text).unwrap()).err().unwrap();
        assert_eq!((broken.problem, broken.position_in(text).as_str()), ("holds a field twice", "line 2, column 7"));
        assert!(fields("[]").is_err() && fields("{}").is_ok());
    }

    #[test]
    fn nesting_has_an_end() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        let raw: &RawValue = serde_json::from_str(&deep).unwrap();
        assert!(Json::parse(raw).is_err());
    }
}
