//! A whole federation, asked as a viewer app would ask it, and attacked as others might.
//!
//! Everything goes over real sockets and through the client that verifies, unless a lower level is the point.

#![cfg(test)]

mod attach;
mod between;
mod bootstrap;
mod bounds;
mod cache;
mod fail;
mod forge;
mod forger;
mod grant;
mod hang_up;
mod impostor;
mod kept;
mod large;
mod lie;
mod line;
mod many;
mod node;
mod notices;
mod policy;
mod property;
mod refusals;
mod refuse;
mod role;
mod session;
mod shown_again;
mod view;
mod world;
