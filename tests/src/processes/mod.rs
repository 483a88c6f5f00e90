//! The real programs, on the files of a whole federation.
//!
//! An [`Estate`] is everything that the processes of a federation read: keys, certificates, the register, sources
//! and configurations, in one folder. [`Program`] finds `weald-broker` and `weald-node`, and [`Running`] is one of them
//! as a process of its own. Time is the machine's.

mod build;
mod configuration;
mod crowd;
mod estate;
mod key_file;
mod running;
mod visit;
mod write;

pub use build::Program;
pub use crowd::Crowd;
pub use estate::{Estate, Holder, SourceKind};
pub use key_file::pkcs8_pem;
pub use running::{Ended, Running};
pub use write::private;
