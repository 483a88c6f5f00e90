//! The register from both sides: what is published, and what a party accepts.

#![cfg(test)]

mod attacks;
mod ceremony;
mod contents;
mod following;
mod forms;
mod golden;
mod maker;
mod properties;
mod rotation;
mod store;
