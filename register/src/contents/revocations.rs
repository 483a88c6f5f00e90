//! What is no longer believed: certificates, parties, keys, organisations.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weald_proto::{KeyId, Malformed, OdsCode, SpiffeId, Timestamp};

use crate::contents::ContentsFault;
use crate::limit;
use crate::refused::complaint;

/// Everything that is revoked. Being listed is what counts; the moments are there for people and for audit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocations {
    certificates: Vec<RevokedCertificate>,
    keys: Vec<RevokedKey>,
    organisations: Vec<RevokedOrganisation>,
    parties: Vec<RevokedParty>,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedCertificate {
    /// Its serial number.
    pub serial: Serial,
    /// Whose it was.
    #[serde(with = "as_text")]
    pub spiffe_id: SpiffeId,
    /// Since when, in milliseconds since 1970 UTC.
    #[serde(rename = "revoked_at_ms", with = "as_millis")]
    pub revoked_at: Timestamp,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedKey {
    /// Its id in the register.
    pub kid: KeyId,
    /// Since when, in milliseconds since 1970 UTC.
    #[serde(rename = "revoked_at_ms", with = "as_millis")]
    pub revoked_at: Timestamp,
}

/// An organisation: its node, its viewers and its keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedOrganisation {
    /// Its code.
    pub organisation: OdsCode,
    /// Since when, in milliseconds since 1970 UTC.
    #[serde(rename = "revoked_at_ms", with = "as_millis")]
    pub revoked_at: Timestamp,
}

/// All certificates of a party that were issued before a moment. Whoever enrols again afterwards is believed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedParty {
    /// The party.
    #[serde(with = "as_text")]
    pub spiffe_id: SpiffeId,
    /// The moment, in milliseconds since 1970 UTC.
    #[serde(rename = "issued_before_ms", with = "as_millis")]
    pub issued_before: Timestamp,
}

