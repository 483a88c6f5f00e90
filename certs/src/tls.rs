//! How this crate configures rustls: one provider, TLS 1.3 only, our clock, no resumption.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::NoServerSessionStorage;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use rustls_pki_types::UnixTime;
use weald_proto::{Clock, SpiffeId};

use crate::credentials::Credentials;
use crate::door::{Door, Listener};
use crate::issuer::Issuer;
use crate::trust::{ClientVerifier, ServerVerifier, Trust};

/// aws-lc-rs, passed explicitly everywhere. With rustls' feature `prefer-post-quantum` its first group
/// is X25519MLKEM768.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}

/// Validity of certificates is judged by our clock.
struct TlsTime(Arc<dyn Clock>);

impl TimeProvider for TlsTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().as_secs()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for TlsTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTime")
    }
}

/// For one connection to a listener, to the door that the caller named; `believed` is set once the handshake has proved who dials. A resumed
/// session would skip the check of the client's certificate, so there is none.
pub(crate) fn server_config(
    listener: Listener,
    door: Option<Door>,
    credentials: Arc<Credentials>,
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
    believed: Arc<OnceLock<SpiffeId>>,
) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_details(provider(), Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(ClientVerifier::new(trust, listener, door, believed)))
        .with_cert_resolver(credentials);
    let doors = door.as_ref().map_or(listener.doors(), std::slice::from_ref);
    // Who comes to the door of strangers, if it is open, gets `stranger_config`.
    let doors = doors.iter().filter(|door| **door != Door::Bootstrap);
    Ok(offering(config, doors))
}

/// For one connection to the door of strangers. No certificate is asked for, so TLS 1.3 has no place where
/// one could be shown.
pub(crate) fn stranger_config(
    credentials: Arc<Credentials>,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_details(provider(), Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(credentials);
    Ok(offering(config, std::iter::once(&Door::Bootstrap)))
}

/// With these protocols, and without resumption.
fn offering<'a>(mut config: ServerConfig, doors: impl Iterator<Item = &'a Door>) -> ServerConfig {
    config.alpn_protocols = doors.map(|door| door.alpn().to_vec()).collect();
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config
}

/// For one connection to a door of `expected`. No server name is sent: the other end is known by its SPIFFE id.
/// `stranger` is set to who issued the certificate that is shown, if nobody here believes them.
pub(crate) fn client_config(
    expected: &SpiffeId,
    door: Door,
    credentials: Option<Arc<Credentials>>,
    trust: Arc<Trust>,
    clock: Arc<dyn Clock>,
    stranger: Arc<OnceLock<Issuer>>,
) -> Result<ClientConfig, rustls::Error> {
    let config = ClientConfig::builder_with_details(provider(), Arc::new(TlsTime(clock)))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(ServerVerifier::new(trust, expected.clone(), stranger)));
    let mut config = match credentials {
        Some(credentials) => config.with_client_cert_resolver(credentials),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![door.alpn().to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    config.enable_sni = false;
    Ok(config)
}
