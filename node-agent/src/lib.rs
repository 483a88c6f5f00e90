//! A node: an organisation's agent beside its own system.

pub mod source;
pub mod store;

pub use store::{Person, Reading, Record, RecordStore, SectionReading, StoreError};
