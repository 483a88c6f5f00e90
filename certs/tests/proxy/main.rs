//! Connections through proxies, and what is said of those that do not come about. Every outcome, good or
//! bad, comes within five seconds.

#![cfg(test)]

mod clocks;
mod direct;
mod interception;
mod proxied;
mod squid;
mod squids;
mod stand_in;
mod world;
