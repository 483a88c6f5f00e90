//! What is said of a configuration that is not as it should be, and that all of it is said.

#![cfg(test)]

use weald_process::{Document, Faults, Key, Table};

const NAME: Key = Key::new("name", "\"b1\"");
const LISTEN: Key = Key::new("listen", "\"127.0.0.1:7400\"");
const COLOUR: Key = Key::new("colour", "\"red\"");
const TLS: Key = Key::new("tls", "{ key = \"tls.key\" }");
const FILE: Key = Key::new("key", "\"tls.key\"");
const LIST: Key = Key::new("list", "[{ name = \"b1\" }]");

/// The faults of reading all keys of a text, without the file's name.
fn faults(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weald.toml");
    std::fs::write(&path, text).unwrap();
    let faults = Faults::default();
    if let Some(document) = Document::open(&path, &faults)
        && let Some(parsed) = document.parse(&faults)
    {
        let root = Table::root(&document, &parsed, &faults, &[NAME, LISTEN, COLOUR, TLS, LIST]);
        root.text(NAME);
        root.address(LISTEN);
        root.word_if_any(COLOUR, &[("red", 1), ("green", 2)]);
        if let Some(tls) = root.table(TLS, &[FILE]) {
            tls.path(FILE);
        }
        for table in root.tables(LIST, &[NAME]).unwrap_or_default() {
            table.text(NAME);
        }
    }
    let place = path.display().to_string();
    faults.into_sorted().iter().map(|fault| fault.to_string().replace(&place, "FILE")).collect()
}

const GOOD: &str = r#"name = "b1"
listen = "127.0.0.1:7400"
colour = "green"

[tls]
key = "tls.key"

[[list]]
name = "one"

[[list]]
name = "two"
"#;

#[test]
fn nothing_is_said_of_what_is_good() {
    assert_eq!(faults(GOOD), Vec::<String>::new());
    let elsewhere = "name='b1'\nlisten='[::1]:0'\ntls={key='a'}\nlist=[{name='one'}]";
    assert_eq!(faults(elsewhere), Vec::<String>::new());
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let text = GOOD
        .replace("name = \"b1\"", "# gr\u{fc}n\nnmae = \"b1\"")
        .replace("127.0.0.1:7400", "here")
        .replace("green", "greeen")
        .replace("key = \"tls.key\"", "key = 7")
        .replace("name = \"two\"", "name = \"\"");
    let expected = [
        "FILE:1:1: field `name`: is missing; write name = \"b1\"",
        "FILE:2:1: field `nmae`: is not known; did you mean `name`?; correct or remove it: the keys here are name, listen, colour, tls, list",
        "FILE:3:10: field `listen`: is not an IP address and a port; write it like listen = \"127.0.0.1:7400\"",
        "FILE:4:10: field `colour`: is none of red, green; did you mean \"green\"?",
        "FILE:7:7: field `tls.key`: must be a text, and is a whole number; write key = \"tls.key\"",
        "FILE:13:8: field `list[1].name`: is empty; write name = \"b1\"",
    ];
    assert_eq!(faults(&text), expected);
}

#[test]
fn a_missing_key_is_said_at_the_table_in_which_it_should_stand() {
    let text = GOOD.replace("key = \"tls.key\"\n", "").replace("name = \"two\"\n", "");
    let expected = [
        "FILE:5:1: field `tls.key`: is missing; write key = \"tls.key\" in `tls`",
        "FILE:10:1: field `list[1].name`: is missing; write name = \"b1\" in `list[1]`",
    ];
    assert_eq!(faults(&text), expected);
}

#[test]
fn tables_and_lists_are_not_taken_for_one_another() {
    let text = "name = [\"b1\"]\nlisten = { port = 1 }\ntls = \"tls.key\"\nlist = { name = \"one\" }\n";
    let said = faults(text);
    let found: Vec<&str> = said.iter().filter_map(|fault| fault.split("; ").next()).collect();
    let expected = [
        "FILE:1:8: field `name`: must be a text, and is a list",
        "FILE:2:10: field `listen`: must be a text, and is a table",
        "FILE:3:7: field `tls`: must be a table, and is a text",
        "FILE:4:8: field `list`: must be a list of tables, and is a table",
    ];
    assert_eq!(found, expected);
    assert_eq!(faults(&GOOD.replace("colour = \"green\"", "colour = 2026-11-22")).len(), 1);
}

#[test]
fn every_fault_of_syntax_has_a_line_and_quotes_no_value() {
    let said = faults("name = \"b1\nlisten = secret\n[tls\n");
    assert!(said.len() > 1, "{said:?}");
    for (fault, line) in said.iter().zip(1..) {
        assert!(fault.starts_with(&format!("FILE:{line}:")), "{fault}");
        assert!(!fault.contains("secret") && !fault.contains("b1"), "{fault}");
    }
}
