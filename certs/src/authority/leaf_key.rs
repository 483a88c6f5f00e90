//! A leaf's private key, on the side that keeps it.

use std::fmt;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::CertificateSigningRequestDer;
use zeroize::Zeroizing;

use crate::authority::AuthorityError;

/// A P-256 private key that asks for a certificate. Does not print.
pub struct LeafKey(KeyPair);

impl LeafKey {
    /// A new key.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Certificate`] when aws-lc-rs cannot make one.
    pub fn generate() -> Result<Self, AuthorityError> {
        Ok(LeafKey(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?))
    }

    /// A request (PKCS #10) signed with the key, which proves that the sender holds it. Names nobody:
    /// the authority says whose it is.
    ///
    /// # Errors
    ///
    /// [`AuthorityError::Certificate`] when it cannot be signed.
    pub fn request(&self) -> Result<CertificateSigningRequestDer<'static>, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        Ok(params.serialize_request(&self.0)?.into())
    }

    /// The key as PKCS #8 PEM, for a file that only its owner can read.
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }
}

impl fmt::Debug for LeafKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeafKey")
    }
}
