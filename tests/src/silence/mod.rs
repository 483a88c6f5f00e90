//! Silence about people: what a federation writes, searched for what is in its people's records.
//!
//! [`Recorder`] keeps everything that is written at trace level, by our crates and by those that they
//! stand on, with every span field, every panic and the errors that it is shown. [`Secrets`] are the
//! people's NHS numbers, names, birth dates, addresses, telephones and free text in the forms that a
//! log could give them. A [`Leak`] says what kind of secret stood where, without repeating it.

mod form;
mod recorder;
mod scan;
mod secret;

pub use recorder::{Channel, Recorder, Recording};
pub use scan::Leak;
pub use secret::{SecretKind, Secrets};
