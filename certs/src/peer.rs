//! Who is on the other end of a connection.

use std::fmt;

use rustls::CommonState;
use rustls_pki_types::CertificateDer;
use weald_proto::{Malformed, SpiffeId};

/// Who is on the other end, as the certificate of a finished TLS handshake says.
///
/// Nothing else makes one. An [`Acceptor`](crate::Acceptor) puts it into the extensions of every
/// request; it is parsed once for each connection.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PeerIdentity(SpiffeId);

impl PeerIdentity {
    /// The name.
    pub fn spiffe_id(&self) -> &SpiffeId {
        &self.0
    }

    /// Whom a [`Connector`](crate::Connector) has dialled: its handshake accepts nobody but `expected`.
    pub(crate) fn dialled(expected: SpiffeId) -> Self {
        PeerIdentity(expected)
    }

    /// Reads it from a connection whose handshake, with verification of the chain, is over.
    pub(crate) fn of_connection(connection: &CommonState) -> Result<Self, PeerError> {
        let leaf = connection.peer_certificates().and_then(<[_]>::first).ok_or(PeerError::NoCertificate)?;
        spiffe_id(leaf).map(PeerIdentity)
    }
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerIdentity({})", self.0)
    }
}

/// Why a certificate names no party.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// None was presented.
    #[error("no certificate was presented")]
    NoCertificate,
    /// It does not parse.
    #[error("the certificate does not parse")]
    BadCertificate,
    /// It does not hold exactly one URI name.
    #[error("the certificate holds {0} URI names, where exactly one is needed")]
    UriNames(usize),
    /// Its URI name is no SPIFFE id.
    #[error("the certificate's URI name is no SPIFFE id")]
    Name(#[from] Malformed),
}

/// The SPIFFE id of a certificate: its one URI name (SPIFFE X509-SVID, section 2).
pub(crate) fn spiffe_id(leaf: &CertificateDer<'_>) -> Result<SpiffeId, PeerError> {
    let leaf = webpki::EndEntityCert::try_from(leaf).map_err(|_| PeerError::BadCertificate)?;
    let mut names = leaf.valid_uri_names();
    match (names.next(), names.count()) {
        (Some(name), 0) => Ok(SpiffeId::parse(name)?),
        (None, _) => Err(PeerError::UriNames(0)),
        (Some(_), more) => Err(PeerError::UriNames(more.saturating_add(1))),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn leaf(names: &[&str]) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| SanType::URI((*name).try_into().unwrap())).collect();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    #[test]
    fn a_certificate_names_exactly_one_party() {
        let (node, broker) = ("spiffe://kent.weald.example/org/RVV/node", "spiffe://kent.weald.example/broker/b1");
        assert_eq!(spiffe_id(&leaf(&[node])).unwrap().to_string(), node);
        assert_eq!(spiffe_id(&leaf(&[])), Err(PeerError::UriNames(0)));
        assert_eq!(spiffe_id(&leaf(&[node, broker])), Err(PeerError::UriNames(2)));
        assert_eq!(spiffe_id(&leaf(&[node, node])), Err(PeerError::UriNames(2)));
    }

    #[test]
    fn a_name_that_is_no_spiffe_id_and_bytes_that_are_no_certificate_are_refused() {
        assert!(matches!(spiffe_id(&leaf(&["https://kent.weald.example/org/RVV/node"])), Err(PeerError::Name(_))));
        assert_eq!(spiffe_id(&CertificateDer::from(vec![0x30, 0x00])), Err(PeerError::BadCertificate));
    }
}
