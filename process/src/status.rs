//! How a running process does, for whoever is at its machine: `PROGRAM status --config FILE`.
//!
//! The process says it at `/status`, beside its metrics, to this machine only; the command asks there, and
//! prints it as a table or as the JSON that it got. `docs/status.md` describes the form.

mod ask;
mod command;
mod form;
mod layout;
mod plain;

pub(crate) use command::status;
pub(crate) use form::Facts;
pub use form::{Described, FORM, Failure, PartyStatus, RegisterStatus, Status, Trouble};
pub use layout::{Columns, Report, ago, known, millis, moment, number, or_unknown, page};
