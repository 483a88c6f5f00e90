//! Those who come without a certificate: what is served to them, and by what they are known.

use std::net::{IpAddr, SocketAddr};

use tonic::service::Routes;

use super::limits::Limits;
use super::occupancy::network;

/// What a broker's port serves to those without a certificate, at a door of their own
/// ([`Door::Bootstrap`](crate::Door::Bootstrap)); nothing else can be reached through it.
///
/// No certificate is asked for, and TLS 1.3 has no place where one could be shown unasked: whoever has one,
/// right or wrong, is served like anybody. That is so that nodes whose certificate has expired get a new one.
#[derive(Clone)]
pub struct Strangers {
    /// What is served. Requests carry a [`Stranger`] in their extensions, and no
    /// [`PeerIdentity`](crate::PeerIdentity).
    pub routes: Routes,
    /// How much is taken from them, beside the limits of those who have a name.
    pub limits: Limits,
}

/// Whoever calls without a name: only where the connection comes from is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stranger {
    from: SocketAddr,
}

impl Stranger {
    /// The address of the connection; a proxy's, if there is one between.
    pub fn address(&self) -> IpAddr {
        self.from.ip()
    }

    /// By which strangers are told apart: the address, of IPv6 its /48 network.
    pub fn network(&self) -> IpAddr {
        network(self.from.ip())
    }
}

impl From<SocketAddr> for Stranger {
    fn from(from: SocketAddr) -> Self {
        Stranger { from }
    }
}
