//! The calling end: TCP, mutual TLS, HTTP/2.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use weald_proto::SpiffeId;
use weald_proto::env::Env;
use weald_proto::network::Connection;

use crate::connect_error::{ConnectError, Step};
use crate::credentials::Credentials;
use crate::door::Door;
use crate::link::Link;
use crate::tls;
use crate::trust::Trust;

/// The first bytes of the other end, which prove that it has accepted us.
const FIRST_BYTES: usize = 1024;
/// For TLS and the other end's first word: two round trips.
const TLS_TIME: Duration = Duration::from_secs(4);

/// Dials other parties of the federation.
#[derive(Clone)]
pub struct Connector {
    /// None of whoever dials the door of strangers, which asks for none.
    credentials: Option<Arc<Credentials>>,
    trust: Arc<Trust>,
    pub(crate) env: Env,
}

impl Connector {
    /// Dials with these credentials, believes that trust, and uses the network and the clock of `env`.
    pub fn new(credentials: Arc<Credentials>, trust: Arc<Trust>, env: Env) -> Self {
        Connector { credentials: Some(credentials), trust, env }
    }

    /// Dials without credentials: good for [`bootstrap`](Self::bootstrap) alone.
    pub(crate) fn without_credentials(trust: Arc<Trust>, env: Env) -> Self {
        Connector { credentials: None, trust, env }
    }

    /// Connects to `address`, a `host:port`, where `expected` and nobody else must answer; all of it
    /// within `timeout`.
    ///
    /// In TLS 1.3 a caller whose certificate is refused sees its own handshake succeed. So this waits for
    /// the first bytes of the other end: who gets a [`Link`] has been accepted.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], which tells an unreachable end, a wrong one and a refusal apart.
    pub async fn connect(&self, address: &str, expected: &SpiffeId, timeout: Duration) -> Result<Link, ConnectError> {
        self.link(address, expected, Door::Http2, timeout).await
    }

    /// Connects to the door of a broker that is for strangers.
    pub(crate) async fn bootstrap(
        &self,
        address: &str,
        broker: &SpiffeId,
        timeout: Duration,
    ) -> Result<Link, ConnectError> {
        self.link(address, broker, Door::Bootstrap, timeout).await
    }

    async fn link(
        &self,
        address: &str,
        expected: &SpiffeId,
        door: Door,
        timeout: Duration,
    ) -> Result<Link, ConnectError> {
        let stream = self.reach(address, expected, door, timeout).await?;
        let (link, ended) = Link::over(stream, expected.clone()).await?;
        let peer = expected.clone();
        tokio::spawn(async move {
            if let Err(error) = ended.await {
                tracing::debug!(%peer, %error, "link ended");
            }
        });
        Ok(link)
    }

    /// Connects to the door of a broker at which nodes attach, to be asked on what is returned: the broker
    /// has begun to speak HTTP/2 as its client.
    pub(crate) async fn attach(
        &self,
        address: &str,
        broker: &SpiffeId,
        timeout: Duration,
    ) -> Result<impl Connection + 'static, ConnectError> {
        self.reach(address, broker, Door::Attach, timeout).await
    }

    /// TCP (and a proxy) and TLS to a door of `expected`, until it has said its first word.
    async fn reach(
        &self,
        address: &str,
        expected: &SpiffeId,
        door: Door,
        timeout: Duration,
    ) -> Result<BufReader<TlsStream<Box<dyn Connection>>>, ConnectError> {
        let deadline = Instant::now() + timeout;
        let tcp = timeout_at(deadline, self.env.network.connect(address))
            .await
            .map_err(|_| ConnectError::TimedOut(Step::Reaching))?
            .map_err(|error| ConnectError::of_network(&error))?;
        let securing = async { accepted(self.secure(tcp, expected, door).await?).await };
        let deadline = deadline.min(Instant::now() + TLS_TIME);
        timeout_at(deadline, securing).await.unwrap_or(Err(ConnectError::TimedOut(Step::Securing)))
    }

    async fn secure(
        &self,
        tcp: Box<dyn Connection>,
        expected: &SpiffeId,
        door: Door,
    ) -> Result<TlsStream<Box<dyn Connection>>, ConnectError> {
        let (credentials, trust) = (self.credentials.clone(), Arc::clone(&self.trust));
        let (clock, stranger) = (Arc::clone(&self.env.clock), Arc::new(OnceLock::new()));
        let config = tls::client_config(expected, door, credentials, trust, clock, Arc::clone(&stranger))
            .map_err(ConnectError::Tls)?;
        let stream = TlsConnector::from(Arc::new(config))
            .connect(unused_name(), tcp)
            .await
            .map_err(|error| ConnectError::of_tls(&error).naming(stranger.get()))?;
        match stream.get_ref().1.alpn_protocol() {
            Some(id) if id == door.alpn() => Ok(stream),
            _ => Err(ConnectError::WrongProtocol),
        }
    }
}

/// Waits for what the other end of HTTP/2 sends first, server or client (RFC 9113, 3.4), and leaves it
/// unread.
async fn accepted(
    stream: TlsStream<Box<dyn Connection>>,
) -> Result<BufReader<TlsStream<Box<dyn Connection>>>, ConnectError> {
    let mut stream = BufReader::with_capacity(FIRST_BYTES, stream);
    match stream.fill_buf().await {
        Ok([]) => Err(ConnectError::HungUp),
        Ok(_) => Ok(stream),
        Err(error) => Err(ConnectError::of_tls(&error)),
    }
}

/// rustls wants a server name; it is neither sent nor looked at.
fn unused_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into())
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.credentials {
            Some(credentials) => write!(f, "Connector({})", credentials.spiffe_id()),
            None => f.write_str("Connector(nobody)"),
        }
    }
}
