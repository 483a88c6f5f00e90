//! Signing keys as files.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use weald_proto::{Signable, SigningKey};

/// PrivateKeyInfo of an Ed25519 key up to its seed (RFC 8410, section 7).
const HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A signing key in PKCS #8 PEM, as `openssl genpkey -algorithm ed25519` writes it.
pub fn pkcs8_pem<T: Signable>(key: &SigningKey<T>) -> String {
    let der: Vec<u8> = HEAD.iter().chain(key.expose_seed()).copied().collect();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}
