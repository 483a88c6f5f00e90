//! Which proxy, for what.

use std::fmt;

use super::bypass::Bypass;
use super::credentials::ProxyCredentials;
use super::host::{Host, HostPort, parse_port};

/// Whether addresses are reached through a proxy. Checked: whoever has one need not expect that it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProxySettings {
    proxy: Option<Proxy>,
    bypass: Bypass,
}

/// A proxy that speaks HTTP, without TLS, and how it knows us.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    address: HostPort,
    credentials: Option<ProxyCredentials>,
}

impl ProxySettings {
    /// No proxy.
    pub fn direct() -> Self {
        ProxySettings::default()
    }

    /// Everything but what `bypass` covers goes through `proxy`.
    pub fn new(proxy: Proxy, bypass: Bypass) -> Self {
        ProxySettings { proxy: Some(proxy), bypass }
    }

    /// Reads the texts that configuration or the environment has: the URL of the proxy ([`Proxy::parse`]) and the
    /// rules of what is reached without it ([`Bypass::parse`]). None or an empty URL is no proxy.
    ///
    /// # Errors
    ///
    /// [`ProxySettingsError`]. It never shows the texts, which may hold a password.
    pub fn parse(proxy: Option<&str>, bypass: Option<&str>) -> Result<Self, ProxySettingsError> {
        let bypass = Bypass::parse(bypass.unwrap_or_default())?;
        let proxy = proxy.map(str::trim).filter(|url| !url.is_empty()).map(Proxy::parse).transpose()?;
        Ok(ProxySettings { proxy, bypass })
    }

    /// Reads `https_proxy` or else `HTTPS_PROXY`, and `no_proxy` or else `NO_PROXY`, as curl does, of the variables
    /// that `variable` knows.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ProxySettingsError> {
        let either = |lower: &str, upper: &str| variable(lower).or_else(|| variable(upper));
        let (proxy, bypass) = (either("https_proxy", "HTTPS_PROXY"), either("no_proxy", "NO_PROXY"));
        ProxySettings::parse(proxy.as_deref(), bypass.as_deref())
    }

    /// The same proxy, but known to it by these credentials.
    #[must_use]
    pub fn with_credentials(mut self, credentials: ProxyCredentials) -> Self {
        self.proxy = self.proxy.map(|proxy| Proxy { credentials: Some(credentials), ..proxy });
        self
    }

    /// The proxy, if there is one.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref()
    }

    /// The proxy through which an address is reached, written `host:port`; nothing if it is reached directly, or is none.
    pub fn through(&self, address: &str) -> Option<&Proxy> {
        self.proxy_for(&HostPort::parse(address)?)
    }

    pub(super) fn proxy_for(&self, target: &HostPort) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !self.bypass.covers(target))
    }
}

impl Proxy {
    /// Reads `http://host:port` or `http://user:password@host:port`, of which `http://` may be missing. The port may
    /// not: programs disagree on what it then is.
    ///
    /// # Errors
    ///
    /// [`ProxySettingsError`], without the text.
    pub fn parse(url: &str) -> Result<Self, ProxySettingsError> {
        let authority = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ProxySettingsError::Scheme),
            None => url,
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        // A password that is not encoded may have an `@`; a host has none.
        let (userinfo, host) = match authority.rsplit_once('@') {
            Some((userinfo, host)) => (Some(userinfo), host),
            None => (None, authority),
        };
        let address = HostPort::parse(host).ok_or_else(|| fault_of(host))?;
        Ok(Proxy { address, credentials: userinfo.map(ProxyCredentials::of_userinfo).transpose()? })
    }

    pub(super) fn address(&self) -> &HostPort {
        &self.address
    }

    pub(super) fn credentials(&self) -> Option<&ProxyCredentials> {
        self.credentials.as_ref()
    }
}

fn fault_of(host: &str) -> ProxySettingsError {
    match host.rsplit_once(':') {
        _ if Host::parse(host).is_some() => ProxySettingsError::NoPort,
        Some((name, port)) if Host::parse(name).is_some() && parse_port(port).is_none() => ProxySettingsError::BadPort,
        _ => ProxySettingsError::BadHost,
    }
}

/// Where it is, for logs.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = if self.credentials.is_some() { "with" } else { "without" };
        write!(f, "Proxy({}, {with} credentials)", self.address)
    }
}

