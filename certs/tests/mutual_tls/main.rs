//! Connections of which both ends are authenticated, over real sockets.

#![cfg(test)]

mod doors;
mod identities;
mod links;
mod world;
