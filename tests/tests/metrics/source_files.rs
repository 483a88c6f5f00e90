//! Which source files register metrics.

use std::path::{Path, PathBuf};

/// The crates that run beside people's records.
const CRATES: [&str; 8] = ["proto", "policy", "certs", "audit", "process", "broker", "node-agent", "viewer"];
const MACROS: [&str; 6] =
    ["counter!(", "gauge!(", "histogram!(", "describe_counter!(", "describe_gauge!(", "describe_histogram!("];

/// Files that call a macro of `metrics` and are not called `metrics.rs`, where labels are typed.
pub(crate) fn that_register_metrics_elsewhere() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for name in CRATES {
        collect(&root.join(name).join("src"), &mut files);
    }
    let registers = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        MACROS.iter().any(|name| text.contains(name))
    };
    let all: Vec<PathBuf> = files.into_iter().filter(registers).collect();
    assert!(all.len() >= 4, "broker, node, audit and certs register metrics; found only {all:?}");
    let elsewhere = all.iter().filter(|path| path.file_name().is_none_or(|name| name != "metrics.rs"));
    elsewhere.map(|path| path.display().to_string()).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
