//! Writing the files of an estate.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes a file that everybody may read.
pub(super) fn public(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    fs::write(path, content).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that only its owner may read, in place of any of that name.
///
/// # Errors
///
/// When it cannot be written.
pub fn private(path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    if path.exists() {
        fs::remove_file(path).with_context(|| format!("cannot replace {}", path.display()))?;
    }
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(content.as_ref()));
    written.with_context(|| format!("cannot write {}", path.display()))
}
