//! Connections of which both ends are authenticated, over real sockets.

#![cfg(test)]

mod attach;
mod blame;
mod calls;
mod doors;
mod flood;
mod hang_up;
mod heedless;
mod identities;
mod limits;
mod links;
mod pace;
mod refused;
mod strangers;
mod unread;
mod unreasoned;
mod world;
