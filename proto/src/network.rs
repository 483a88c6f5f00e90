//! The network as an argument.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

/// For the addresses of a name, and for connecting to one of them: a firewall that drops packets is
/// noticed long before the system gives up.
const STEP: Duration = Duration::from_secs(4);

/// A connection in both directions.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A connection under way.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Connection>>> + Send + 'a>>;

/// Makes connections to others.
pub trait Network: Send + Sync {
    /// Connects to `address`, a host name or IP address and a port.
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a>;
}

/// Inside an [`io::Error`] of a [`Network`]: the host name has no address, or none was found in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host name does not resolve")]
pub struct Unresolved;

/// The machine's own TCP. The addresses of a name are tried in turn, within 4 s altogether.
#[derive(Debug, Clone, Copy, Default)]
pub struct TcpNetwork;

impl Network for TcpNetwork {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let stream = first_of(resolve(address).await?, STEP).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Connection>)
        })
    }
}

async fn resolve(address: &str) -> io::Result<Vec<SocketAddr>> {
    let unresolved = |kind| io::Error::new(kind, Unresolved);
    let found = timeout(STEP, lookup_host(address)).await.map_err(|_| unresolved(io::ErrorKind::TimedOut))?;
    match found {
        Ok(addresses) => Ok(addresses.collect()),
        // Not a name that is unknown, but no host and port.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(error),
        Err(error) => Err(unresolved(error.kind())),
    }
}

/// Each has an even share of the time that is left, so that one that drops packets does not hide the next.
async fn first_of(addresses: Vec<SocketAddr>, within: Duration) -> io::Result<TcpStream> {
    let deadline = Instant::now() + within;
    let mut left = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut last = io::Error::new(io::ErrorKind::NotFound, Unresolved);
    for address in addresses {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left.max(1);
        left = left.saturating_sub(1);
        match timeout_at(now + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::net::TcpListener;

    use super::*;

    async fn fault_of(address: &str) -> io::Error {
        TcpNetwork.connect(address).await.err().unwrap()
    }

    #[tokio::test]
    async fn a_name_without_an_address_is_told_from_a_host_that_does_not_listen() {
        let unknown = fault_of("broker.invalid:443").await;
        assert!(unknown.get_ref().unwrap().is::<Unresolved>());

        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        assert_eq!(fault_of(&closed.to_string()).await.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(fault_of("no port").await.kind(), io::ErrorKind::InvalidInput);
    }

    #[tokio::test]
    async fn an_address_that_refuses_does_not_hide_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let stream = first_of(vec![closed, open], STEP).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn an_address_that_drops_packets_does_not_take_the_time_of_the_next() {
        // A queue that is full: the system drops what asks to be let in.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let full = socket.listen(1).unwrap();
        let silent = full.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(silent)).await {
            waiting.push(stream.unwrap());
        }

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let within = Duration::from_millis(500);
        let stream = first_of(vec![silent, open], within).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert_eq!(first_of(vec![silent], within).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
