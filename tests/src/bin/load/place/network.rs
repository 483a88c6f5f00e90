//! The machine's own network, from an address of one's own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};
use weald_proto::network::{Connecting, Connection, Network};

/// Connects from one address of this machine. Whoever limits by address must be able to tell peers apart that
/// are on one machine only here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnAddress(pub(crate) Ipv4Addr);

impl OwnAddress {
    /// A new connection to `address`, an IP address and a port.
    ///
    /// # Errors
    ///
    /// Whatever the network says.
    pub(crate) async fn dial(self, address: &str) -> io::Result<TcpStream> {
        let to: SocketAddr = address.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((self.0, 0)))?;
        let stream = socket.connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Network for OwnAddress {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move { Ok(Box::new(self.dial(address).await?) as Box<dyn Connection>) })
    }
}
