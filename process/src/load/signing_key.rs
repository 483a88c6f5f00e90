//! Ed25519 signing keys, as `openssl genpkey -algorithm ed25519` writes them.

use std::path::PathBuf;

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use weald_certs::{KeyState, RegisteredKey};
use weald_proto::{KeyId, Signable, SigningKey};
use zeroize::Zeroizing;

use super::file;
use crate::configuration::{Faults, Key, Placed, Table};

/// More than a key has.
const MOST_BYTES: u64 = 4096;

/// What comes before the 32 bytes of the seed: a PrivateKeyInfo of version 1 with the algorithm id-Ed25519 and
/// an OCTET STRING in an OCTET STRING (RFC 8410, section 7).
const PKCS8_HEAD: &[u8] =
    &[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

const KEY_ID: Key = Key::new("key_id", "\"<its id in the register>\"");
const KEY: Key = Key::new("key", "\"<file>.key\"");

/// Where a signing key is, and by which id the register knows it.
#[derive(Debug, Clone)]
pub struct KeySettings {
    id: Placed<KeyId>,
    file: Placed<PathBuf>,
}

impl KeySettings {
    /// The keys of its table.
    pub const KEYS: &'static [Key] = &[KEY_ID, KEY];

    /// Reads the table.
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let (id, file) = (table.parsed(KEY_ID, KeyId::parse), table.path(KEY));
        Some(KeySettings { id: id?, file: file? })
    }

    /// Reads the key from its file, which must be closed to everybody but its owner. None, with the fault noted,
    /// if it does not hold.
    pub fn load<T: Signable>(&self, faults: &Faults) -> Option<SigningKey<T>> {
        let Placed { value: path, place } = &self.file;
        let bytes = match file::read_secret(path, MOST_BYTES) {
            Ok(bytes) => bytes,
            Err(problem) => return faults.refuse(place, problem.what, problem.remedy),
        };
        match seed(&bytes) {
            Some(seed) => Some(SigningKey::from_seed(self.id.value.clone(), &seed)),
            None => {
                let file = path.display();
                faults.refuse(
                    place,
                    format!("`{file}` is no Ed25519 private key in PKCS #8 PEM"),
                    format!("name the right file, or make a key: openssl genpkey -algorithm ed25519 -out {file}"),
                )
            }
        }
    }
}

fn seed(pem: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let key = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
    let seed = key.secret_pkcs8_der().strip_prefix(PKCS8_HEAD)?;
    Some(Zeroizing::new(seed.try_into().ok()?))
}

/// Checks that the register has this key among those of its owner, for this use, and that it may sign now. Notes
/// the fault if not.
pub fn check_key<T: Signable>(
    faults: &Faults,
    settings: &KeySettings,
    key: &SigningKey<T>,
    owner: &str,
    registered: &[RegisteredKey],
) {
    let id = &settings.id.value;
    let place = &settings.id.place;
    let Some(listed) = registered.iter().find(|listed| listed.id == *id) else {
        let what = format!("the register has no key `{id}` of {owner}");
        return faults.note(place, what, "correct the id, or have the key's public half entered in the register");
    };
    if listed.usage != T::USE {
        let what = format!("the register has `{id}` as a key for another use");
        return faults.note(place, what, "name the id of the key that is for this use");
    }
    if listed.key != key.verifying_key() {
        let what = format!("the key in this file is not the one that the register has as `{id}`");
        return faults.note(&settings.file.place, what, "name the file of that key, or correct `key_id`");
    }
    let problem = match listed.state {
        KeyState::Active => return,
        KeyState::Pending => "announced only: nothing that it signs is accepted yet",
        KeyState::VerifyOnly => "one that signs no more",
        KeyState::Retired => "retired",
    };
    faults.note(place, format!("by the register, `{id}` is {problem}"), "name the key that the register has as active");
}
