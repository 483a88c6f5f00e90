//! The broker: admits, decides, locates, asks many, merges one, remembers briefly. Stores nothing.
//!
//! [`view`](view::view) is the whole pipeline on one page. Each step lives in the file named after it,
//! and takes the type that the step before makes.

pub mod admit;
pub mod ask;
pub mod attached;
pub mod bootstrap;
pub mod broker;
pub mod cache;
pub mod decide;
pub mod dial;
pub mod door;
mod fair;
pub mod locate;
mod metrics;
mod question;
pub mod record;
pub mod refusal;
mod send;
pub mod service;
pub mod session;
pub mod summary;
pub mod view;

pub use broker::{Broker, BrokerParts};
