//! Out through an HTTP proxy, by CONNECT (RFC 9110, 9.3.6).
//!
//! What comes back is an ordinary connection: TLS runs through it from end to end, so a proxy learns host
//! name, port and amounts, and nothing else. Hosts are resolved by the proxy.

mod bypass;
mod credentials;
mod fault;
mod host;
mod settings;
mod tunnel;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use weald_proto::network::{Connecting, Network};

use host::HostPort;

pub use bypass::Bypass;
pub use credentials::ProxyCredentials;
pub use fault::ProxyFault;
pub use settings::{Proxy, ProxySettings, ProxySettingsError};

/// How long a proxy may take to say whether it has connected us: less than its own patience with a host
/// that does not answer, which is a minute with many.
const ANSWER_TIME: Duration = Duration::from_secs(4);

/// A network of which some addresses, by [`ProxySettings`], are reached through a proxy.
///
/// Errors that are the proxy's doing carry a [`ProxyFault`].
#[derive(Clone)]
pub struct ProxiedNetwork {
    direct: Arc<dyn Network>,
    settings: ProxySettings,
}

impl ProxiedNetwork {
    /// Reaches proxies, and what needs none, by `direct`.
    pub fn new(direct: Arc<dyn Network>, settings: ProxySettings) -> Self {
        ProxiedNetwork { direct, settings }
    }
}

impl Network for ProxiedNetwork {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        Box::pin(async move {
            let target = HostPort::parse(address)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no host and port"))?;
            let Some(proxy) = self.settings.proxy_for(&target) else {
                return self.direct.connect(address).await;
            };
            let at = proxy.address().to_string();
            let stream = self.direct.connect(&at).await.map_err(|error| ProxyFault::of_dialling(&error))?;
            let opening = tunnel::open(stream, &target, proxy.credentials());
            let opened = timeout(ANSWER_TIME, opening).await.unwrap_or(Err(ProxyFault::Silent));
            Ok(opened?)
        })
    }
}

impl fmt::Debug for ProxiedNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxiedNetwork").field("settings", &self.settings).finish_non_exhaustive()
    }
}
