//! A TOML file, read strictly and to its end: every fault is found before any is printed.
//!
//! serde would stop at the first fault and does not say at which field it was. Here a [`Table`] is asked for its
//! [`Key`]s; what is missing, unknown or of another type is noted in [`Faults`], and reading goes on.

mod document;
mod fault;
mod key;
mod nearest;
mod place;
mod table;

pub use document::Document;
pub use fault::{Fault, Faults};
pub use key::Key;
pub use place::{Place, Placed};
pub use table::Table;
