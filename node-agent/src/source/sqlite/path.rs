//! Field paths: where in an item a column goes, checked against the message descriptors.
//!
//! `codes.system` goes through a list and means its first element; `codes.1.system` its second.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

/// A path to a field of a message. INVARIANT (fits): every step is a field of the message that the
/// step before leads to.
#[derive(Clone)]
pub(crate) struct FieldPath {
    steps: Vec<Step>,
}

#[derive(Clone)]
struct Step {
    field: FieldDescriptor,
    /// Which element, if the field is a list.
    element: usize,
}

/// More elements than any row has columns for.
const ELEMENTS: usize = 64;

impl FieldPath {
    /// Parses a path into `message`.
    ///
    /// # Errors
    ///
    /// What is wrong with it, with the nearest field that there is.
    pub(crate) fn parse(message: &MessageDescriptor, path: &str) -> Result<FieldPath, String> {
        let mut message = Some(message.clone());
        let mut steps: Vec<Step> = Vec::new();
        for segment in path.split('.') {
            if let (Ok(element), Some(last)) = (segment.parse::<usize>(), steps.last_mut()) {
                if !last.field.is_list() || element >= ELEMENTS {
                    return Err(format!("{segment} in {path}: only a list has numbered elements, up to {ELEMENTS}"));
                }
                last.element = element;
                continue;
            }
            let within = message.ok_or_else(|| format!("{path} goes on after a field that has no fields"))?;
            let field = within.get_field_by_name(segment).ok_or_else(|| unknown(segment, &within))?;
            message = field.kind().as_message().cloned();
            steps.push(Step { field, element: 0 });
        }
        Ok(FieldPath { steps })
    }

    /// Sets one field to a text; a column that holds a whole list or message holds `json`.
    ///
    /// # Errors
    ///
    /// What the field should hold, or which other field of the same choice is set already.
    pub(crate) fn set(&self, message: &mut DynamicMessage, text: &str, json: bool) -> Result<(), String> {
        let (step, rest) = self.steps.split_first().ok_or("an empty path")?;
        set(
            message,
            step,
            rest,
            &mut |field, slot| {
                *slot = if json { from_json(field, text)? } else { scalar(&field.kind(), text)? };
                Ok(())
            },
            json,
        )
    }

    /// True if something was set in every message that the path goes through, other than the item
    /// itself and its detail: a constant completes what a column began and begins nothing.
    pub(crate) fn is_begun(&self, message: &DynamicMessage) -> bool {
        let through = self.steps.split_last().map(|(_, through)| through).unwrap_or_default();
        let mut message = message.clone();
        for step in through {
            let is_detail = step.field.containing_oneof().is_some_and(|oneof| oneof.name() == "detail");
            if !message.has_field(&step.field) {
                return is_detail;
            }
            let value = message.get_field(&step.field).into_owned();
            let value = match value {
                Value::List(elements) => elements.into_iter().nth(step.element),
                single => Some(single),
            };
            let Some(Value::Message(inner)) = value else { return false };
            message = inner;
        }
        true
    }

    /// True if a text can be set here; a message or a list as a whole needs JSON.
    pub(crate) fn takes_text(&self) -> bool {
        self.steps.last().is_some_and(|step| step.field.kind().as_message().is_none())
    }

    /// The name of the first field.
    pub(crate) fn root(&self) -> String {
        self.steps.first().map(|step| step.field.name().to_owned()).unwrap_or_default()
    }
}

/// Drops elements of lists that nothing was set in.
pub(crate) fn prune(message: &mut DynamicMessage) {
    for (_, value) in message.fields_mut() {
        match value {
            Value::Message(inner) => prune(inner),
            Value::List(elements) => {
                elements.iter_mut().filter_map(Value::as_message_mut).for_each(prune);
                elements.retain(|element| match element {
                    Value::Message(inner) => inner.fields().next().is_some(),
                    Value::String(text) => !text.is_empty(),
                    _ => true,
                });
            }
            _ => {}
        }
    }
}

type Assign<'a> = &'a mut dyn FnMut(&FieldDescriptor, &mut Value) -> Result<(), String>;

fn set(
    message: &mut DynamicMessage,
    step: &Step,
    rest: &[Step],
    assign: Assign<'_>,
    whole: bool,
) -> Result<(), String> {
    if let Some(taken) = rival(message, &step.field) {
        return Err(format!("{} is set already, and {} cannot be set beside it", taken.name(), step.field.name()));
    }
    let slot = message.get_field_mut(&step.field);
    if rest.is_empty() && whole {
        return assign(&step.field, slot);
    }
    let slot = match slot {
        Value::List(elements) => {
            while elements.len() <= step.element {
                elements.push(Value::default_value(&step.field.kind()));
            }
            elements.get_mut(step.element).ok_or("no such element")?
        }
        single => single,
    };
    match (rest.split_first(), slot) {
        (None, slot) => assign(&step.field, slot),
        (Some((next, rest)), Value::Message(inner)) => set(inner, next, rest, assign, whole),
        (Some(_), _) => Err(format!("{} has no fields", step.field.name())),
    }
}

/// Another field of the same choice (`oneof`) that is set.
fn rival(message: &DynamicMessage, field: &FieldDescriptor) -> Option<FieldDescriptor> {
    let oneof = field.containing_oneof()?;
    oneof.fields().find(|other| other != field && message.has_field(other))
}

