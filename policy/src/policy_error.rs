//! Why policies are refused at load.

use crate::RoleTableError;

/// Why a set of policies is refused. Each names the file, and the policy where there is one.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file or folder cannot be read.
    #[error("{file} cannot be read")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The manifest is no manifest.
    #[error("manifest.json: expected version and files, each file with its SHA-256 in hexadecimal")]
    Manifest(#[source] serde_json::Error),
    /// A file of the manifest is not there.
    #[error("{file} is named in manifest.json and is not there; the set is not complete")]
    Missing {
        /// The file.
        file: String,
    },
    /// A file is there that the manifest does not name.
    #[error("{file} is not named in manifest.json; name it there or remove it")]
    Unnamed {
        /// The file.
        file: String,
    },
    /// A file is not the one that the manifest names.
    #[error("{file} is not the file that manifest.json names: its SHA-256 is {found}")]
    Changed {
        /// The file.
        file: String,
        /// What its digest is.
        found: String,
    },
    /// A file does not parse.
    #[error("{file} does not parse: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// What the parser says.
        message: String,
    },
    /// The policies of a file do not validate strictly against the schema.
    #[error("{file} does not validate against the schema: {message}")]
    Invalid {
        /// The file.
        file: String,
        /// What the validator says.
        message: String,
    },
    /// A policy of a file breaks one of our own rules.
    #[error("{file}, policy {policy}: {fault}")]
    Policy {
        /// The file.
        file: String,
        /// Its id, or its position if it has none.
        policy: String,
        /// Which rule.
        fault: PolicyFault,
    },
    /// A kind of requester or a section that policies cannot name, because entities.json lacks it.
    #[error("entities.json has no {name}")]
    NoEntity {
        /// Type and id.
        name: String,
    },
    /// The role table is refused.
    #[error(transparent)]
    Roles(#[from] RoleTableError),
}

/// Which of our own rules a policy breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// An annotation that every policy needs is missing or empty.
    #[error("needs the annotation @{0}(\"...\"), which is not empty")]
    NoAnnotation(&'static str),
    /// An annotation that means nothing.
    #[error("only @id, @reason and, on a permit, @filter mean something")]
    UnknownAnnotation,
    /// A filter word that is no predicate.
    #[error("@filter names no known predicate; expected words like \"last_three,active\"")]
    UnknownFilter,
    /// Another policy has this id.
    #[error("another policy has this id")]
    DuplicateId,
    /// A template, which nothing would ever link.
    #[error("templates are not used; name the principal and the resource")]
    Template,
    /// A name that entities.json does not have: a typing mistake that would never match.
    #[error("{0} does not exist; expected a name of entities.json, or an ODS code")]
    UnknownName(String),
    /// A permit that does not say up to which level.
    #[error("a permit says up to which level: action in Action::\"up_to_...\"")]
    Ungraded,
    /// A controller's own policies may only forbid more.
    #[error("a controller's own policies may only forbid, and this one permits")]
    LocalPermit,
}
