//! Who is told of whoever is not let in.

use std::net::SocketAddr;

use weald_proto::{Reason, SpiffeId};

/// Hears of every connection and every call that an [`Acceptor`](crate::Acceptor) refuses by itself,
/// before anything behind its routes has seen it.
///
/// Every one is told, and whoever can reach the port can cause them at any rate: whoever keeps them
/// bounds how many.
pub trait DoorWatch: Send + Sync {
    /// Somebody was refused. Called on the path of connections and calls: must not block.
    fn refused(&self, refused: &Refused);
}

/// Somebody who was not let in, or not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// From where.
    pub from: SocketAddr,
    /// Who it was, if the handshake proved it: the certificate is believed, and its key was there.
    pub peer: Option<SpiffeId>,
    /// For the log: what happened, in words that hold nothing of a certificate and nothing of a request
    /// but fixed texts.
    pub detail: String,
}

/// Tells the log, and nobody else.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOnly;

impl DoorWatch for LogOnly {
    fn refused(&self, refused: &Refused) {
        let Refused { reason, from, peer, detail } = refused;
        let peer = peer.as_ref().map(tracing::field::display);
        tracing::info!(%reason, %from, peer, detail, "refused at the door");
    }
}
