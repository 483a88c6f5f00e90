//! The mapping of a database that was written here: TOML, as a node's SQLite source takes it.

use std::fmt::Write as _;

use weald_proto::Section;

use super::layout::{CODED_APART, Column, Form, columns};
use crate::population::{Organisation, sections_held};

/// Who the person is.
const PERSON: &str = r#"[person]
query = "SELECT * FROM person WHERE nhs_number = :nhs_number"
id = "person_no"

[person.columns]
nhs_number = "nhs_number"
born = "birth_date"
title = "names.prefix"
forenames = { field = "names.given", json = true }
surname = "names.family"
full_name = "names.text"
name_use = "names.use"
"#;

/// The mapping for an organisation's database.
pub(super) fn text(organisation: &Organisation) -> String {
    let mut text = format!("# Records of {}, {}.\n\n{PERSON}", organisation.name, organisation.ods);
    for section in sections_held(organisation.kind) {
        write_section(&mut text, *section, organisation).unwrap_or_default();
    }
    text
}

fn write_section(text: &mut String, section: Section, organisation: &Organisation) -> std::fmt::Result {
    writeln!(text, "\n[sections.{section}]")?;
    if CODED_APART.contains(&section) {
        writeln!(text, "query = \"\"\"\n{}\"\"\"", query(section))?;
    } else {
        writeln!(text, "table = \"{section}\"\nperson = \"person_no\"\norder = \"entry\"")?;
    }
    writeln!(text, "\n[sections.{section}.columns]")?;
    if CODED_APART.contains(&section) {
        writeln!(text, "codings = {{ field = \"codes\", json = true }}")?;
    }
    for column in columns(section) {
        write_column(text, column)?;
    }
    writeln!(text, "\n[sections.{section}.constants]\nsource_system = \"{}\"", organisation.source_system)?;
    writeln!(text, "\"contact.telecoms.system\" = \"phone\"\n\"contact.telecoms.use\" = \"work\"")?;
    if section == Section::Demographics {
        writeln!(text, "\"detail.gp_practice.telecoms.system\" = \"phone\"")?;
        writeln!(text, "\"detail.gp_practice.telecoms.use\" = \"work\"")?;
    }
    Ok(())
}

fn write_column(text: &mut String, column: &Column) -> std::fmt::Result {
    let Column { name, path, form } = column;
    match form {
        Form::Plain => writeln!(text, "{name} = \"{path}\""),
        Form::Json => writeln!(text, "{name} = {{ field = \"{path}\", json = true }}"),
        Form::Local(words) => {
            let words: Vec<String> = words.iter().map(|(local, meant)| format!("{local} = \"{meant}\"")).collect();
            writeln!(text, "{name} = {{ field = \"{path}\", values = {{ {} }} }}", words.join(", "))
        }
    }
}

/// Gathers the codes of an entry from the table of codings.
fn query(section: Section) -> String {
    format!(
        "SELECT t.*, (SELECT json_group_array(json_object('system', c.scheme, 'code', c.code, 'display', c.words))
    FROM (SELECT * FROM coding WHERE section = '{section}' AND entry = t.entry ORDER BY place) AS c) AS codings
FROM [{section}] AS t WHERE t.person_no = :person ORDER BY t.entry
"
    )
}