impl Revocations {
    /// Nothing is revoked.
    pub fn none() -> Self {
        Revocations::default()
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`ContentsFault`] for anything but lists in ascending order, each entry once.
    pub fn read(bytes: &[u8]) -> Result<Self, ContentsFault> {
        let read: Revocations =
            serde_json::from_slice(bytes).map_err(|error| ContentsFault::new("revocations", complaint(&error)))?;
        ascending("certificates", &read.certificates, |entry| &entry.serial)?;
        ascending("keys", &read.keys, |entry| &entry.kid)?;
        ascending("organisations", &read.organisations, |entry| &entry.organisation)?;
        ascending("parties", &read.parties, |entry| &entry.spiffe_id)?;
        Ok(read)
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// [`ContentsFault`] for more entries than fit.
    pub fn write(&self) -> Result<Vec<u8>, ContentsFault> {
        let bytes = serde_json::to_vec(self).map_err(|error| ContentsFault::new("revocations", error))?;
        Revocations::read(&bytes).map(|_| bytes)
    }

    /// Revokes one certificate more. Whatever was revoked first stays as it was.
    pub fn add_certificate(&mut self, revoked: RevokedCertificate) {
        add(&mut self.certificates, revoked, |entry| entry.serial.clone());
    }

    /// Revokes one key more.
    pub fn add_key(&mut self, revoked: RevokedKey) {
        add(&mut self.keys, revoked, |entry| entry.kid.clone());
    }

    /// Revokes one organisation more.
    pub fn add_organisation(&mut self, revoked: RevokedOrganisation) {
        add(&mut self.organisations, revoked, |entry| entry.organisation.clone());
    }

    /// Revokes what a party was issued before a moment; of two moments the later counts.
    pub fn add_party(&mut self, revoked: RevokedParty) {
        match self.parties.binary_search_by(|entry| entry.spiffe_id.cmp(&revoked.spiffe_id)) {
            Ok(at) => {
                if let Some(entry) = self.parties.get_mut(at) {
                    entry.issued_before = entry.issued_before.max(revoked.issued_before);
                }
            }
            Err(at) => self.parties.insert(at, revoked),
        }
    }

    /// True if a certificate is revoked: by its serial number, because of when it was issued, or with its organisation.
    pub fn revokes_certificate(&self, serial: &Serial, holder: &SpiffeId, issued_at: Timestamp) -> bool {
        let by_serial = self.certificates.binary_search_by(|entry| entry.serial.cmp(serial)).is_ok();
        let party = self.parties.binary_search_by(|entry| entry.spiffe_id.cmp(holder)).ok();
        let by_party = party.and_then(|at| self.parties.get(at)).is_some_and(|entry| issued_at < entry.issued_before);
        by_serial || by_party || organisation_of(holder).is_some_and(|code| self.revokes_organisation(code))
    }

    /// True if a key is revoked.
    pub fn revokes_key(&self, kid: &KeyId) -> bool {
        self.keys.binary_search_by(|entry| entry.kid.cmp(kid)).is_ok()
    }

    /// True if an organisation is revoked.
    pub fn revokes_organisation(&self, organisation: &OdsCode) -> bool {
        self.organisations.binary_search_by(|entry| entry.organisation.cmp(organisation)).is_ok()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        [self.certificates.len(), self.keys.len(), self.organisations.len(), self.parties.len()].iter().sum()
    }

    /// True if nothing is revoked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn organisation_of(party: &SpiffeId) -> Option<&OdsCode> {
    match &party.path {
        weald_proto::SpiffePath::Node(code) | weald_proto::SpiffePath::Viewer(code, _) => Some(code),
        weald_proto::SpiffePath::Broker(_) | weald_proto::SpiffePath::Authority => None,
    }
}

fn ascending<T, K: Ord>(list: &str, entries: &[T], key: impl Fn(&T) -> &K) -> Result<(), ContentsFault> {
    if entries.len() > limit::REVOKED {
        return Err(ContentsFault::new(list, format!("at most {} entries", limit::REVOKED)));
    }
    if entries.is_sorted_by(|one, next| key(one) < key(next)) {
        Ok(())
    } else {
        Err(ContentsFault::new(list, "in ascending order, each entry once"))
    }
}

fn add<T, K: Ord>(entries: &mut Vec<T>, new: T, key: impl Fn(&T) -> K) {
    if let Err(at) = entries.binary_search_by(|entry| key(entry).cmp(&key(&new))) {
        entries.insert(at, new);
    }
}

/// A certificate's serial number: 1 to 20 bytes without leading zeros (RFC 5280, section 4.1.2.2), in lower-case
/// hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Vec<u8>);

impl Serial {
    /// From the bytes of the number, as they stand in a certificate.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for zero, and for more than 20 bytes.
    pub fn of(bytes: &[u8]) -> Result<Self, Malformed> {
        let number: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
        if (1..=20).contains(&number.len()) {
            Ok(Serial(number))
        } else {
            Err(Malformed::new("serial", "a positive number of at most 20 bytes"))
        }
    }
}

impl FromStr for Serial {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new("serial", "2 to 40 lower-case hexadecimal digits, no leading 00");
        let digits = text.as_bytes().chunks(2);
        let byte = |pair| std::str::from_utf8(pair).ok().and_then(crate::hex::Hex::<1>::parse).map(|hex| hex.0);
        let bytes: Option<Vec<[u8; 1]>> = digits.map(byte).collect();
        let serial = Serial::of(bytes.ok_or(EXPECTED)?.as_flattened()).map_err(|_| EXPECTED)?;
        if serial.to_string() == text { Ok(serial) } else { Err(EXPECTED) }
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl Serialize for Serial {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Serial {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

mod as_text {
    use super::*;

    pub(super) fn serialize<S: Serializer>(party: &SpiffeId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(party)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SpiffeId, D::Error> {
        SpiffeId::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

mod as_millis {
    use super::*;

    pub(super) fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(moment.as_millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_millis)
    }
}
