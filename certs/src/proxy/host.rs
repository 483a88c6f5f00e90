//! A host and a port, as addresses are written in configuration and in CONNECT.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The longest host name (RFC 1035, 2.3.4).
const NAME_BYTES: usize = 253;

/// `host:port`. IPv6 addresses are in brackets (RFC 3986, 3.2.2). Prints as it parses, and may be written
/// into the head of a request as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: Host,
    pub(super) port: u16,
}

/// A name in lower case without the dot of the root, or an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Name(String),
    Address(IpAddr),
}

impl HostPort {
    /// Nothing if it is no `host:port`, or the port is 0.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(HostPort { host: Host::parse(host)?, port: parse_port(port)? })
    }
}

/// Digits only: `u16::from_str` would take a sign.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|port| *port != 0)
}

impl Host {
    /// An IPv6 address only in brackets: without, nobody can tell its end from a port.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(address) = text.strip_prefix('[') {
            let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
            return Some(Host::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
            return Some(Host::Address(address.into()));
        }
        Host::parse_name(text)
    }

    fn parse_name(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let fits = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        (name.len() <= NAME_BYTES && name.split('.').all(fits)).then_some(Host::Name(name))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Name(name) => write!(f, "{name}:{}", self.port),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}:{}", self.port),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{}", self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_parses_may_stand_in_the_head_of_a_request(text in "[a-z0-9\\[\\]:.\\-_@/%é \r\n]{0,12}(:443)?") {
            if let Some(parsed) = HostPort::parse(&text) {
                let written = parsed.to_string();
                prop_assert!(written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"[]:.-_".contains(&byte)));
                prop_assert_eq!(HostPort::parse(&written), Some(parsed));
            }
        }
    }

    #[test]
    fn names_and_addresses_print_as_they_parse() {
        for text in ["broker.example:443", "b_1-x:1", "10.0.0.1:8443", "[2001:db8::1]:443", "[::1]:3128"] {
            assert_eq!(HostPort::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn case_and_the_dot_of_the_root_make_no_difference() {
        assert_eq!(HostPort::parse("Broker.Example.:443").unwrap().to_string(), "broker.example:443");
        assert_eq!(HostPort::parse("[::ffff:10.0.0.1]:443").unwrap().to_string(), "10.0.0.1:443");
    }

    #[test]
    fn what_is_no_host_and_port_is_refused() {
        let long = format!("{}:1", "a.".repeat(127) + "aa");
        let broken = [
            "",
            ":443",
            "broker",
            "broker:",
            "broker:0",
            "broker:65536",
            "broker:+1",
            "broker: 1",
            "::1:443",
            "[::1]",
            "[10.0.0.1]:443",
            "[::1:443",
            "a..b:1",
            ".a:1",
            "a b:1",
            "a\r\nHost: b:1",
            "user@host:1",
            "a/b:1",
            "é:1",
            "[fe80::1%eth0]:1",
            &long,
        ];
        for text in broken {
            assert_eq!(HostPort::parse(text), None, "{text:?}");
        }
    }
}
