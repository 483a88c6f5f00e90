//! The broker: admits, decides, locates, asks many, merges one, remembers briefly. Stores nothing.
//!
//! [`view`](view::view) is the whole pipeline on one page. Each step lives in the file named after it,
//! and takes the type that the step before makes.

pub mod admit;
mod aside;
pub mod ask;
pub mod attached;
pub mod bootstrap;
pub mod broker;
pub mod cache;
pub mod decide;
pub mod dial;
pub mod door;
mod fair;
mod fit;
pub mod locate;
mod metered;
mod metrics;
mod question;
pub mod record;
pub mod refusal;
pub mod room;
mod send;
pub mod service;
pub mod session;
mod shares;
pub mod summary;
pub mod view;

pub use broker::{Broker, BrokerParts};
