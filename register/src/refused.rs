//! Why a file is not accepted.

use weald_proto::Malformed;

use crate::contents::ContentsFault;
use crate::document::Role;
use crate::key::RoleKeyId;
use crate::root::RootFault;

/// A file that is not accepted. Nothing that was believed before is believed less.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {fault}")]
pub struct Refused {
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Refused {
    pub(crate) fn new(file: impl Into<String>, fault: impl Into<Fault>) -> Self {
        Refused { file: file.into(), fault: fault.into() }
    }
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is longer than such a file may be, or than was said under a signature.
    #[error("longer than {longest} bytes: fetch it again, and from elsewhere if that persists")]
    TooLong {
        /// How long it may be.
        longest: usize,
    },
    /// It does not parse.
    #[error("does not parse: {0}")]
    Unreadable(String),
    /// It parses, and is not written in the one form that is accepted.
    #[error("not in canonical form: metadata is passed on byte for byte, never formatted again")]
    NotCanonical,
    /// A field does not hold.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// A root that does not hold.
    #[error(transparent)]
    Root(#[from] RootFault),
    /// It is of another role.
    #[error("a {found} where a {expected} was expected")]
    OtherRole {
        /// The role that was expected.
        expected: Role,
        /// The role that it says.
        found: Role,
    },
    /// A known key's signature does not fit the document.
    #[error("the signature of key {key} does not fit: the file was altered")]
    WrongSignature {
        /// The key.
        key: RoleKeyId,
    },
    /// A root is signed by a key of neither root.
    #[error("signed by key {key}, which is a root key neither of this root nor of the one before")]
    ForeignSignature {
        /// The key.
        key: RoleKeyId,
    },
    /// Fewer keys have signed than must.
    #[error("signed by {valid} of the {needed} keys that {by} asks for")]
    BelowThreshold {
        /// How many have.
        valid: usize,
        /// How many must.
        needed: u32,
        /// Who asks for so many.
        by: Asker,
    },
    /// It is older than one that was accepted.
    #[error(
        "{what} version {offered}, but version {known} was accepted before: a replay, or a mirror that lags behind"
    )]
    Older {
        /// Of what.
        what: Role,
        /// The version that was accepted.
        known: u64,
        /// The version that is offered.
        offered: u64,
    },
    /// It has the version of one that was accepted, and says something else.
    #[error("another {what} version {version} than the one that was accepted: two of one version must not exist")]
    Other {
        /// Of what.
        what: Role,
        /// The version of both.
        version: u64,
    },
    /// It has another version than the one that was asked for.
    #[error("{what} version {offered} where version {expected} was asked for")]
    OtherVersion {
        /// Of what.
        what: Role,
        /// The version that was asked for.
        expected: u64,
        /// The version that is offered.
        offered: u64,
    },
    /// It is not of the length that was said under a signature.
    #[error("{offered} bytes long, and {expected} were said")]
    Length {
        /// What was said.
        expected: u64,
        /// What came.
        offered: usize,
    },
    /// It is not the file whose hash was said under a signature.
    #[error("not the file that was said: its SHA-256 is another")]
    Digest,
    /// Whoever was asked does not have it, and must.
    #[error("missing where it was asked for: ask elsewhere")]
    Missing,
    /// The timestamp says that there is a newer root, and nobody gives it.
    #[error("root version {promised} exists and is withheld: ask elsewhere")]
    Withheld {
        /// The newest root that is known to exist.
        promised: u64,
    },
    /// There are more new roots than one update walks through.
    #[error("more than 256 roots in one update: start again from a newer root")]
    TooManyRoots,
    /// It is of another federation.
    #[error("the register of another federation")]
    OtherFederation,
    /// All of it was rightly signed, and what it says does not hold.
    #[error(transparent)]
    Contents(#[from] ContentsFault),
    /// Nobody asked for it.
    #[error("not asked for")]
    NotAskedFor,
}

/// Who asks for so many signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// The root that is known.
    KnownRoot,
    /// The root that is offered.
    OfferedRoot,
}

impl std::fmt::Display for Asker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Asker::KnownRoot => "the known root",
            Asker::OfferedRoot => "the root itself",
        })
    }
}

/// The most characters of a parser's complaint.
const COMPLAINT: usize = 200;

/// What a parser says of bytes that may be anybody's: one line, and no more than fits in one.
pub(crate) fn complaint(error: &serde_json::Error) -> String {
    error.to_string().chars().flat_map(char::escape_default).take(COMPLAINT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_anybodys_bytes_is_said_in_one_short_line() {
        let error = serde_json::from_str::<u8>(&format!("\"\\n{}\"", "x".repeat(10_000))).unwrap_err();
        let said = complaint(&error);
        assert!(said.len() <= COMPLAINT && !said.contains('\n'), "{said}");
        assert!(said.starts_with("invalid type"), "{said}");
    }
}
