//! A process's own certificate and key, and whom it believes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use weald_certs::{Credentials, CredentialsError, OwnCertificateFault, Trust, TrustError};
use weald_proto::{FederationName, SpiffeId, Timestamp};

use super::file;
use crate::configuration::{Faults, Key, Placed, Table};

/// More than a chain or a list of roots has.
const MOST_BYTES: u64 = 1 << 20;
/// A certificate that is valid for less than this is warned about.
const SOON: Duration = Duration::from_secs(3600);

/// Who a process is on its connections, and whom it believes.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its certificate and key.
    pub credentials: Arc<Credentials>,
    /// The federation's roots.
    pub trust: Arc<Trust>,
}

/// Where a certificate chain and its key are.
#[derive(Debug, Clone)]
pub struct PartySettings {
    certificate: Placed<PathBuf>,
    key: Placed<PathBuf>,
}

impl PartySettings {
    /// The certificate chain, the own certificate first.
    pub const CERTIFICATE: Key = Key::new("certificate", "\"tls.pem\"");
    /// Its private key.
    pub const KEY: Key = Key::new("key", "\"tls.key\"");
    /// The federation's root certificates.
    pub const ROOTS: Key = Key::new("roots", "\"roots.pem\"");

    /// Reads certificate and key from their table.
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let (certificate, key) = (table.path(Self::CERTIFICATE), table.path(Self::KEY));
        Some(PartySettings { certificate: certificate?, key: key? })
    }

    /// Reads both files: the key fits the certificate, which names `id`, was issued under the roots and is valid
    /// now. The key must be closed to everybody but its owner. None, with each fault noted, if anything does not
    /// hold; without roots the rest is checked all the same.
    pub fn load(&self, faults: &Faults, id: &SpiffeId, trust: Option<&Arc<Trust>>, now: Timestamp) -> Option<Party> {
        let chain = file::read(&self.certificate.value, MOST_BYTES)
            .map_err(|problem| faults.note(&self.certificate.place, problem.what, problem.remedy));
        let key = file::read_secret(&self.key.value, MOST_BYTES)
            .map_err(|problem| faults.note(&self.key.place, problem.what, problem.remedy));
        let (chain, key) = (chain.ok()?, key.ok()?);
        let credentials = match Credentials::from_pem(&chain, &key, id) {
            Ok(credentials) => Arc::new(credentials),
            Err(error) => return self.refuse(faults, id, &error),
        };
        let trust = Arc::clone(trust?);
        match trust.believes(&credentials, now) {
            Ok(not_after) => self.warn_soon(faults, not_after, now),
            Err(fault) => return self.disbelieve(faults, fault),
        }
        Some(Party { credentials, trust })
    }

    fn refuse(&self, faults: &Faults, id: &SpiffeId, error: &CredentialsError) -> Option<Party> {
        let (certificate, key) = (self.certificate.value.display(), self.key.value.display());
        match error {
            CredentialsError::KeyOfAnother => faults.refuse(
                &self.key.place,
                format!("the private key `{key}` is not that of the certificate `{certificate}`"),
                "name the key with which this certificate was requested",
            ),
            CredentialsError::Key => faults.refuse(
                &self.key.place,
                format!("`{key}` holds no private key in PEM"),
                "name the file of the certificate's key: an ECDSA key in PKCS #8 PEM",
            ),
            CredentialsError::OtherParty { .. } => faults.refuse(
                &self.certificate.place,
                format!("the certificate `{certificate}` is that of another party, not of {id}"),
                format!("name the certificate of {id}"),
            ),
            CredentialsError::Peer(fault) => faults.refuse(
                &self.certificate.place,
                format!("`{certificate}`: {fault}"),
                format!("name the certificate that the federation's authority issued to {id}"),
            ),
            CredentialsError::Chain | CredentialsError::File { .. } | CredentialsError::Pair { .. } => faults.refuse(
                &self.certificate.place,
                format!("`{certificate}` holds no certificate in PEM"),
                "name a PEM file with the own certificate first, then those between it and the root",
            ),
        }
    }

    fn disbelieve(&self, faults: &Faults, fault: OwnCertificateFault) -> Option<Party> {
        let remedy = match fault {
            OwnCertificateFault::Expired(_) => "request a new one from the federation's authority",
            OwnCertificateFault::NotValidYet(_) => "check this machine's clock",
            OwnCertificateFault::UnknownIssuer => "check that certificate and `roots` are of the same federation",
            _ => "request one for nodes and brokers from the federation's authority",
        };
        let what = format!("`{}`: {fault}", self.certificate.value.display());
        faults.refuse(&self.certificate.place, what, remedy)
    }

    fn warn_soon(&self, faults: &Faults, not_after: Timestamp, now: Timestamp) {
        if not_after.since(now) < SOON {
            let what = format!("the certificate expires at {not_after}, in less than an hour");
            faults.warn(&self.certificate.place, &what, "request a new one from the federation's authority");
        }
    }
}

/// Reads the federation's root certificates from a PEM file. None, with the fault noted, if it holds none or one
/// that does not parse.
pub fn roots(faults: &Faults, path: &Placed<PathBuf>, federation: &FederationName) -> Option<Arc<Trust>> {
    let pem = match file::read(&path.value, MOST_BYTES) {
        Ok(pem) => pem,
        Err(problem) => return faults.refuse(&path.place, problem.what, problem.remedy),
    };
    let file = path.value.display();
    let remedy = "name the PEM file with the federation's root certificates";
    let Ok(roots) = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>() else {
        return faults.refuse(&path.place, format!("`{file}` holds no certificates in PEM"), remedy);
    };
    match Trust::new(federation.clone(), &roots) {
        Ok(trust) => Some(Arc::new(trust)),
        Err(TrustError::NoRoot) => faults.refuse(&path.place, format!("`{file}` holds no certificates in PEM"), remedy),
        Err(fault @ TrustError::BadRoot { .. }) => faults.refuse(&path.place, format!("`{file}`: {fault}"), remedy),
    }
}
