//! A declared mapping from tables and columns to items: TOML, checked whole before anything is read.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, MessageDescriptor};
use rusqlite::Statement;
use serde::Deserialize;
use weald_proto::Section;

use super::column::{Column, Constant, parse_columns, parse_constants};
use super::path::nearest;
use crate::source::notice::Notice;

/// A mapping. INVARIANT (restricted): every query of a section is for one person.
pub(crate) struct Mapping {
    /// When the data are from: a query for one text, RFC 3339.
    pub(crate) as_of: Option<String>,
    /// Who the person is.
    pub(crate) person: PersonMapping,
    /// The sections that the database holds.
    pub(crate) sections: BTreeMap<Section, SectionMapping>,
    /// For each kind of record that belongs to no section, a query that counts a person's.
    pub(crate) unmapped: BTreeMap<String, String>,
    /// The message of an item.
    pub(crate) item: MessageDescriptor,
    /// The message of an identity.
    pub(crate) identity: MessageDescriptor,
}

/// The query for a person.
pub(crate) struct PersonMapping {
    /// SQL with `:nhs_number`.
    pub(crate) query: String,
    /// The column whose value is `:person` in the queries of the sections.
    pub(crate) id: String,
    /// Columns of the identity block.
    pub(crate) columns: Vec<Column>,
}

/// The query for a section.
pub(crate) struct SectionMapping {
    /// SQL with `:person` or `:nhs_number`.
    pub(crate) query: String,
    /// A column that repeats the NHS number: rows that hold another are dropped and counted.
    pub(crate) nhs_number: Option<String>,
    /// Columns of the item.
    pub(crate) columns: Vec<Column>,
    /// Fields that are the same in every row.
    pub(crate) constants: Vec<Constant>,
    /// Of a table: the columns by which its rows are found and put in order. None for a query, whose
    /// author chose the columns.
    finders: Option<Vec<String>>,
}