fn scalar(kind: &Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => match text {
            "1" | "true" => Ok(Value::Bool(true)),
            "0" | "false" => Ok(Value::Bool(false)),
            _ => Err("must be 1, 0, true or false".to_owned()),
        },
        Kind::Uint32 => text.parse().map(Value::U32).map_err(|_| "must be a whole number".to_owned()),
        Kind::Uint64 => text.parse().map(Value::U64).map_err(|_| "must be a whole number".to_owned()),
        _ => Err("cannot be set from a column".to_owned()),
    }
}

fn from_json(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|_| "is not JSON".to_owned())?;
    match (field.is_list(), json) {
        (true, serde_json::Value::Array(elements)) => {
            elements.iter().map(|element| element_of(&field.kind(), element)).collect::<Result<_, _>>().map(Value::List)
        }
        (true, _) => Err("must be a JSON array".to_owned()),
        (false, json) => element_of(&field.kind(), &json),
    }
}

/// A JSON value in the shape of a message: objects by field name, lists as arrays.
fn element_of(kind: &Kind, json: &serde_json::Value) -> Result<Value, String> {
    match (kind, json) {
        (Kind::Message(descriptor), serde_json::Value::Object(fields)) => {
            let mut message = DynamicMessage::new(descriptor.clone());
            for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                let field = descriptor.get_field_by_name(name).ok_or_else(|| unknown(name, descriptor))?;
                if let Some(taken) = rival(&message, &field) {
                    return Err(format!("{} and {name} cannot be set together", taken.name()));
                }
                let value = from_json(&field, &value.to_string())?;
                message.set_field(&field, value);
            }
            Ok(Value::Message(message))
        }
        (Kind::Message(descriptor), _) => Err(format!("must be a JSON object with fields of {}", descriptor.name())),
        (kind, serde_json::Value::String(text)) => scalar(kind, text),
        (kind, serde_json::Value::Number(number)) => scalar(kind, &number.to_string()),
        (kind, serde_json::Value::Bool(truth)) => scalar(kind, &truth.to_string()),
        _ => Err("holds a JSON array or object where a text belongs".to_owned()),
    }
}

/// Names the nearest field that there is.
fn unknown(name: &str, message: &MessageDescriptor) -> String {
    let fields = message.fields().map(|field| field.name().to_owned());
    nearest(name, fields, &format!("a field of {}", message.name()))
}

/// "`nmae` is not a section: did you mean `name`?"
pub(crate) fn nearest(name: &str, known: impl Iterator<Item = String>, what: &str) -> String {
    match known.min_by_key(|candidate| distance(name, candidate)) {
        Some(nearest) => format!("{name} is not {what}: did you mean {nearest}?"),
        None => format!("{name} is not {what}"),
    }
}

/// How many letters must be put in, left out or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    for (row, letter) in one.chars().enumerate() {
        let mut left = row + 1;
        let mut current = vec![left];
        for ((diagonal, up), wanted) in above.iter().zip(above.iter().skip(1)).zip(&other) {
            left = (diagonal + usize::from(letter != *wanted)).min(up + 1).min(left + 1);
            current.push(left);
        }
        above = current;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost_reflect::DescriptorPool;
    use weald_proto::wire;

    fn item() -> MessageDescriptor {
        DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).unwrap().get_message_by_name("weald.v1.Item").unwrap()
    }

    fn set_all(values: &[(&str, &str, bool)]) -> Result<wire::Item, String> {
        let mut message = DynamicMessage::new(item());
        for (path, text, json) in values {
            FieldPath::parse(&item(), path)?.set(&mut message, text, *json)?;
        }
        prune(&mut message);
        Ok(message.transcode_to().unwrap())
    }

    #[test]
    fn a_path_through_a_list_means_its_first_element_unless_it_says_which() {
        let item = set_all(&[("codes.code", "a", false), ("codes.2.code", "c", false), ("notes", "n", false)]).unwrap();
        let codes: Vec<&str> = item.codes.iter().map(|coding| coding.code.as_str()).collect();
        assert_eq!(codes, ["a", "c"], "elements that nothing was set in are left out");
        assert_eq!(item.notes, ["n"]);
    }

    #[test]
    fn a_whole_list_or_message_is_json() {
        let reactions = r#"[{"text":"rash","manifestations":[{"code":"1"}]},{"severity":"mild"}]"#;
        let item = set_all(&[("allergy.reactions", reactions, true), ("notes", r#"["a","b"]"#, true)]).unwrap();
        let Some(wire::item::Detail::Allergy(allergy)) = item.detail else { panic!("not an allergy") };
        assert_eq!(allergy.reactions[0].manifestations[0].code, "1");
        assert_eq!(allergy.reactions[1].severity, "mild");
        assert_eq!(item.notes, ["a", "b"]);
    }

    #[test]
    fn a_typo_is_answered_with_the_nearest_field() {
        assert!(set_all(&[("codes.sistem", "a", false)]).unwrap_err().contains("did you mean system?"));
        assert!(set_all(&[("recorder", r#"{"nmae":"x"}"#, true)]).unwrap_err().contains("did you mean name?"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert!(set_all(&[("text.more", "a", false)]).is_err());
        assert!(set_all(&[("text.1", "a", false)]).is_err());
        assert!(set_all(&[("entered_in_error", "perhaps", false)]).is_err());
        assert!(set_all(&[("related_person.rank", "first", false)]).is_err());
        assert!(set_all(&[("codes", "{}", true)]).is_err());
    }

    #[test]
    fn of_a_choice_one_field_is_set() {
        let both = [("result.value.text", "high", false), ("result.value.quantity.value", "6.50", false)];
        assert!(set_all(&both).unwrap_err().contains("cannot be set beside it"));
    }
}
