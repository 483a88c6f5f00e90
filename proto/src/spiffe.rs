//! SPIFFE-style names of the parties on a connection.

use std::fmt;
use std::str::FromStr;

use crate::{Malformed, OdsCode};

/// The name of a federation: a trust domain, `a-z 0-9 . -`, at most 63 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FederationName(String);

impl FederationName {
    /// Parses a trust domain.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other character or length.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let fits = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && text.bytes().last().is_some_and(|b| b.is_ascii_alphanumeric());
        if fits {
            Ok(FederationName(text.to_owned()))
        } else {
            Err(Malformed::new("federation", "a trust domain: 1 to 63 of a-z, 0-9, '.' and '-'"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FederationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kind of party, and which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SpiffePath {
    /// An organisation's node: `/org/<ODS>/node`.
    Node(OdsCode),
    /// A broker: `/broker/<name>`.
    Broker(String),
    /// A viewer app of an organisation: `/viewer/<ODS>/<app>`.
    Viewer(OdsCode, String),
    /// The federation's authority, which issues certificates: `/authority`.
    Authority,
}

/// A party's name, as the one URI of its certificate: `spiffe://<federation>/...`. Compared whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    /// The federation.
    pub federation: FederationName,
    /// The party within it.
    pub path: SpiffePath,
}

impl SpiffeId {
    /// The node of `organisation`.
    pub fn node(federation: &FederationName, organisation: &OdsCode) -> Self {
        SpiffeId { federation: federation.clone(), path: SpiffePath::Node(organisation.clone()) }
    }

    /// The broker called `name`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when `name` is not 1 to 32 of `a-z 0-9 -`.
    pub fn broker(federation: &FederationName, name: &str) -> Result<Self, Malformed> {
        Ok(SpiffeId { federation: federation.clone(), path: SpiffePath::Broker(label(name)?) })
    }

    /// The viewer app called `app` of `organisation`.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when `app` is not 1 to 32 of `a-z 0-9 -`.
    pub fn viewer(federation: &FederationName, organisation: &OdsCode, app: &str) -> Result<Self, Malformed> {
        Ok(SpiffeId { federation: federation.clone(), path: SpiffePath::Viewer(organisation.clone(), label(app)?) })
    }

    /// The authority of `federation`.
    pub fn authority(federation: &FederationName) -> Self {
        SpiffeId { federation: federation.clone(), path: SpiffePath::Authority }
    }

    /// Parses a URI. Only the exact spellings that [`Display`](fmt::Display) writes are accepted:
    /// no escapes, no other case, no trailing slash.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for everything else.
    pub fn parse(uri: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new(
            "spiffe_id",
            "spiffe://<federation>/{org/<ODS>/node | broker/<name> | viewer/<ODS>/<app> | authority}",
        );
        let rest = uri.strip_prefix("spiffe://").ok_or(EXPECTED)?;
        let (federation, path) = rest.split_once('/').ok_or(EXPECTED)?;
        let segments: Vec<&str> = path.split('/').collect();
        let path = match segments.as_slice() {
            ["org", ods, "node"] => SpiffePath::Node(OdsCode::parse(ods)?),
            ["broker", name] => SpiffePath::Broker(label(name)?),
            ["viewer", ods, app] => SpiffePath::Viewer(OdsCode::parse(ods)?, label(app)?),
            ["authority"] => SpiffePath::Authority,
            _ => return Err(EXPECTED),
        };
        Ok(SpiffeId { federation: FederationName::parse(federation)?, path })
    }
}

fn label(text: &str) -> Result<String, Malformed> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fits { Ok(text.to_owned()) } else { Err(Malformed::new("spiffe_id", "a name of 1 to 32 of a-z, 0-9 and '-'")) }
}

impl FromStr for SpiffeId {
    type Err = Malformed;

    fn from_str(uri: &str) -> Result<Self, Malformed> {
        SpiffeId::parse(uri)
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/", self.federation)?;
        match &self.path {
            SpiffePath::Node(organisation) => write!(f, "org/{organisation}/node"),
            SpiffePath::Broker(name) => write!(f, "broker/{name}"),
            SpiffePath::Viewer(organisation, app) => write!(f, "viewer/{organisation}/{app}"),
            SpiffePath::Authority => f.write_str("authority"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_kinds_parse_and_print_as_they_were() {
        for uri in [
            "spiffe://kent.weald.example/org/RVV/node",
            "spiffe://kent.weald.example/broker/b1",
            "spiffe://kent.weald.example/viewer/G82001/emr",
            "spiffe://kent.weald.example/authority",
        ] {
            assert_eq!(SpiffeId::parse(uri).unwrap().to_string(), uri);
        }
    }

    #[test]
    fn look_alikes_do_not_parse() {
        for uri in [
            "spiffe://kent.weald.example/org/RVV/node/",
            "spiffe://kent.weald.example/org/rvv/node",
            "spiffe://kent.weald.example/org/R%56V/node",
            "spiffe://kent.weald.example//org/RVV/node",
            "SPIFFE://kent.weald.example/org/RVV/node",
            "spiffe://Kent.weald.example/org/RVV/node",
            "spiffe://kent.weald.example:443/org/RVV/node",
            "spiffe://kent.weald.example/org/RVV",
            "spiffe:///org/RVV/node",
            "spiffe://kent.weald.example/authority/",
            "spiffe://kent.weald.example/Authority",
        ] {
            assert!(SpiffeId::parse(uri).is_err(), "{uri}");
        }
    }
}
