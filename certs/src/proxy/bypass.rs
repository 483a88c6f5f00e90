//! What is reached without the proxy.

use std::net::IpAddr;

use super::host::{Host, HostPort, parse_port};
use super::settings::ProxySettingsError;

/// The rules of `NO_PROXY`, as curl reads them: separated by commas or spaces; a name stands for itself and
/// for every name that ends with it after a dot, whether or not it is written with a dot (or `*.`) in front;
/// an address for itself, a network (`10.0.0.0/8`) for its addresses; `*` for everything. A rule for names or
/// addresses may end with a port, which then must be the same. Names are not resolved for this.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bypass {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rule {
    Everything,
    Host { host: Host, port: Option<u16> },
    Network { network: IpAddr, bits: u8 },
}

impl Bypass {
    /// Reads the rules; an empty text has none.
    ///
    /// # Errors
    ///
    /// [`ProxySettingsError::BadRule`] if one is none of the above: a rule that is not understood might be the one
    /// that matters.
    pub fn parse(text: &str) -> Result<Self, ProxySettingsError> {
        let parts = text.split([',', ' ', '\t']).filter(|part| !part.is_empty()).enumerate();
        let rule = |(index, part)| Rule::parse(part).ok_or(ProxySettingsError::BadRule { position: index + 1 });
        Ok(Bypass { rules: parts.map(rule).collect::<Result<_, _>>()? })
    }

    pub(super) fn covers(&self, target: &HostPort) -> bool {
        self.rules.iter().any(|rule| rule.covers(target))
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Rule::Everything);
        }
        if let Some((network, bits)) = text.split_once('/') {
            let network: IpAddr = network.parse().ok()?;
            let bits: u8 = parse_port(bits).map_or((bits == "0").then_some(0), |bits| u8::try_from(bits).ok())?;
            return (bits <= width(network)).then_some(Rule::Network { network, bits });
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Rule::Host { host: Host::Address(address.to_canonical()), port: None });
        }
        let text = text.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(text);
        let text = text.strip_prefix('.').unwrap_or(text);
        if let Some(host) = Host::parse(text) {
            return Some(Rule::Host { host, port: None });
        }
        HostPort::parse(text).map(|HostPort { host, port }| Rule::Host { host, port: Some(port) })
    }

    fn covers(&self, target: &HostPort) -> bool {
        match (self, &target.host) {
            (Rule::Everything, _) => true,
            (Rule::Host { host, port }, _) if port.is_none_or(|port| port == target.port) => {
                host == &target.host || is_under(&target.host, host)
            }
            (Rule::Network { network, bits }, Host::Address(address)) => is_within(*address, *network, *bits),
            _ => false,
        }
    }
}

fn is_under(host: &Host, parent: &Host) -> bool {
    match (host, parent) {
        (Host::Name(name), Host::Name(parent)) => {
            name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.ends_with('.'))
        }
        _ => false,
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (address, network, wide) = match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => (address.to_bits().into(), network.to_bits().into(), 32),
        (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128),
        _ => return false,
    };
    let differing: u128 = address ^ network;
    // A network of no bits is everything; 128 bits cannot be shifted out.
    differing.checked_shr(wide - u32::from(bits)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(rules: &str, target: &str) -> bool {
        Bypass::parse(rules).unwrap().covers(&HostPort::parse(target).unwrap())
    }

    #[test]
    fn a_name_stands_for_itself_and_what_is_under_it() {
        for rule in ["nhs.uk", ".nhs.uk", "*.nhs.uk", "NHS.UK.", "other.example, nhs.uk", "a b\tnhs.uk"] {
            assert!(covers(rule, "nhs.uk:443") && covers(rule, "kent.nhs.uk:443"), "{rule}");
            assert!(!covers(rule, "notnhs.uk:443") && !covers(rule, "nhs.uk.example:443"), "{rule}");
        }
    }

    #[test]
    fn a_port_must_be_the_same() {
        assert!(covers("nhs.uk:8443", "kent.nhs.uk:8443") && !covers("nhs.uk:8443", "kent.nhs.uk:443"));
        assert!(covers("[::1]:443", "[::1]:443") && !covers("[::1]:443", "[::1]:444"));
    }

    #[test]
    fn an_address_stands_for_itself_and_a_network_for_its_addresses() {
        assert!(covers("10.1.2.3", "10.1.2.3:443") && !covers("10.1.2.3", "10.1.2.4:443"));
        assert!(covers("::1", "[::1]:443") && covers("[::1]", "[::1]:443"));
        assert!(covers("10.0.0.0/8", "10.255.0.1:443") && !covers("10.0.0.0/8", "11.0.0.1:443"));
        assert!(covers("192.168.4.0/23", "192.168.5.9:1") && !covers("192.168.4.0/23", "192.168.6.1:1"));
        assert!(covers("fd00::/8", "[fd12::1]:443") && !covers("fd00::/8", "[fe80::1]:443"));
        assert!(covers("0.0.0.0/0", "8.8.8.8:1") && covers("::/0", "[::1]:1") && !covers("0.0.0.0/0", "[::1]:1"));
        assert!(covers("10.0.0.1/32", "10.0.0.1:1") && !covers("10.0.0.1/32", "10.0.0.0:1"));
        // What is said of addresses is not said of names.
        assert!(!covers("10.0.0.0/8", "broker.example:443") && !covers("0.1", "10.0.0.1:443"));
    }

    #[test]
    fn a_star_stands_for_everything_and_nothing_for_nothing() {
        assert!(covers("*", "broker.example:443") && covers("*", "[::1]:443"));
        assert!(!covers("", "broker.example:443") && !covers(" , ,", "broker.example:443"));
    }

    #[test]
    fn a_rule_that_is_not_understood_is_refused_by_its_place() {
        for broken in ["10.0.0.0/33", "::/129", "10.0.0.0/x", "10.0.0.0/", "a*b", "http://a", "a:0", "nhs.uk/8"] {
            let refused = Bypass::parse(&format!("nhs.uk, {broken}")).unwrap_err();
            assert_eq!(refused, ProxySettingsError::BadRule { position: 2 }, "{broken}");
        }
    }
}
