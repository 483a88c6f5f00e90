//! The register that a process starts with.

use std::error::Error as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weald_certs::{Register, RegisterAnchor, RegisterError};
use weald_proto::{FederationName, KeyId, Malformed, Timestamp, VerifyingKey};

use super::file::Problem;
use crate::configuration::{Faults, Key, Placed, Table};

/// The table of the register.
pub const REGISTER: Key = Key::new("register", "{ file = \"register.json\", anchors = [...] }");

const FILE: Key = Key::new("file", "\"register.json\"");
const ANCHORS: Key = Key::new("anchors", "[{ key_id = \"register/1\", public_key = \"...\" }]");
const KEY_ID: Key = Key::new("key_id", "\"register/1\"");
const PUBLIC_KEY: Key = Key::new("public_key", "\"<base64 of the key's 32 bytes>\"");

/// Where the register is, and the keys that may sign it.
#[derive(Debug, Clone)]
pub struct RegisterSettings {
    file: Placed<PathBuf>,
    keys: Vec<(KeyId, VerifyingKey)>,
}

impl RegisterSettings {
    /// The keys of its table.
    pub const KEYS: &'static [Key] = &[FILE, ANCHORS];

    /// Reads the table.
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let file = table.path(FILE);
        let keys: Vec<_> = table.tables(ANCHORS, &[KEY_ID, PUBLIC_KEY])?.iter().map(anchor_key).collect();
        Some(RegisterSettings { file: file?, keys: keys.into_iter().collect::<Option<_>>()? })
    }

    /// Reads the register file and checks it against the anchors. None, with the fault noted, if it does not hold.
    pub fn load(&self, faults: &Faults, federation: &FederationName, now: Timestamp) -> Option<Register> {
        let (first, others) = self.keys.split_first()?;
        let anchor = RegisterAnchor::new(federation.clone(), first.0.clone(), first.1.clone());
        let anchor = others.iter().fold(anchor, |anchor, (id, key)| anchor.and(id.clone(), key.clone()));
        match Register::open(&self.file.value, &anchor, now) {
            Ok(register) => Some(register),
            Err(error) => {
                let Problem { what, remedy } = self.problem(&error);
                faults.refuse(&self.file.place, what, remedy)
            }
        }
    }

    fn problem(&self, error: &RegisterError) -> Problem {
        let file = self.file.value.display();
        let said = |remedy: &str| {
            let mut what = format!("`{file}`: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                what = format!("{what}: {error}");
                cause = error.source();
            }
            Problem::new(what, remedy)
        };
        match error {
            RegisterError::File { path, source } => Problem::of(path, source),
            RegisterError::TooLarge | RegisterError::Envelope(_) => said("name the federation's register file"),
            RegisterError::Signature(_) => {
                said("name the register of this federation, and check `federation` and `anchors` with whoever signs it")
            }
            RegisterError::OtherFederation => said("name the register of this federation, or correct `federation`"),
            RegisterError::NotYetIssued { .. } => said("set the clock, or wait"),
            RegisterError::Expired { .. } => said("put a newer register in its place"),
            RegisterError::Contents(_) | RegisterError::Rollback { .. } => said("tell whoever signs the register"),
        }
    }
}

fn anchor_key(table: &Table<'_>) -> Option<(KeyId, VerifyingKey)> {
    const EXPECTED: Malformed = Malformed::new("public_key", "base64 of a 32-byte Ed25519 public key");
    let id = table.parsed(KEY_ID, KeyId::parse);
    let key = table.parsed(PUBLIC_KEY, |text| {
        let bytes = STANDARD.decode(text).map_err(|_| EXPECTED)?;
        VerifyingKey::parse(&bytes).map_err(|_| EXPECTED)
    });
    Some((id?.value, key?.value))
}
