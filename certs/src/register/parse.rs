//! From a register's JSON to domain types, all of it or nothing.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use serde::Deserialize;
use serde::de::value::{Error as WordError, StrDeserializer};
use serde_json::value::RawValue;
use weald_proto::{
    Digest, FederationName, KeyId, KeyUse, Malformed, OdsCode, SpiffeId, SpiffePath, Timestamp, VerifyingKey, bounded,
    limit,
};

use crate::member::{Broker, KeyState, Member, MemberState, RegisteredKey};
use crate::register::RegisterDraft;

/// What does not hold in a register that was rightly signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct RegisterFault {
    /// Where: the register itself, a member by its code, a broker by its name, or a place in a list.
    pub place: String,
    /// What: the field, and what it should have been.
    pub reason: String,
}

impl RegisterFault {
    fn new(place: &str, reason: impl ToString) -> Self {
        RegisterFault { place: place.to_owned(), reason: reason.to_string() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRegister<'a> {
    federation: String,
    version: u64,
    issued_at_ms: i64,
    expires_at_ms: Option<i64>,
    policy_digest: String,
    roots: Vec<String>,
    #[serde(borrow)]
    brokers: Vec<&'a RawValue>,
    #[serde(borrow)]
    members: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawBroker {
    id: String,
    #[serde(default)]
    address: Option<String>,
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMember {
    organisation: String,
    name: String,
    kind: String,
    state: String,
    address: Option<String>,
    sections: Vec<String>,
    always_ask: bool,
    keys: Vec<RawKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKey {
    kid: String,
    #[serde(rename = "use")]
    usage: String,
    public_key: String,
    state: String,
}

/// Reads the bytes whose signature was checked.
pub(super) fn draft(json: &[u8]) -> Result<RegisterDraft, RegisterFault> {
    const PLACE: &str = "register";
    let raw: RawRegister<'_> = serde_json::from_slice(json).map_err(|error| RegisterFault::new(PLACE, error))?;
    let at = |fault: Malformed| RegisterFault::new(PLACE, fault);
    bounded::list("roots", &raw.roots, limit::ROOTS, "at most 32").map_err(at)?;
    bounded::list("brokers", &raw.brokers, limit::BROKERS, "at most 256").map_err(at)?;
    bounded::list("members", &raw.members, limit::MEMBERS, "at most 10000").map_err(at)?;
    let federation = FederationName::parse(&raw.federation).map_err(at)?;
    let mut seen = Seen::default();
    Ok(RegisterDraft {
        version: raw.version,
        issued_at: Timestamp::from_millis(raw.issued_at_ms),
        expires_at: raw.expires_at_ms.map(Timestamp::from_millis),
        policy_digest: digest("policy_digest", &raw.policy_digest).map_err(at)?,
        roots: roots(&raw.roots)?,
        brokers: listed(&raw.brokers, "brokers", |raw, place| broker(raw, place, &federation, &mut seen))?,
        members: listed(&raw.members, "members", |raw, place| member(raw, place, &mut seen))?,
        federation,
    })
}

fn listed<T>(
    list: &[&RawValue],
    name: &str,
    mut parse: impl FnMut(&str, &str) -> Result<T, RegisterFault>,
) -> Result<Vec<T>, RegisterFault> {
    list.iter().enumerate().map(|(position, raw)| parse(raw.get(), &place(raw.get(), name, position))).collect()
}

/// What to call an entry in an error: by its name if it has a plausible one, else by its place.
fn place(raw: &str, list: &str, position: usize) -> String {
    #[derive(Deserialize)]
    struct Named {
        organisation: Option<OdsCode>,
        id: Option<String>,
    }
    match serde_json::from_str(raw) {
        Ok(Named { organisation: Some(organisation), .. }) => format!("member {organisation}"),
        Ok(Named { id: Some(id), .. }) if SpiffeId::parse(&id).is_ok() => format!("broker {id}"),
        _ => format!("{list}[{position}]"),
    }
}

fn roots(texts: &[String]) -> Result<Vec<CertificateDer<'static>>, RegisterFault> {
    if texts.is_empty() {
        return Err(RegisterFault::new("register", "field `roots`: at least one certificate"));
    }
    let root = |(position, text): (usize, &String)| {
        let fault = || RegisterFault::new(&format!("roots[{position}]"), "base64 of a root certificate in DER");
        let root = CertificateDer::from(STANDARD.decode(text).map_err(|_| fault())?);
        webpki::anchor_from_trusted_cert(&root).map_err(|_| fault())?;
        Ok(root)
    };
    texts.iter().enumerate().map(root).collect()
}

fn broker(raw: &str, place: &str, federation: &FederationName, seen: &mut Seen) -> Result<Broker, RegisterFault> {
    let raw: RawBroker = serde_json::from_str(raw).map_err(|error| RegisterFault::new(place, error))?;
    let id = SpiffeId::parse(&raw.id).map_err(|fault| RegisterFault::new(place, fault))?;
    if id.federation != *federation || !matches!(id.path, SpiffePath::Broker(_)) {
        return Err(RegisterFault::new(place, "field `id`: the name of a broker of this federation"));
    }
    seen.party(place, &raw.id)?;
    let address = raw.address.map(address).transpose().map_err(|fault| RegisterFault::new(place, fault))?;
    Ok(Broker { keys: keys(&raw.keys, place, &[KeyUse::Query, KeyUse::Log], seen)?, address, id })
}

fn member(raw: &str, place: &str, seen: &mut Seen) -> Result<Member, RegisterFault> {
    let raw: RawMember = serde_json::from_str(raw).map_err(|error| RegisterFault::new(place, error))?;
    let at = |fault: Malformed| RegisterFault::new(place, fault);
    seen.party(place, &raw.organisation)?;
    let mut sections = BTreeSet::new();
    for word in &raw.sections {
        if !sections.insert(word.parse().map_err(at)?) {
            return Err(RegisterFault::new(place, "field `sections`: each section once"));
        }
    }
    Ok(Member {
        organisation: OdsCode::parse(&raw.organisation).map_err(at)?,
        name: name(raw.name).map_err(at)?,
        kind: raw.kind.parse().map_err(at)?,
        state: MemberState::parse(&raw.state).map_err(at)?,
        address: raw.address.map(address).transpose().map_err(at)?,
        sections,
        always_ask: raw.always_ask,
        keys: keys(&raw.keys, place, &[KeyUse::Assertion, KeyUse::Statement, KeyUse::Log], seen)?,
    })
}

fn keys(raw: &[RawKey], place: &str, uses: &[KeyUse], seen: &mut Seen) -> Result<Vec<RegisteredKey>, RegisterFault> {
    bounded::list("keys", raw, limit::KEYS, "at most 64").map_err(|fault| RegisterFault::new(place, fault))?;
    raw.iter()
        .map(|raw| {
            let key = key(raw).map_err(|fault| RegisterFault::new(place, fault))?;
            if !uses.contains(&key.usage) {
                return Err(RegisterFault::new(place, "field `use`: a use that keys of this party may have"));
            }
            seen.key(place, &key)?;
            Ok(key)
        })
        .collect()
}

fn key(raw: &RawKey) -> Result<RegisteredKey, Malformed> {
    let word = StrDeserializer::<WordError>::new(&raw.usage);
    let bytes = STANDARD.decode(&raw.public_key).map_err(|_| Malformed::new("public_key", "base64 of 32 bytes"))?;
    Ok(RegisteredKey {
        id: KeyId::parse(&raw.kid).map_err(|fault| Malformed::new("kid", fault.expected))?,
        usage: KeyUse::deserialize(word).map_err(|_| Malformed::new("use", "a known word"))?,
        key: VerifyingKey::parse(&bytes)?,
        state: KeyState::parse(&raw.state)?,
    })
}

fn name(name: String) -> Result<String, Malformed> {
    let fits = (1..=200).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(Malformed::new("name", "1 to 200 characters, none of them a control character")) }
}

/// An address as registers and configurations write it, `host:port`.
///
/// # Errors
///
/// [`Malformed`] for anything else.
pub fn address(address: String) -> Result<String, Malformed> {
    let fits = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && host.len() <= 255
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
            && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if fits { Ok(address) } else { Err(Malformed::new("address", "host:port")) }
}

/// Sixty-four lower-case hexadecimal digits.
fn digest(field: &'static str, text: &str) -> Result<Digest, Malformed> {
    const EXPECTED: &str = "64 lower-case hexadecimal digits";
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(byte).collect();
    bytes.and_then(|bytes| Digest::parse(field, &bytes).ok()).ok_or(Malformed::new(field, EXPECTED))
}

/// What may stand in a register only once, and where it stood first.
#[derive(Default)]
struct Seen {
    parties: BTreeSet<String>,
    ids: HashMap<KeyId, String>,
    keys: HashMap<[u8; 32], String>,
}

impl Seen {
    fn party(&mut self, place: &str, name: &str) -> Result<(), RegisterFault> {
        if self.parties.insert(name.to_owned()) { Ok(()) } else { Err(RegisterFault::new(place, "listed twice")) }
    }

    fn key(&mut self, place: &str, key: &RegisteredKey) -> Result<(), RegisterFault> {
        if let Some(first) = self.ids.insert(key.id.clone(), place.to_owned()) {
            return Err(RegisterFault::new(place, format!("field `kid`: `{}` is also a key of {first}", key.id)));
        }
        if let Some(first) = self.keys.insert(*key.key.as_bytes(), place.to_owned()) {
            let id = &key.id;
            return Err(RegisterFault::new(
                place,
                format!("field `public_key`: that of `{id}` has another id at {first}"),
            ));
        }
        Ok(())
    }
}
