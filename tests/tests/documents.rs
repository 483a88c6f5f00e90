//! What the documents promise: that the tests they name exist, that their links lead somewhere, and that the
//! example in docs/assertion.md is an assertion.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weald_proto::{Assertion, Signable as _};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every document of the repository, by path from its root.
fn documents() -> BTreeMap<PathBuf, String> {
    let root = root();
    let mut folders = vec![root.join("docs")];
    let mut found: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root.join(name)).into();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }
    found.into_iter().map(|path| (path.strip_prefix(&root).unwrap().to_owned(), read(&path))).collect()
}

/// What stands between back-ticks on one line.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// True if `source` has a test of that name: the function, with a test attribute just above it.
fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let declares = line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        let attributes = lines[..at].iter().rev().take_while(|above| above.starts_with('#') || above.starts_with("//"));
        declares == Some(name) && attributes.into_iter().any(|above| above.contains("test"))
    })
}

#[test]
fn every_test_that_a_document_names_exists() {
    let mut named = 0;
    for (document, text) in documents() {
        for (file, test) in quoted(&text).filter_map(|word| word.split_once(".rs::")) {
            let file = format!("{file}.rs");
            let source = read(&root().join(&file));
            assert!(has_test(&source, test), "{}: no test {test} in {file}", document.display());
            named += 1;
        }
    }
    assert!(named > 50, "the threat model names its tests as `file.rs::test`, and {named} were found");
}

#[test]
fn every_row_of_the_threat_model_names_a_test() {
    let text = read(&root().join("docs/threat-model.md"));
    let (shown, _) = text.split_once("## Not shown yet").unwrap();
    let mut header = "";
    for line in shown.lines().filter(|line| line.starts_with('|')) {
        if line.starts_with("| threat") || line.starts_with("| who") {
            header = line;
        } else if header.ends_with("shown by |") && !line.starts_with("|---") {
            assert!(line.contains(".rs::"), "no test in the row {line}");
        }
    }
    assert!(header.ends_with("shown by |"), "the tables end with the column `shown by`");
}

#[test]
fn every_relative_link_leads_somewhere() {
    for (document, text) in documents() {
        let folder = root().join(&document).parent().unwrap().to_owned();
        for rest in text.split("](").skip(1) {
            let target = rest.split([')', '#']).next().unwrap();
            if target.is_empty() || target == "..." || target.contains("://") {
                continue;
            }
            assert!(folder.join(target).exists(), "{} links to {target}, which does not exist", document.display());
        }
    }
}

#[test]
fn every_decision_record_is_in_the_index_and_numbered_without_gaps() {
    let index = read(&root().join("docs/decisions/README.md"));
    let mut records: Vec<String> = std::fs::read_dir(root().join("docs/decisions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
        .collect();
    records.sort();
    for (number, name) in (1..).zip(&records) {
        assert!(name.starts_with(&format!("{number:04}-")), "{name} should be number {number}");
        assert!(index.contains(name), "{name} is not in the index");
        let title = read(&root().join("docs/decisions").join(name));
        assert!(title.starts_with(&format!("# {number}. ")), "{name} has another number in its title");
    }
}

#[test]
fn the_example_of_an_assertion_is_one_and_says_all_that_it_means() {
    let text = read(&root().join("docs/assertion.md"));
    let example = text.split("```json").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let assertion = Assertion::decode(example.as_bytes()).unwrap();
    let (written, meant): (Value, Value) =
        (serde_json::from_str(example).unwrap(), serde_json::from_slice(&assertion.encode()).unwrap());
    assert_eq!(sorted(written), sorted(meant));
}

/// With the list of sections in one order: it is a set.
fn sorted(mut claims: Value) -> Value {
    let sections = claims["sections"].as_array_mut().unwrap();
    sections.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    claims
}

#[test]
fn the_readme_gives_each_of_its_two_commands_once() {
    let text = read(&root().join("README.md"));
    let commands: Vec<&str> = text
        .split("```sh\n")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().unwrap().lines())
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert_eq!(commands, ["cargo run --release --bin demo", "cargo test --workspace"]);
}

#[test]
fn a_test_is_told_from_a_function_that_only_has_its_name() {
    assert!(has_test("#[test]\nfn it_holds() {}", "it_holds"));
    assert!(has_test("    #[tokio::test(flavor = \"multi_thread\")]\n    async fn it_holds() {}", "it_holds"));
    assert!(!has_test("fn it_holds() {}", "it_holds"));
    assert!(!has_test("#[test]\nfn it_holds_too() {}", "it_holds"));
    assert!(!has_test("#[test]\nfn other() {}\n\nfn it_holds() {}", "it_holds"));
}
