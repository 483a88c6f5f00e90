//! A configuration file and its text.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeTable;

use super::fault::Faults;
use super::place::Place;
use crate::load::file;

/// More than any configuration has.
const MOST_BYTES: u64 = 1 << 20;

/// A configuration file that was read and not yet parsed.
pub struct Document {
    file: Arc<Path>,
    text: String,
}

impl Document {
    /// Reads a file; none, with the fault noted, when it cannot be read.
    pub fn open(path: &Path, faults: &Faults) -> Option<Self> {
        let file = Arc::from(path);
        let place = Place::file(&file);
        let bytes = match file::read(path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(problem) => return faults.refuse(&place, problem.what, problem.remedy),
        };
        match String::from_utf8(bytes) {
            Ok(text) => Some(Document { file, text }),
            Err(_) => faults.refuse(&place, "is not text in UTF-8", "name a TOML file with --config"),
        }
    }

    /// Parses the text as TOML; none, with every fault of its syntax noted, when it is not.
    pub fn parse(&self, faults: &Faults) -> Option<Spanned<DeTable<'_>>> {
        let (root, errors) = DeTable::parse_recoverable(&self.text);
        for error in &errors {
            let place = self.place(error.span().unwrap_or_default(), String::new());
            faults.note(&place, format!("is not TOML: {}", error.message()), "correct this line");
        }
        errors.is_empty().then_some(root)
    }

    /// The place of a span of bytes.
    pub(super) fn place(&self, span: Range<usize>, field: String) -> Place {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count().saturating_add(1);
        let last = before.rsplit('\n').next().unwrap_or_default();
        let column = last.chars().count().saturating_add(1);
        Place { file: Arc::clone(&self.file), position: Some((line, column)), field }
    }

    /// A path as the configuration means it: relative to the folder that the configuration is in.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(path)
    }
}