/// Why settings cannot be used. None shows what was set: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxySettingsError {
    /// Another scheme than `http`.
    #[error(
        "the proxy's URL has another scheme than http: write http://HOST:PORT (TLS to the proxy and SOCKS are not spoken)"
    )]
    Scheme,
    /// The URL has no port.
    #[error("the proxy's URL has no port: write http://HOST:PORT")]
    NoPort,
    /// Its port is no number from 1 to 65535.
    #[error("the port in the proxy's URL is no number from 1 to 65535")]
    BadPort,
    /// What is left is no host.
    #[error(
        "the proxy's URL has no host name or address: write http://HOST:PORT, an IPv6 address in brackets, and encode special characters of a password (%40 for @, %2F for /)"
    )]
    BadHost,
    /// A percent sign is not followed by two hexadecimal digits, or they are not UTF-8.
    #[error("the user name or password in the proxy's URL has a broken %-escape: write % itself as %25")]
    BadEscape,
    /// There is a password, or an `@`, but no user name.
    #[error("the user name for the proxy is empty")]
    NoUser,
    /// Basic authentication cannot send it (RFC 7617, 2).
    #[error("the user name for the proxy has a colon, which Basic authentication cannot send")]
    ColonInUser,
    /// It would end the line of the request.
    #[error("the user name or password for the proxy has a control character")]
    ControlCharacter,
    /// A rule is not understood.
    #[error("rule {position} of NO_PROXY (counted from 1) is no name, address, network or *")]
    BadRule {
        /// Its place, from 1.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(url: &str) -> String {
        Proxy::parse(url).unwrap().to_string()
    }

    #[test]
    fn a_proxy_is_given_by_name_or_address() {
        assert_eq!(address("http://proxy.nhs.uk:3128"), "proxy.nhs.uk:3128");
        assert_eq!(address("HTTP://10.0.0.1:8080/"), "10.0.0.1:8080");
        assert_eq!(address("http://[2001:db8::1]:8080"), "[2001:db8::1]:8080");
        assert_eq!(address("proxy.nhs.uk:3128"), "proxy.nhs.uk:3128");
        assert_eq!(address("weald:p@ss@[::1]:1"), "[::1]:1");
    }

    #[test]
    fn what_is_wrong_with_a_url_is_said_without_showing_it() {
        let cases = [
            ("https://weald:sesame@proxy:3128", ProxySettingsError::Scheme),
            ("socks5://proxy:1080", ProxySettingsError::Scheme),
            ("http://weald:sesame@proxy", ProxySettingsError::NoPort),
            ("http://[::1]", ProxySettingsError::NoPort),
            ("http://proxy:x", ProxySettingsError::BadPort),
            ("http://proxy:70000", ProxySettingsError::BadPort),
            ("http://weald:ses/ame@proxy:1/path", ProxySettingsError::BadPort),
            ("http://::1:3128", ProxySettingsError::BadHost),
            ("http://", ProxySettingsError::BadHost),
            ("http://:sesame@proxy:1", ProxySettingsError::NoUser),
            ("http://weald:100%@proxy:1", ProxySettingsError::BadEscape),
        ];
        for (url, fault) in cases {
            assert_eq!(Proxy::parse(url), Err(fault), "{url}");
            assert!(!fault.to_string().contains("sesame"));
        }
    }

    #[test]
    fn the_environment_is_read_as_curl_reads_it() {
        let settings = |variables: &[(&str, &str)]| {
            let value =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            ProxySettings::of_environment(value).unwrap()
        };
        let via = |settings: &ProxySettings, target: &str| {
            settings.proxy_for(&HostPort::parse(target).unwrap()).map(ToString::to_string)
        };
        assert_eq!(settings(&[]), ProxySettings::direct());
        assert_eq!(settings(&[("HTTPS_PROXY", ""), ("HTTP_PROXY", "a:1")]), ProxySettings::direct());
        let both =
            settings(&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:2"), ("NO_PROXY", "nhs.uk")]);
        assert_eq!(via(&both, "broker.example:443").as_deref(), Some("lower:2"));
        assert_eq!(via(&both, "broker.nhs.uk:443"), None);
        let lower_rules = settings(&[("HTTPS_PROXY", "upper:1"), ("NO_PROXY", "*"), ("no_proxy", "")]);
        assert_eq!(via(&lower_rules, "broker.nhs.uk:443").as_deref(), Some("upper:1"));
    }

    #[test]
    fn credentials_come_with_the_url_or_beside_it_and_print_nowhere() {
        let beside = ProxyCredentials::new("other", "secret").unwrap();
        let settings = ProxySettings::parse(Some("http://weald:sesame@proxy:3128"), None).unwrap();
        assert_eq!(settings.proxy().unwrap().credentials(), Some(&ProxyCredentials::new("weald", "sesame").unwrap()));
        let settings = settings.with_credentials(beside.clone());
        assert_eq!(settings.proxy().unwrap().credentials(), Some(&beside));
        let shown = format!("{settings:?} {}", settings.proxy().unwrap());
        for secret in ["weald", "sesame", "other", "secret"] {
            assert!(!shown.contains(secret), "{shown}");
        }
        assert_eq!(ProxySettings::direct().with_credentials(beside), ProxySettings::direct());
    }
}
