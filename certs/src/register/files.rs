//! The files of a register as they were signed, for whoever passes them on.

use std::fmt;

use arc_swap::ArcSwap;
use hyper::body::Bytes;
use weald_proto::Malformed;

use super::Register;

/// The most characters of a name.
const NAME_CHARS: usize = 128;

/// The name of a register file: 1 to 128 of `a-z 0-9 - _ .`, not beginning with a dot. It is looked up among
/// names, and never a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// Parses a name.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other character or length.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_one = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        let fits = (1..=NAME_CHARS).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_one);
        if fits {
            Ok(FileName(text.to_owned()))
        } else {
            Err(Malformed::new("name", "1 to 128 of a-z, 0-9, '-', '_' and '.', not beginning with '.'"))
        }
    }

    /// The register itself, as one signed file.
    pub fn register() -> Self {
        FileName("register.json".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file as it was signed. `Debug` prints no more than its size.
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterFile {
    /// Its version: one that is greater is newer.
    pub version: u64,
    /// The file.
    pub bytes: Bytes,
}

impl fmt::Debug for RegisterFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterFile(version {}, {} bytes)", self.version, self.bytes.len())
    }
}

/// The register files that are passed on, by name: always those that whoever passes them on goes by.
pub trait RegisterFiles: Send + Sync {
    /// The newest file of that name, if there is one. Must not block.
    fn file(&self, name: &FileName) -> Option<RegisterFile>;
}

/// The newest register, as one file.
impl RegisterFiles for ArcSwap<Register> {
    fn file(&self, name: &FileName) -> Option<RegisterFile> {
        let register = self.load();
        (*name == FileName::register())
            .then(|| RegisterFile { version: register.version(), bytes: register.file().clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        let target = format!("{}.members-07.json", "5f".repeat(32));
        for name in [target.as_str(), "register.json", "5.root.json", "members-07.json", "timestamp.json"] {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
        let long = "x".repeat(NAME_CHARS + 1);
        for path in ["", ".", "..", "../tls.key", "/etc/passwd", "a/b", "a\\b", "A.json", "%2e", "a\0", &long] {
            assert!(FileName::parse(path).is_err(), "{path:?}");
        }
    }
}
