//! The contract of Weald: what crosses the wire, and the types that carry proof of it.
//!
//! - [`wire`] is what `proto/weald/v1/*.proto` generates; nothing outside a door uses it unparsed.
//! - Newtypes parse at the door: [`NhsNumber`], [`OdsCode`], [`SpiffeId`], [`JobRole`], [`Purpose`] ...
//! - [`Signed`] is bytes under a signature, [`Verified`] is what they say once it was checked;
//!   there is no other way to make a `Verified`.
//! - [`Answer::verify`] binds an answer to its query; [`completeness`] says what silence means.
//!
//! Without the default feature `grpc` the crate has neither tonic nor tokio.

pub mod accept;
pub mod answer;
pub mod assertion;
pub mod bounded;
pub mod closed;
pub mod completeness;
pub mod digest;
mod elements;
pub mod enrolment;
pub mod env;
pub mod grant;
mod identical;
pub mod identity;
pub mod ids;
pub mod jws;
pub mod key;
pub mod limit;
pub mod malformed;
pub mod merge;
#[cfg(feature = "grpc")]
pub mod network;
pub mod nhs_number;
pub mod no_answer;
pub mod ods;
pub mod organisation;
pub mod outline;
pub mod patient;
pub mod plan;
pub mod purpose;
pub mod query;
pub mod reason;
pub mod replay;
pub mod requester;
pub mod role;
pub mod section;
#[cfg(feature = "grpc")]
pub mod service;
pub mod session;
pub mod signed;
pub mod spiffe;
pub mod statement;
#[cfg(feature = "grpc")]
pub mod status;
pub mod time;
mod version;
pub mod wire;

/// The name by which generated services find the messages.
#[cfg(feature = "grpc")]
use wire as v1;

pub use accept::NotAccepted;
pub use answer::{Answer, AnswerError, OpaquePart, VerifiedAnswer};
pub use assertion::{Assertion, BreakGlassReason, Relationship, RelationshipKind};
pub use completeness::{Completeness, RolledState};
pub use digest::Digest;
pub use elements::elements;
pub use enrolment::{Enrolled, Enrolment, EnrolmentProof, EnrolmentToken, TokenProof};
pub use env::{Clock, ManualClock, Random, SystemClock, SystemRandom};
pub use grant::{Filter, Grant};
pub use identity::{Identity, IdentityMismatch};
pub use ids::{Instance, Jti, Nonce, QueryId, SessionId, ViewId};
pub use jws::SignedAssertion;
pub use key::{KeyEntry, KeyId, KeyOwner, KeyUse, Keyring, Membership, SigningKey, VerifyingKey};
pub use malformed::Malformed;
pub use nhs_number::NhsNumber;
pub use no_answer::{NoAnswer, OutcomeReason};
pub use ods::OdsCode;
pub use organisation::OrganisationKind;
pub use outline::Outline;
pub use patient::{BirthDate, FamilyName, Patient};
pub use plan::{MergePlan, PlanError};
pub use purpose::Purpose;
pub use query::Query;
pub use reason::Reason;
pub use replay::Replay;
pub use requester::Requester;
pub use role::JobRole;
pub use section::{Level, Outcome, Predicate, Section, SectionState, UnavailableCause, WithheldReason};
pub use signed::{Signable, Signed, Verified, VerifyError};
pub use spiffe::{FederationName, SpiffeId, SpiffePath};
pub use statement::{SectionStatement, Statement};
#[cfg(feature = "grpc")]
pub use status::Told;
pub use time::Timestamp;

/// The compiled descriptors of every .proto file, for reflection and for tests.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
