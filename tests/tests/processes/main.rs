//! The real programs, as processes: what they serve, and what they refuse to start with.

#![cfg(test)]

mod attach;
mod broker_refuses;
mod keeping;
mod node_refuses;
mod node_trust;
mod proxy;
mod serve;
mod status;
mod trial;
mod tunnels;
mod validate;
