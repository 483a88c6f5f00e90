//! What broker and node have in common as processes, and nothing else: how they are configured, started and
//! stopped, and what they write while they run.
//!
//! - [`configuration`] reads a TOML file strictly. Whatever is wrong becomes a [`Fault`] that names file, line,
//!   field and remedy; all of them are collected before anything is printed.
//! - [`load`] reads what a configuration points at: certificates, the register, keys, the audit log. Its faults
//!   point at the line of the configuration that names the file.
//! - [`metrics`] is what can be read of a process from outside: counts, times, and whether it is fit to serve.
//! - [`status`] is how it does and whom it is connected with, for whoever sits at its machine.
//! - [`Program`] is what differs between the two; [`main`] is the rest, from the command line to the exit code.
//!
//! Nothing here knows what a query or an answer is.

pub mod command;
pub mod configuration;
pub mod exit;
pub mod load;
pub mod log;
pub mod metrics;
mod panic;
pub mod program;
mod serve;
pub mod status;

pub use command::Command;
pub use configuration::{Document, Fault, Faults, Key, Place, Placed, Table};
pub use exit::Exit;
pub use log::LogSettings;
pub use metrics::{Describe, MetricsSettings, Watched, WatchedLink};
pub use program::{Program, main};
pub use serve::{Beside, Service, Way};
