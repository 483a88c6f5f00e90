//! What an item holds at a column's path, as the text of a cell.

use anyhow::Context as _;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::Value as Json;
use weald_proto::wire::Item;

use super::layout::{Column, Form};

/// Takes items apart by the names of their fields.
pub(super) struct Cells(MessageDescriptor);

impl Cells {
    /// By the descriptors of the contract.
    pub(super) fn new() -> anyhow::Result<Self> {
        let pool = DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET)?;
        Ok(Cells(pool.get_message_by_name("weald.v1.Item").context("the contract has no Item")?))
    }

    /// The cells of an item's row: nothing where the field is empty.
    pub(super) fn row(&self, item: &Item, columns: &[&Column]) -> anyhow::Result<Vec<Option<String>>> {
        let message = DynamicMessage::decode(self.0.clone(), item.encode_to_vec().as_slice())?;
        Ok(columns.iter().map(|column| cell(&message, column)).collect())
    }
}

fn cell(message: &DynamicMessage, column: &Column) -> Option<String> {
    let value = at(&Value::Message(message.clone()), column.path)?;
    match column.form {
        Form::Json => Some(json(&value).to_string()),
        Form::Plain => plain(value),
        Form::Local(words) => {
            let meant = plain(value)?;
            let written = words.iter().find(|(_, word)| *word == meant).map(|(local, _)| (*local).to_owned());
            Some(written.unwrap_or(meant))
        }
    }
}

/// The value at a path; nothing if it is not set. A list on the way stands for its first element.
fn at(value: &Value, path: &str) -> Option<Value> {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let message = value.as_message()?;
    let found = if name == "detail" { detail(message)? } else { field(message, name)? };
    match (rest, found) {
        (None, found) => Some(found),
        (Some(rest), Value::List(elements)) => at(elements.first()?, rest),
        (Some(rest), found) => at(&found, rest),
    }
}

fn field(message: &DynamicMessage, name: &str) -> Option<Value> {
    let descriptor = message.descriptor().get_field_by_name(name)?;
    message.has_field(&descriptor).then(|| message.get_field(&descriptor).into_owned())
}

/// What only this kind of item has.
fn detail(item: &DynamicMessage) -> Option<Value> {
    let choice = item.descriptor().oneofs().find(|choice| choice.name() == "detail")?;
    let chosen = choice.fields().find(|field| item.has_field(field))?;
    Some(item.get_field(&chosen).into_owned())
}

fn plain(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Bool(truth) => Some(u8::from(truth).to_string()),
        Value::U32(number) => Some(number.to_string()),
        Value::U64(number) => Some(number.to_string()),
        Value::List(elements) => plain(elements.into_iter().next()?),
        _ => None,
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Message(message) => {
            message.fields().map(|(field, value)| (field.name().to_owned(), json(value))).collect()
        }
        Value::List(elements) => elements.iter().map(json).collect(),
        Value::String(text) => text.as_str().into(),
        Value::Bool(truth) => (*truth).into(),
        Value::U32(number) => (*number).into(),
        Value::U64(number) => (*number).into(),
        _ => Json::Null,
    }
}
