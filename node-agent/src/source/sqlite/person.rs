//! Who a database says a person is.

use std::collections::BTreeSet;

use prost_reflect::DynamicMessage;
use rusqlite::Connection;
use rusqlite::types::Value;
use weald_proto::{NhsNumber, wire};

use super::mapping::{Mapping, PersonMapping};
use super::path::prune;
use super::query::{self, Parameters, each_row, set_columns};

/// A person: the local ids by which sections are asked, and the identity block.
pub(crate) struct Known {
    pub(crate) ids: Vec<Value>,
    pub(crate) identity: wire::IdentityBlock,
}

/// Checks that the query for a person can be asked.
///
/// # Errors
///
/// What is missing.
pub(crate) fn check(connection: &Connection, person: &PersonMapping) -> Result<(), String> {
    prepare(connection, person).map(drop)
}

/// Finds a person; `None` if the query gives no row. Several rows are several local ids of one
/// person: their names add up, and birth dates that differ leave none, so that the identity gate refuses.
///
/// # Errors
///
/// What is missing or does not fit.
pub(crate) fn find(connection: &Connection, mapping: &Mapping, number: &NhsNumber) -> Result<Option<Known>, String> {
    let person = &mapping.person;
    let mut statement = prepare(connection, person)?;
    let mut ids = Vec::new();
    let mut blocks: Vec<wire::IdentityBlock> = Vec::new();
    each_row(&mut statement, &Parameters { nhs_number: number, person: None }, |row| {
        let id: Value = row.get(person.id.as_str()).map_err(|_| format!("column {}: cannot be read", person.id))?;
        if id == Value::Null {
            return Err(format!("column {}: is empty", person.id));
        }
        let mut message = DynamicMessage::new(mapping.identity.clone());
        set_columns(&mut message, row, &person.columns)?;
        prune(&mut message);
        blocks.push(message.transcode_to().map_err(|_| "the row does not make an identity".to_owned())?);
        ids.push(id);
        Ok(())
    })?;
    Ok((!ids.is_empty()).then(|| Known { ids, identity: one(&blocks, number) }))
}

fn prepare<'c>(connection: &'c Connection, person: &PersonMapping) -> Result<rusqlite::CachedStatement<'c>, String> {
    let columns = person.columns.iter().map(|column| column.name.as_str());
    let columns: Vec<&str> = columns.chain([person.id.as_str()]).collect();
    query::prepare(connection, &person.query, &[":nhs_number"], &columns)
}

fn one(blocks: &[wire::IdentityBlock], number: &NhsNumber) -> wire::IdentityBlock {
    let only = |values: BTreeSet<&str>| match values.len() {
        1 => values.first().copied().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let held = only(blocks.iter().map(|block| block.nhs_number.as_str()).collect());
    let mut names = Vec::new();
    for name in blocks.iter().flat_map(|block| &block.names) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    wire::IdentityBlock {
        salt: Vec::new(),
        // A query that does not repeat the number found the person by it.
        nhs_number: if held.is_empty() { number.expose().to_owned() } else { held },
        birth_date: only(blocks.iter().map(|block| block.birth_date.as_str()).collect()),
        names,
    }
}
