//! Columns and constants of a mapping: which field each goes to.

use std::collections::BTreeMap;

use prost_reflect::{DynamicMessage, MessageDescriptor};
use weald_proto::Section;

use super::path::{FieldPath, nearest};
use crate::source::notice::Notice;

/// A column and the field that it goes to.
pub(crate) struct Column {
    /// Its name in the result of the query.
    pub(crate) name: String,
    path: FieldPath,
    /// Local words and the words that they stand for; others stay as they are.
    values: BTreeMap<String, String>,
    /// True if it holds a whole list or message as JSON.
    json: bool,
}

/// A field that is the same in every row.
pub(crate) struct Constant {
    path: FieldPath,
    value: String,
}

/// What the node computes itself, or what belongs to another section.
const COMPUTED: &[&str] = &["raw_digest", "subject_unresolved", "salt"];

impl Column {
    /// Sets the field to what the column holds.
    ///
    /// # Errors
    ///
    /// What is wrong with the value, without the value.
    pub(crate) fn set(&self, message: &mut DynamicMessage, held: &str) -> Result<(), String> {
        let value = self.values.get(held).map_or(held, String::as_str);
        if value.is_empty() { Ok(()) } else { self.path.set(message, value, self.json) }
    }
}

impl Constant {
    /// Sets the field, if a column set something beside it.
    ///
    /// # Errors
    ///
    /// Never, once it is parsed.
    pub(crate) fn set(&self, message: &mut DynamicMessage) -> Result<(), String> {
        if self.path.is_begun(message) { self.path.set(message, &self.value, false) } else { Ok(()) }
    }
}

/// Parses the columns of a section, or of the person if there is none.
pub(crate) fn parse_columns(
    place: &str,
    columns: &BTreeMap<String, toml::Value>,
    message: &MessageDescriptor,
    section: Option<Section>,
    problems: &mut Vec<Notice>,
) -> Vec<Column> {
    let mut parsed = Vec::new();
    for (name, targets) in columns {
        let several = match targets {
            toml::Value::Array(several) => several.as_slice(),
            single => std::slice::from_ref(single),
        };
        for target in several {
            match parse_target(name, target, message, section) {
                Ok(column) => parsed.push(column),
                Err(problem) => problems.push(Notice::new(format!("{place}.columns.{name}"), problem)),
            }
        }
    }
    parsed
}

/// Parses the constants of a section.
pub(crate) fn parse_constants(
    place: &str,
    constants: &BTreeMap<String, String>,
    message: &MessageDescriptor,
    section: Section,
    problems: &mut Vec<Notice>,
) -> Vec<Constant> {
    let mut parsed = Vec::new();
    for (path, value) in constants {
        let constant = parse_path(path, message, Some(section)).and_then(|path| {
            path.set(&mut DynamicMessage::new(message.clone()), value, false)?;
            Ok(Constant { path, value: value.clone() })
        });
        match constant {
            Ok(constant) => parsed.push(constant),
            Err(problem) => problems.push(Notice::new(format!("{place}.constants.{path}"), problem)),
        }
    }
    parsed
}

/// A path, or a table with `field` and, if needed, `values` and `json`.
fn parse_target(
    name: &str,
    target: &toml::Value,
    message: &MessageDescriptor,
    section: Option<Section>,
) -> Result<Column, String> {
    let (field, values, json) = match target {
        toml::Value::String(field) => (field.as_str(), BTreeMap::new(), false),
        toml::Value::Table(table) => parse_table(table)?,
        _ => return Err("must be a field path, or a table with the key field".to_owned()),
    };
    let path = parse_path(field, message, section)?;
    if !json && !path.takes_text() {
        return Err(format!("{field} is a message: name one of its fields, or say json = true"));
    }
    Ok(Column { name: name.to_owned(), path, values, json })
}

type Target<'a> = (&'a str, BTreeMap<String, String>, bool);

fn parse_table(table: &toml::Table) -> Result<Target<'_>, String> {
    let (mut field, mut values, mut json) = (None, BTreeMap::new(), false);
    for (key, value) in table {
        match (key.as_str(), value) {
            ("field", toml::Value::String(path)) => field = Some(path.as_str()),
            ("json", toml::Value::Boolean(flag)) => json = *flag,
            ("values", toml::Value::Table(words)) => {
                for (held, meant) in words {
                    let meant = meant.as_str().ok_or_else(|| format!("values.{held} must be a text"))?;
                    values.insert(held.clone(), meant.to_owned());
                }
            }
            ("field" | "json" | "values", _) => return Err(format!("{key} has the wrong kind of value")),
            _ => return Err(nearest(key, ["field", "json", "values"].iter().map(ToString::to_string), "a key here")),
        }
    }
    Ok((field.ok_or("needs the key field")?, values, json))
}

/// `detail.dose_text` in a section is `dose_text` of that section's own detail.
fn parse_path(path: &str, message: &MessageDescriptor, section: Option<Section>) -> Result<FieldPath, String> {
    let parsed = match (path.strip_prefix("detail."), section) {
        (Some(rest), Some(section)) => {
            let parsed = FieldPath::parse(message, &format!("{}.{rest}", detail_field(section)));
            return parsed.map_err(|problem| problem.replace(&format!("{}.{rest}", detail_field(section)), path));
        }
        _ => FieldPath::parse(message, path)?,
    };
    let root = parsed.root();
    if COMPUTED.contains(&root.as_str()) {
        return Err(format!("{root} is set by the node and not by a mapping"));
    }
    let is_detail = message
        .get_field_by_name(&root)
        .and_then(|field| field.containing_oneof())
        .is_some_and(|oneof| oneof.name() == "detail");
    if is_detail {
        return Err(format!("write detail. instead of {root}."));
    }
    Ok(parsed)
}

/// The field of an item that holds what only this section has.
pub(crate) const fn detail_field(section: Section) -> &'static str {
    match section {
        Section::Demographics => "demographics",
        Section::RelatedPeople => "related_person",
        Section::Allergies => "allergy",
        Section::Alerts => "alert",
        Section::Medications => "medication",
        Section::Conditions => "condition",
        Section::Procedures => "procedure",
        Section::Results => "result",
        Section::Immunisations => "immunisation",
        Section::Encounters => "encounter",
        Section::Referrals => "referral",
        Section::Documents => "document",
        Section::CarePlans => "care_plan",
        Section::AdvanceDirectives => "advance_directive",
        Section::SafeguardingAdult | Section::SafeguardingChild => "safeguarding",
        Section::SocialCareAdult | Section::SocialCareChild => "social_care",
        Section::MentalHealth => "mental_health",
        Section::CareTeam => "care_team",
        Section::Location => "current_location",
    }
}
