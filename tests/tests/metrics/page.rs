//! The tables of `docs/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};

/// What the page says of one metric.
pub(crate) struct Row {
    pub(crate) kind: String,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) unit: String,
    pub(crate) meaning: String,
}

/// Every metric of the page, by name.
pub(crate) fn metrics() -> BTreeMap<String, Row> {
    let page = include_str!("../../../docs/metrics.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("| `weald_")).collect();
    let rows: BTreeMap<String, Row> = lines.iter().map(|line| row(line)).collect();
    assert_eq!(rows.len(), lines.len(), "a metric has two rows");
    rows
}

fn row(line: &str) -> (String, Row) {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let [_, name, kind, labels, unit, meaning, _alert, _] = cells[..] else { panic!("six columns: {line}") };
    let words = labels.split(',').map(|label| label.trim().trim_matches('`').to_owned());
    let labels = words.filter(|label| !label.is_empty()).collect();
    let (kind, unit, meaning) = (kind.to_owned(), unit.to_owned(), meaning.to_owned());
    (name.trim_matches('`').to_owned(), Row { kind, labels, unit, meaning })
}
