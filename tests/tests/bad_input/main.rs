//! Bad input at one organisation, through a whole federation: what is broken is named, what it may concern is in
//! doubt, everybody else's record is there, and what is mended is seen at the next view.

#![cfg(test)]

mod absent;
mod bundles;
mod databases;
mod files;
mod large;
mod mistyped;
mod permit;
mod record;
mod world;
