//! One section of one person, from its query.

use prost_reflect::DynamicMessage;
use rusqlite::{Connection, Row};
use weald_proto::{Section, wire};

use super::column::detail_field;
use super::mapping::{Mapping, SectionMapping};
use super::path::prune;
use super::query::{self, Parameters, each_row, row_digest, set_columns, text_of};

/// The items that a query gave, and how many rows were somebody else's.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) items: Vec<wire::Item>,
    pub(crate) dropped: u32,
    /// What did not fit in the first row that is no item.
    pub(crate) misfit: Option<String>,
    /// Columns of a mapped table that no field takes.
    pub(crate) passed_over: Vec<String>,
}

/// Checks that the section's query can be asked: its table and its columns are there. Gives the columns
/// of a mapped table that no field takes.
///
/// # Errors
///
/// What is missing.
pub(crate) fn check(connection: &Connection, section: &SectionMapping) -> Result<Vec<String>, String> {
    prepare(connection, section).map(|statement| section.passed_over(&statement))
}

/// Reads a section. A row that does not fit is told in `rows`, and the others count.
///
/// # Errors
///
/// What is missing, or why the database stopped; what was read before that is in `rows`.
pub(crate) fn read(
    connection: &Connection,
    mapping: &Mapping,
    (section, of): (Section, &SectionMapping),
    parameters: &Parameters<'_>,
    rows: &mut Rows,
) -> Result<(), String> {
    let mut statement = prepare(connection, of)?;
    rows.passed_over = of.passed_over(&statement);
    let mut count = 0;
    each_row(&mut statement, parameters, |row| {
        count += 1;
        if is_of_another(row, of, parameters)? {
            rows.dropped = rows.dropped.saturating_add(1);
            return Ok(());
        }
        match item(row, mapping, section, of) {
            Ok(item) => rows.items.push(item),
            Err(problem) => rows.misfit = rows.misfit.take().or_else(|| Some(format!("row {count}: {problem}"))),
        }
        Ok(())
    })
}

fn prepare<'c>(connection: &'c Connection, section: &SectionMapping) -> Result<rusqlite::CachedStatement<'c>, String> {
    let columns = section.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<&str> = columns.chain(section.nhs_number.as_deref()).collect();
    query::prepare(connection, &section.query, &[":person", ":nhs_number"], &columns)
}

fn is_of_another(row: &Row<'_>, section: &SectionMapping, parameters: &Parameters<'_>) -> Result<bool, String> {
    let Some(column) = &section.nhs_number else { return Ok(false) };
    let held = text_of(row, column)?;
    let held: String = held.unwrap_or_default().split_whitespace().collect();
    Ok(held != parameters.nhs_number.expose())
}

fn item(row: &Row<'_>, mapping: &Mapping, section: Section, of: &SectionMapping) -> Result<wire::Item, String> {
    let mut message = DynamicMessage::new(mapping.item.clone());
    set_columns(&mut message, row, &of.columns)?;
    for constant in &of.constants {
        constant.set(&mut message)?;
    }
    if let Some(detail) = mapping.item.get_field_by_name(detail_field(section)) {
        // Even an item that has nothing of its kind is of that kind.
        message.get_field_mut(&detail);
    }
    prune(&mut message);
    let mut item: wire::Item = message.transcode_to().map_err(|_| "the row does not make an item".to_owned())?;
    item.raw_digest = row_digest(row);
    if item.source_record_id.is_empty() {
        let digest: String = item.raw_digest.iter().map(|byte| format!("{byte:02x}")).collect();
        item.source_record_id = format!("{section}/sha256:{digest}");
    }
    Ok(item)
}
