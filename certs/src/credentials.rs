//! A process's own certificate and private key, replaceable while connections are open.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject as _;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use weald_proto::SpiffeId;

use crate::peer::{self, PeerError};
use crate::tls;

/// A certificate chain and its private key, for both ends of a connection.
///
/// The key fits the leaf, and the leaf names the party that the credentials were loaded for. Handshakes
/// that begin after [`replace`](Self::replace) use the new pair; open connections go on with the old.
pub struct Credentials {
    id: SpiffeId,
    current: ArcSwap<CertifiedKey>,
}

impl Credentials {
    /// Reads a chain, leaf first, and a private key (PKCS #8, SEC 1 or PKCS #1) from PEM text.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`] when either does not parse, the key is not that of the leaf, or the leaf
    /// does not name `expected` and nobody else.
    pub fn from_pem(chain: &[u8], key: &[u8], expected: &SpiffeId) -> Result<Self, CredentialsError> {
        let pair = certified_key(chain, key, expected)?;
        Ok(Credentials { id: expected.clone(), current: ArcSwap::from_pointee(pair) })
    }

    /// Reads a chain and a private key from two PEM files.
    ///
    /// # Errors
    ///
    /// [`CredentialsError::File`] naming the file that cannot be read; else as [`from_pem`](Self::from_pem),
    /// naming both.
    pub fn from_files(chain: &Path, key: &Path, expected: &SpiffeId) -> Result<Self, CredentialsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| CredentialsError::File { path: path.to_owned(), source })
        };
        Self::from_pem(&read(chain)?, &read(key)?, expected).map_err(|fault| CredentialsError::Pair {
            chain: chain.to_owned(),
            key: key.to_owned(),
            fault: Box::new(fault),
        })
    }

    /// Replaces chain and key. Nothing changes unless the new pair holds for the same party.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem).
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), CredentialsError> {
        self.current.store(Arc::new(certified_key(chain, key, &self.id)?));
        Ok(())
    }

    /// Whom the certificate names.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.id
    }

    pub(crate) fn current(&self) -> Arc<CertifiedKey> {
        self.current.load_full()
    }
}

fn certified_key(chain: &[u8], key: &[u8], expected: &SpiffeId) -> Result<CertifiedKey, CredentialsError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| CredentialsError::Chain)?;
    let leaf = chain.first().ok_or(CredentialsError::Chain)?;
    if peer::spiffe_id(leaf)? != *expected {
        return Err(CredentialsError::OtherParty { expected: expected.clone() });
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CredentialsError::Key)?;
    let key = tls::provider().key_provider.load_private_key(key).map_err(|_| CredentialsError::Key)?;
    let pair = CertifiedKey::new(chain, key);
    pair.keys_match().map_err(|_| CredentialsError::KeyOfAnother)?;
    Ok(pair)
}

impl ResolvesServerCert for Credentials {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl ResolvesClientCert for Credentials {
    fn resolve(&self, _roots: &[&[u8]], _schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.id)
    }
}

/// Why a certificate and a key are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Two files were read, and do not hold.
    #[error("certificate chain `{}` with private key `{}`", chain.display(), key.display())]
    Pair {
        /// The file of the chain.
        chain: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What is wrong.
        #[source]
        fault: Box<CredentialsError>,
    },
    /// The chain is not PEM, or is empty.
    #[error("the chain must be PEM of one or more certificates, the own one first")]
    Chain,
    /// The key is not PEM, or of an unknown kind.
    #[error("the private key must be PEM of one ECDSA, Ed25519 or RSA key")]
    Key,
    /// The certificate names no party.
    #[error(transparent)]
    Peer(#[from] PeerError),
    /// The certificate names another party.
    #[error("the certificate is not that of {expected}")]
    OtherParty {
        /// Whose it should be.
        expected: SpiffeId,
    },
    /// The key does not fit the certificate.
    #[error("the private key is not that of the certificate")]
    KeyOfAnother,
}

#[cfg(test)]
mod tests {
    use weald_proto::{FederationName, OdsCode, SystemRandom, Timestamp};

    use super::*;
    use crate::authority::{Authority, Issued, LeafKey, LeafTerms};

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn federation() -> FederationName {
        FederationName::parse("kent.weald.example").unwrap()
    }

    fn node(ods: &str) -> SpiffeId {
        SpiffeId::node(&federation(), &OdsCode::parse(ods).unwrap())
    }

    fn equip(id: &SpiffeId) -> (Issued, LeafKey) {
        let authority = Authority::new(federation(), Arc::new(SystemRandom), NOW).unwrap();
        authority.equip(id, &LeafTerms::usual(id, NOW)).unwrap()
    }

    #[test]
    fn the_certificate_of_another_party_is_refused() {
        let (issued, key) = equip(&node("RVV01"));
        let refused = Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), &node("RVV"));
        assert!(matches!(refused, Err(CredentialsError::OtherParty { .. })));
    }

    #[test]
    fn the_key_of_another_certificate_is_refused_and_replaces_nothing() {
        let id = node("RVV");
        let ((issued, key), (other, _)) = (equip(&id), equip(&id));
        let (chain, key) = (issued.pem.as_bytes(), key.to_pem());
        let credentials = Credentials::from_pem(chain, key.as_bytes(), &id).unwrap();
        let refused = credentials.replace(other.pem.as_bytes(), key.as_bytes());
        assert!(matches!(refused, Err(CredentialsError::KeyOfAnother)));
        assert_eq!(credentials.current.load().cert, issued.chain);
    }

    #[test]
    fn text_that_is_no_pem_is_refused() {
        let id = node("RVV");
        let (issued, key) = equip(&id);
        let (chain, key) = (issued.pem.as_bytes(), key.to_pem());
        for wrong in [&b""[..], b"no PEM", key.as_bytes()] {
            let refused = Credentials::from_pem(wrong, key.as_bytes(), &id);
            assert!(matches!(refused, Err(CredentialsError::Chain)));
        }
        for wrong in [&b""[..], b"no PEM", chain] {
            assert!(matches!(Credentials::from_pem(chain, wrong, &id), Err(CredentialsError::Key)));
        }
    }

    #[test]
    fn files_are_read_and_errors_name_them() {
        let id = node("RVV");
        let (issued, key) = equip(&id);
        let folder = tempfile::tempdir().unwrap();
        let (chain_file, key_file) = (folder.path().join("node.pem"), folder.path().join("node.key"));
        std::fs::write(&chain_file, &issued.pem).unwrap();

        let missing = Credentials::from_files(&chain_file, &key_file, &id).unwrap_err();
        assert!(missing.to_string().contains("node.key"), "{missing}");
        std::fs::write(&key_file, "no PEM").unwrap();
        let wrong = Credentials::from_files(&chain_file, &key_file, &id).unwrap_err();
        assert!(wrong.to_string().contains("node.key"), "{wrong}");
        std::fs::write(&key_file, key.to_pem().as_bytes()).unwrap();
        assert_eq!(Credentials::from_files(&chain_file, &key_file, &id).unwrap().spiffe_id(), &id);
    }

    #[test]
    fn credentials_do_not_print_what_they_hold() {
        let id = node("RVV");
        let (issued, key) = equip(&id);
        let credentials = Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), &id).unwrap();
        assert_eq!(format!("{credentials:?}"), format!("Credentials({id})"));
    }
}
