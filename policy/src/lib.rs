//! May this be answered, and what may leave.
//!
//! - [`Engine`] decides by Cedar policies; its [`Decision`] holds a [`Permit`], which nothing else makes.
//! - [`Permitted`] ties a permit to who asks, about whom and why: what record stores and caches take.
//! - [`release()`] cuts a section down to the permit; only a [`Released`] may be signed.
//!
//! Pure: after policies are loaded there is no input and no output. Nothing about an individual
//! enters a policy.
//!
//! To change who sees what: edit `policies/*.cedar`, then `policies/manifest.json` (its version, and
//! the file's SHA-256, which the refusal of a changed file names), and `matrix.csv`, which says what
//! the tests expect and is never derived from the policies. A role is a row of `policies/roles.csv`.

mod baseline;
pub mod circumstances;
mod date;
pub mod decision;
pub mod engine;
mod fields;
mod filter;
pub mod kind;
pub mod label;
mod manifest;
pub mod permit;
pub mod permitted;
mod plan;
pub mod policy_error;
pub mod release;
mod remembered;
pub mod roles;
mod rules;
mod status;
mod vocabulary;

pub use circumstances::Circumstances;
pub use decision::{Decision, SectionReason};
pub use engine::Engine;
pub use kind::RequesterKind;
pub use permit::{Permit, conceals};
pub use permitted::Permitted;
pub use policy_error::{PolicyError, PolicyFault};
pub use release::{Released, release};
pub use roles::{RoleTable, RoleTableError, UnknownRole};
