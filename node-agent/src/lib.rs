//! A node: an organisation's agent beside its own system.
//!
//! [`answer`](answer::answer) is the whole pipeline on one page: verify, decide, read, release, record, sign.
//! Each step lives in the file named after it, and takes the type that the step before makes.

pub mod answer;
mod aside;
pub mod decide;
pub mod door;
mod metrics;
pub mod node;
pub mod read;
pub mod record;
pub mod refusal;
pub mod release;
pub mod service;
pub mod session;
pub mod sign;
pub mod source;
pub mod store;
pub mod verify;

pub use node::{Node, NodeParts};
pub use store::{Change, Person, Reading, Record, RecordStore, SectionReading, StoreError, Watch};
