//! What the targets say: members, revocations, policies, and the federation itself.

mod revocations;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use weald_proto::{FederationName, OdsCode, limit as contract};

use crate::hex::Hex;
use crate::refused::complaint;
use crate::target::{TargetName, shard_of};

pub use revocations::{Revocations, RevokedCertificate, RevokedKey, RevokedOrganisation, RevokedParty, Serial};

/// What does not hold in a target that was rightly signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ContentsFault {
    /// Where: an entry by its name or its place in a list.
    pub place: String,
    /// What: the field, and what it should have been.
    pub reason: String,
}

impl ContentsFault {
    pub(crate) fn new(place: impl Into<String>, reason: impl ToString) -> Self {
        ContentsFault { place: place.into(), reason: reason.to_string() }
    }
}

/// All targets of one register, read together.
///
/// Of members, brokers and root certificates it knows no more than that each member stands once and where it belongs;
/// their entries are passed on as they are to whoever builds a register of them, which checks every field.
#[derive(Clone)]
pub struct Contents {
    federation: FederationName,
    general: General,
    members: BTreeMap<OdsCode, Box<RawValue>>,
    revocations: Revocations,
    policies: BTreeMap<String, Arc<[u8]>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct General {
    brokers: Vec<Box<RawValue>>,
    federation: String,
    issued_at_ms: i64,
    policy_digest: Hex<32>,
    roots: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shard {
    members: Vec<Box<RawValue>>,
    shard: u8,
}

/// The one field of a member by which it is found.
#[derive(Deserialize)]
struct Named {
    organisation: OdsCode,
}

#[derive(Serialize)]
struct RegisterJson<'a> {
    federation: &'a str,
    version: u64,
    issued_at_ms: i64,
    expires_at_ms: Option<i64>,
    policy_digest: Hex<32>,
    roots: &'a [String],
    brokers: &'a [Box<RawValue>],
    members: Vec<&'a RawValue>,
}

impl Contents {
    /// Reads the files of a register. The first that does not hold is named.
    pub(crate) fn read(files: &BTreeMap<TargetName, Arc<[u8]>>) -> Result<Self, (TargetName, ContentsFault)> {
        let mut found = None;
        let mut revocations = None;
        let mut members = BTreeMap::new();
        let mut policies = BTreeMap::new();
        for (name, bytes) in files {
            let at = |fault| (name.clone(), fault);
            match name {
                TargetName::Federation => found = Some(general(bytes).map_err(at)?),
                TargetName::Revocations => revocations = Some(Revocations::read(bytes).map_err(at)?),
                TargetName::Members(shard) => add_members(&mut members, *shard, bytes).map_err(at)?,
                TargetName::Policy(file) => {
                    policies.insert(file.clone(), Arc::clone(bytes));
                }
            }
        }
        let missing = |name| (name, ContentsFault::new("targets", "this file is missing"));
        let (federation, general) = found.ok_or_else(|| missing(TargetName::Federation))?;
        let revocations = revocations.ok_or_else(|| missing(TargetName::Revocations))?;
        Ok(Contents { federation, general, members, revocations, policies })
    }

    /// The federation.
    pub fn federation(&self) -> &FederationName {
        &self.federation
    }

    /// Every member, by code, with its entry as JSON.
    pub fn members(&self) -> impl Iterator<Item = (&OdsCode, &str)> {
        self.members.iter().map(|(organisation, entry)| (organisation, entry.get()))
    }

    /// What is no longer believed.
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The files of the baseline policies, by name.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.policies.iter().map(|(file, bytes)| (file.as_str(), bytes.as_ref()))
    }

    /// All but revocations and policies as one JSON document: what the payload of a single register file says.
    ///
    /// # Errors
    ///
    /// [`ContentsFault`] if it cannot be written, which no contents that were read give.
    pub fn register_json(&self, version: u64) -> Result<Vec<u8>, ContentsFault> {
        let document = RegisterJson {
            federation: self.federation.as_str(),
            version,
            issued_at_ms: self.general.issued_at_ms,
            expires_at_ms: None,
            policy_digest: self.general.policy_digest,
            roots: &self.general.roots,
            brokers: &self.general.brokers,
            members: self.members.values().map(|entry| &**entry).collect(),
        };
        serde_json::to_vec(&document).map_err(|error| ContentsFault::new("register", error))
    }
}

fn general(bytes: &[u8]) -> Result<(FederationName, General), ContentsFault> {
    let at = |reason: String| ContentsFault::new("federation", reason);
    let general: General = serde_json::from_slice(bytes).map_err(|error| at(complaint(&error)))?;
    if general.roots.is_empty() || general.roots.len() > contract::ROOTS {
        return Err(at(format!("field `roots`: 1 to {} certificates", contract::ROOTS)));
    }
    if general.brokers.len() > contract::BROKERS {
        return Err(at(format!("field `brokers`: at most {}", contract::BROKERS)));
    }
    let federation = FederationName::parse(&general.federation).map_err(|fault| at(fault.to_string()))?;
    Ok((federation, general))
}

fn add_members(members: &mut BTreeMap<OdsCode, Box<RawValue>>, shard: u8, bytes: &[u8]) -> Result<(), ContentsFault> {
    let read: Shard = serde_json::from_slice(bytes).map_err(|error| ContentsFault::new("shard", complaint(&error)))?;
    if read.shard != shard {
        return Err(ContentsFault::new("shard", format!("field `shard`: {shard}, as in the file's name")));
    }
    for (position, entry) in read.members.into_iter().enumerate() {
        let place = format!("members[{position}]");
        let named: Named =
            serde_json::from_str(entry.get()).map_err(|error| ContentsFault::new(&place, complaint(&error)))?;
        let organisation = named.organisation;
        let place = format!("member {organisation}");
        if shard_of(&organisation) != shard {
            let right = TargetName::Members(shard_of(&organisation));
            return Err(ContentsFault::new(place, format!("stands in another shard than its own, `{right}`")));
        }
        if members.insert(organisation, entry).is_some() {
            return Err(ContentsFault::new(place, "listed twice"));
        }
    }
    if members.len() > contract::MEMBERS {
        return Err(ContentsFault::new("members", format!("at most {} in all shards", contract::MEMBERS)));
    }
    Ok(())
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({}, {} members, {} policies)", self.federation, self.members.len(), self.policies.len())
    }
}
