//! Silence about people: what a federation writes, searched for what is in its people's records.
//!
//! One [`Channel`] after another is listened to, of every crate and at trace level. Whatever builds a
//! federation or writes a source [begins a watch](begin) over its process: the first [`Leak`] of
//! something that it was told to be [secret](Secrets) ends the process, so that no run with a leak
//! passes. [`Recorder`] keeps everything instead, for a test that plants leaks and looks for them.
//! A leak says what kind of secret stood where, without repeating it.

mod ear;
mod form;
mod metric;
mod pattern;
mod recorder;
mod scan;
mod secret;
mod status;
mod watch;

pub use ear::Channel;
pub use recorder::{Recorder, Recording};
pub use scan::Leak;
pub use secret::{SecretKind, Secrets};
pub use status::overheard;
pub use watch::{begin, begin_before, decline, hear, hear_error, know, voices};