impl SectionMapping {
    /// The columns of a mapped table that no field takes, and that no row is found by.
    pub(crate) fn passed_over(&self, statement: &Statement<'_>) -> Vec<String> {
        let Some(finders) = &self.finders else { return Vec::new() };
        let taken = self.columns.iter().map(|column| &column.name).chain(&self.nhs_number).chain(finders);
        let taken: Vec<&String> = taken.collect();
        let is_taken = |name: &&str| taken.iter().any(|column| column.eq_ignore_ascii_case(name));
        statement.column_names().filter(|name| !is_taken(name)).map(str::to_owned).collect()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    as_of: Option<String>,
    person: RawPerson,
    sections: BTreeMap<String, RawSection>,
    #[serde(default)]
    unmapped: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPerson {
    query: String,
    id: String,
    columns: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    table: Option<String>,
    person: Option<String>,
    order: Option<String>,
    query: Option<String>,
    nhs_number: Option<String>,
    columns: BTreeMap<String, toml::Value>,
    #[serde(default)]
    constants: BTreeMap<String, String>,
}

impl Mapping {
    /// Parses a mapping.
    ///
    /// # Errors
    ///
    /// Every problem in it, each named by its section and column.
    pub(crate) fn parse(text: &str) -> Result<Mapping, Vec<Notice>> {
        let raw: RawMapping = toml::from_str(text).map_err(|error| vec![not_toml(text, &error)])?;
        let (item, identity) = descriptors().map_err(|problem| vec![Notice::new("the contract", problem)])?;
        let mut problems = Vec::new();
        let columns = parse_columns("person", &raw.person.columns, &identity, None, &mut problems);
        if !raw.person.query.contains(":nhs_number") {
            problems.push(Notice::new("person.query", "must be for one person: use :nhs_number"));
        }
        let mut sections = BTreeMap::new();
        for (name, raw) in raw.sections {
            match name.parse::<Section>() {
                Ok(section) => {
                    sections.insert(section, raw.check(section, &item, &mut problems));
                }
                Err(_) => {
                    let known = Section::ALL.iter().map(|section| section.as_str().to_owned());
                    problems.push(Notice::new("sections", nearest(&name, known, "a section")));
                }
            }
        }
        for (kind, _) in raw.unmapped.iter().filter(|(_, query)| !is_for_one_person(query)) {
            problems.push(Notice::new(format!("unmapped.{kind}"), ONE_PERSON));
        }
        let person = PersonMapping { query: raw.person.query, id: raw.person.id, columns };
        let mapping = Mapping { as_of: raw.as_of, person, sections, unmapped: raw.unmapped, item, identity };
        if problems.is_empty() { Ok(mapping) } else { Err(problems) }
    }
}

const ONE_PERSON: &str = "must be for one person: use :person or :nhs_number";

impl RawSection {
    fn check(self, section: Section, item: &MessageDescriptor, problems: &mut Vec<Notice>) -> SectionMapping {
        let place = format!("sections.{section}");
        let columns = parse_columns(&place, &self.columns, item, Some(section), problems);
        let constants = parse_constants(&place, &self.constants, item, section, problems);
        let query = self.query().unwrap_or_else(|problem| {
            problems.push(Notice::new(place, problem));
            String::new()
        });
        let finders = self.table.is_some().then(|| self.person.into_iter().chain(self.order).collect());
        SectionMapping { query, nhs_number: self.nhs_number, columns, constants, finders }
    }

    fn query(&self) -> Result<String, String> {
        match (&self.query, &self.table, &self.person) {
            (Some(query), None, None) if self.order.is_none() => {
                if is_for_one_person(query) {
                    Ok(query.clone())
                } else {
                    Err(format!("query {ONE_PERSON}"))
                }
            }
            (None, Some(table), Some(person)) => {
                let (table, person) = (quoted(table)?, quoted(person)?);
                let order = self.order.as_ref().map(|order| quoted(order).map(|order| format!(" ORDER BY t.{order}")));
                let order = order.transpose()?.unwrap_or_default();
                Ok(format!("SELECT t.* FROM {table} AS t WHERE t.{person} = :person{order}"))
            }
            _ => Err("needs either query, or table and person (and, if you like, order)".to_owned()),
        }
    }
}

/// SQLite takes a name in double quotes for a text if no such column exists; brackets it never does.
fn quoted(name: &str) -> Result<String, String> {
    if name.is_empty() || name.contains(']') {
        return Err("a name of a table or column must not be empty or hold a bracket".to_owned());
    }
    Ok(format!("[{name}]"))
}

fn is_for_one_person(query: &str) -> bool {
    query.contains(":person") || query.contains(":nhs_number")
}

fn descriptors() -> Result<(MessageDescriptor, MessageDescriptor), String> {
    let pool = DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).map_err(|error| error.to_string())?;
    let message = |name: &str| pool.get_message_by_name(name).ok_or_else(|| format!("{name} is missing"));
    Ok((message("weald.v1.Item")?, message("weald.v1.IdentityBlock")?))
}

fn not_toml(text: &str, error: &toml::de::Error) -> Notice {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    Notice::new(format!("line {}", before.matches('\n').count() + 1), error.message())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERSON: &str =
        "[person]\nquery = 'SELECT * FROM p WHERE n = :nhs_number'\nid = 'id'\ncolumns = { dob = 'birth_date' }\n";

    fn problems(rest: &str) -> String {
        let problems = Mapping::parse(&format!("{PERSON}{rest}")).err().unwrap_or_default();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_problem_is_named_at_once_with_section_and_column() {
        let found = problems(
            "[sections.allergies]\ntable = 'a'\nperson = 'p'\ncolumns = { code = 'codes.cod', sev = 'detail.severitty' }\n\
             [sections.results]\nquery = 'SELECT * FROM r'\ncolumns = {}\n[sections.gossip]\ntable='g'\nperson='p'\ncolumns={}\n",
        );
        assert!(
            found.contains("sections.allergies.columns.code: cod is not a field of Coding: did you mean code?"),
            "{found}"
        );
        assert!(
            found.contains(
                "sections.allergies.columns.sev: severitty is not a field of Allergy: did you mean severity?"
            )
        );
        assert!(found.contains("sections.results: query must be for one person"));
        assert!(found.contains("gossip is not a section"));
    }

    #[test]
    fn an_unknown_key_is_named_by_its_line() {
        let found = problems("[sections.allergies]\ntabel = 'a'\ncolumns = {}\n");
        assert!(found.contains("line 6") && found.contains("tabel"), "{found}");
    }

    #[test]
    fn a_section_has_a_query_or_a_table_and_not_both() {
        let both = "[sections.results]\nquery = 'SELECT :person'\ntable = 'r'\nperson = 'p'\ncolumns = {}\n";
        assert!(problems(both).contains("needs either query, or table and person"));
    }

    #[test]
    fn what_the_node_computes_cannot_be_mapped() {
        for path in ["raw_digest", "subject_unresolved", "allergy.severity"] {
            let text = format!("[sections.allergies]\ntable='a'\nperson='p'\ncolumns = {{ x = '{path}' }}\n");
            assert!(problems(&text).contains("sections.allergies.columns.x"), "{path}");
        }
    }

    #[test]
    fn a_table_becomes_a_query_that_cannot_mistake_a_name_for_a_text() {
        let text = format!("{PERSON}[sections.results]\ntable='lab results'\nperson='pid'\norder='at'\ncolumns={{}}\n");
        let mapping = Mapping::parse(&text).ok().unwrap();
        let query = &mapping.sections[&Section::Results].query;
        assert_eq!(query, "SELECT t.* FROM [lab results] AS t WHERE t.[pid] = :person ORDER BY t.[at]");
    }
}
