//! A whole federation on one machine: synthetic people, writers of local systems, the harness.

pub mod document;
pub mod federation;
pub mod population;
pub mod processes;
pub mod silence;
pub mod writer;
