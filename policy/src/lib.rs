//! May this be answered, and what may leave.
//!
//! - [`Engine`] decides by Cedar policies; its [`Decision`] holds a [`Permit`], which nothing else makes.
//! - [`Permitted`] ties a permit to who asks, about whom and why: what record stores and caches take.
//!
//! Pure: after policies are loaded there is no input and no output. Nothing about an individual
//! enters a policy.

mod baseline;
pub mod circumstances;
pub mod decision;
pub mod engine;
pub mod kind;
mod manifest;
pub mod permit;
pub mod permitted;
pub mod policy_error;
pub mod roles;
mod rules;
mod vocabulary;

pub use circumstances::Circumstances;
pub use decision::{Decision, SectionReason};
pub use engine::Engine;
pub use kind::RequesterKind;
pub use permit::{Permit, conceals};
pub use permitted::Permitted;
pub use policy_error::{PolicyError, PolicyFault};
pub use roles::{RoleTable, RoleTableError, UnknownRole};
