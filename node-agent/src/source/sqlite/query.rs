//! One query for one person, and its rows.

use prost_reflect::DynamicMessage;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{CachedStatement, Connection, Row};
use sha2::{Digest as _, Sha256};
use weald_proto::{NhsNumber, limit};

use super::column::Column;
use super::connection::{missing, problem};

/// What a query may be asked with.
pub(crate) struct Parameters<'a> {
    /// `:nhs_number`
    pub(crate) nhs_number: &'a NhsNumber,
    /// `:person`: the local system's own id.
    pub(crate) person: Option<&'a Value>,
}

/// Prepares a query, and checks that it reads only, takes at least one of these parameters (if there
/// are any) and no other, and has these columns.
///
/// # Errors
///
/// What is missing: table, column or parameter.
pub(crate) fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
    parameters: &[&str],
    columns: &[&str],
) -> Result<CachedStatement<'c>, String> {
    let statement = connection.prepare_cached(sql).map_err(|error| missing(&error))?;
    if !statement.readonly() {
        return Err("the query writes".to_owned());
    }
    if !parameters.is_empty() && statement.parameter_count() == 0 {
        return Err(format!(
            "the query is not for one person: use {} outside comments and texts",
            parameters.join(" or ")
        ));
    }
    for index in 1..=statement.parameter_count() {
        if !statement.parameter_name(index).is_some_and(|name| parameters.contains(&name)) {
            return Err(format!("the query has a parameter that is not one of {}", parameters.join(", ")));
        }
    }
    let absent: Vec<&str> = {
        let held: Vec<&str> = statement.column_names().collect();
        let is_held = |column: &str| held.iter().any(|name| name.eq_ignore_ascii_case(column));
        columns.iter().filter(|column| !is_held(column)).copied().collect()
    };
    if absent.is_empty() {
        return Ok(statement);
    }
    Err(format!("there is no column {}: put it back, or correct the mapping", absent.join(", ")))
}

/// Asks a prepared query and looks at each row.
///
/// # Errors
///
/// What the database, or `look` says; and a query that gives more rows than any person has.
pub(crate) fn each_row(
    statement: &mut CachedStatement<'_>,
    parameters: &Parameters<'_>,
    mut look: impl FnMut(&Row<'_>) -> Result<(), String>,
) -> Result<(), String> {
    bind(statement, parameters).map_err(|error| problem(&error))?;
    let mut rows = statement.raw_query();
    let mut count = 0;
    while let Some(row) = rows.next().map_err(|error| problem(&error))? {
        count += 1;
        if count > limit::ITEMS {
            return Err(format!("more than {} rows: is the query for one person?", limit::ITEMS));
        }
        look(row)?;
    }
    Ok(())
}

fn bind(statement: &mut CachedStatement<'_>, parameters: &Parameters<'_>) -> rusqlite::Result<()> {
    if let Some(index) = statement.parameter_index(":nhs_number")? {
        statement.raw_bind_parameter(index, parameters.nhs_number.expose())?;
    }
    if let (Some(index), Some(person)) = (statement.parameter_index(":person")?, parameters.person) {
        statement.raw_bind_parameter(index, person)?;
    }
    Ok(())
}

/// Sets the fields of a message from a row.
///
/// # Errors
///
/// Names the column and what is wrong with its value.
pub(crate) fn set_columns(message: &mut DynamicMessage, row: &Row<'_>, columns: &[Column]) -> Result<(), String> {
    for column in columns {
        let named = |problem: String| format!("column {}: {problem}", column.name);
        if let Some(held) = text_of(row, &column.name).map_err(named)? {
            column.set(message, &held).map_err(named)?;
        }
    }
    Ok(())
}

/// What a column holds, as text; `None` for NULL. Numbers are told in the fewest digits that mean them.
///
/// # Errors
///
/// For bytes, for text that is not UTF-8, and for text that no answer has room for.
pub(crate) fn text_of(row: &Row<'_>, column: &str) -> Result<Option<String>, String> {
    match row.get_ref(column).map_err(|error| problem(&error))? {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number.to_string())),
        ValueRef::Real(number) => Ok(Some(number.to_string())),
        ValueRef::Text(text) if text.len() > limit::ANSWER_BYTES => Err("holds more than an answer can".to_owned()),
        ValueRef::Text(text) => String::from_utf8(text.to_vec()).map(Some).map_err(|_| "is not UTF-8 text".to_owned()),
        ValueRef::Blob(_) => Err("holds bytes: cast it to text in the query".to_owned()),
    }
}

/// SHA-256 of a row: for each column in order its name, its type and its value, each after its length.
pub(crate) fn row_digest(row: &Row<'_>) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut part = |tag: &str, bytes: &[u8]| {
        hash.update(tag.as_bytes());
        hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    for (index, name) in row.as_ref().column_names().enumerate() {
        part("c", name.as_bytes());
        match row.get_ref(index) {
            Ok(ValueRef::Integer(number)) => part("i", &number.to_be_bytes()),
            Ok(ValueRef::Real(number)) => part("r", &number.to_be_bytes()),
            Ok(ValueRef::Text(text)) => part("t", text),
            Ok(ValueRef::Blob(bytes)) => part("b", bytes),
            Ok(ValueRef::Null) | Err(_) => part("n", &[]),
        }
    }
    hash.finalize().to_vec()
}
