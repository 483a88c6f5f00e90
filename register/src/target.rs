//! The files that a register consists of, by name.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weald_proto::{Digest, Malformed, OdsCode};

use crate::limit;

/// How many shards the members are spread over, by the hash of their codes. A change of one member is a thirty-second of
/// all that others have to fetch.
pub const SHARDS: u8 = 32;

const POLICIES: &str = "policies.";
const POLICY_CHARS: usize = 48;

/// The shard in which a member of that code stands: the first five bits of the code's SHA-256.
pub fn shard_of(organisation: &OdsCode) -> u8 {
    let [first, ..] = *Digest::of(organisation.as_str().as_bytes()).as_bytes();
    first >> 3
}

/// The name of a target. A closed set; no name is a path, and all fit the door at which register files are served.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetName {
    /// `federation.json`: brokers, root certificates, and what holds for the whole federation.
    Federation,
    /// `members-00.json` to `members-31.json`.
    Members(u8),
    /// `policies.<file>`: one file of the baseline policies.
    Policy(String),
    /// `revocations.json`: what is no longer believed.
    Revocations,
}

impl TargetName {
    /// Parses a name.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        const EXPECTED: Malformed = Malformed::new(
            "targets",
            "federation.json, revocations.json, members-00.json to members-31.json, or policies.<file>",
        );
        if let Some(file) = name.strip_prefix(POLICIES) {
            return TargetName::policy(file).map_err(|_| EXPECTED);
        }
        match name {
            "federation.json" => Ok(TargetName::Federation),
            "revocations.json" => Ok(TargetName::Revocations),
            _ => {
                let shard =
                    name.strip_prefix("members-").and_then(|rest| rest.strip_suffix(".json")).ok_or(EXPECTED)?;
                let number = shard.parse().map_err(|_| EXPECTED)?;
                let exact = number < SHARDS && format!("{number:02}") == shard;
                if exact { Ok(TargetName::Members(number)) } else { Err(EXPECTED) }
            }
        }
    }

    /// The target for a file of policies: 1 to 48 of `a-z 0-9 _ - .`, beginning with a letter.
    ///
    /// # Errors
    ///
    /// [`Malformed`] for any other name.
    pub fn policy(file: &str) -> Result<Self, Malformed> {
        let is_one = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.');
        let fits = (1..=POLICY_CHARS).contains(&file.len())
            && file.bytes().all(is_one)
            && file.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if fits {
            Ok(TargetName::Policy(file.to_owned()))
        } else {
            Err(Malformed::new("policy", "a file name of 1 to 48 of a-z, 0-9, '_', '-' and '.'"))
        }
    }

    /// The targets that every register has: the federation, the revocations and all shards.
    pub fn required() -> impl Iterator<Item = TargetName> {
        [TargetName::Federation, TargetName::Revocations].into_iter().chain((0..SHARDS).map(TargetName::Members))
    }

    /// The most bytes that it may have.
    pub fn longest(&self) -> usize {
        match self {
            TargetName::Federation => limit::FEDERATION_BYTES,
            TargetName::Members(_) => limit::SHARD_BYTES,
            TargetName::Policy(_) => limit::POLICY_BYTES,
            TargetName::Revocations => limit::REVOCATIONS_BYTES,
        }
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetName::Federation => f.write_str("federation.json"),
            TargetName::Members(shard) => write!(f, "members-{shard:02}.json"),
            TargetName::Policy(file) => write!(f, "{POLICIES}{file}"),
            TargetName::Revocations => f.write_str("revocations.json"),
        }
    }
}

impl Serialize for TargetName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TargetName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        TargetName::parse(&name).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_as_they_are_written_and_stand_in_the_order_of_their_names() {
        let mut names: Vec<TargetName> = TargetName::required().collect();
        names.push(TargetName::policy("break_glass.cedar").unwrap());
        names.sort();
        let written: Vec<String> = names.iter().map(TargetName::to_string).collect();
        assert!(written.is_sorted(), "canonical JSON has keys in order: {written:?}");
        for (name, text) in names.iter().zip(&written) {
            assert_eq!(TargetName::parse(text).as_ref(), Ok(name));
        }
    }

    #[test]
    fn look_alikes_and_paths_are_no_names() {
        for name in [
            "",
            "members-32.json",
            "members-1.json",
            "members-+1.json",
            "members-001.json",
            "Members-01.json",
            "policies.",
            "policies.../x",
            "policies..x",
            "policies.a/b",
            "policies.A",
            "root.json",
            "targets.json",
            "federation.json/",
            "../federation.json",
        ] {
            assert!(TargetName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_member_stands_in_one_shard_and_all_shards_are_used() {
        let codes = (0..2000).map(|number| OdsCode::parse(&format!("G{number:05}")).unwrap());
        let mut counts = [0_u32; 32];
        codes.for_each(|code| counts[usize::from(shard_of(&code))] += 1);
        assert!(counts.iter().all(|count| (30..100).contains(count)), "{counts:?}");
    }
}
