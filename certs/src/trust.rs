//! Whom we believe: the federation's root certificates, and the checks of a peer's chain against them.

mod own;
mod verifier;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::CertificateError;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use weald_proto::{FederationName, SpiffeId};

use crate::issuer::name_of_issuer;
use crate::peer;
use crate::tls;

pub use own::OwnCertificateFault;
pub(crate) use verifier::{ClientVerifier, ServerVerifier};

/// The root certificates of one federation, replaceable while connections are open.
///
/// Never without a root. Certificates of these roots are believed only about parties of this
/// federation. Handshakes that begin after [`replace`](Self::replace) use the new roots.
pub struct Trust {
    federation: FederationName,
    anchors: ArcSwap<Anchors>,
}

/// What is swapped as one. Revocation lists belong here, beside the roots that sign them.
struct Anchors {
    roots: Vec<TrustAnchor<'static>>,
}

impl Trust {
    /// Believes `roots`, self-signed certificates, about the parties of `federation`.
    ///
    /// # Errors
    ///
    /// [`TrustError`] when there is no root, or one does not parse.
    pub fn new(federation: FederationName, roots: &[CertificateDer<'_>]) -> Result<Self, TrustError> {
        Ok(Trust { federation, anchors: ArcSwap::from_pointee(Anchors::parse(roots)?) })
    }

    /// Replaces the roots. Nothing changes unless all of the new ones parse.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn replace(&self, roots: &[CertificateDer<'_>]) -> Result<(), TrustError> {
        self.anchors.store(Arc::new(Anchors::parse(roots)?));
        Ok(())
    }

    /// The federation.
    pub fn federation(&self) -> &FederationName {
        &self.federation
    }

    /// Checks that a leaf chains to a root, is valid now, may be used for `usage`, and names a party of
    /// this federation: which one is the answer.
    ///
    /// The usage must be in the leaf, and in every intermediate: one without the extension is refused,
    /// though RFC 5280 (4.2.1.12) would let it stand for any.
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
        usage: webpki::KeyUsage,
    ) -> Result<SpiffeId, CertificateError> {
        let certificate = webpki::EndEntityCert::try_from(leaf).map_err(certificate_error)?;
        let anchors = self.anchors.load();
        let algorithms = tls::provider().signature_verification_algorithms.all;
        certificate
            .verify_for_usage(algorithms, &anchors.roots, intermediates, now, usage, None, None)
            .map_err(certificate_error)?;
        match peer::spiffe_id(leaf) {
            Ok(id) if id.federation == self.federation => Ok(id),
            _ => Err(CertificateError::NotValidForName),
        }
    }

    /// Whether somebody in a chain says that one of our roots has issued it. Nothing is checked.
    fn is_named_by(&self, leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> bool {
        let anchors = self.anchors.load();
        let roots: Vec<&[u8]> = anchors.roots.iter().map(|root| root.subject.as_ref()).collect();
        std::iter::once(leaf)
            .chain(intermediates)
            .filter_map(|link| name_of_issuer(link))
            .any(|name| roots.contains(&name))
    }
}

impl Anchors {
    fn parse(roots: &[CertificateDer<'_>]) -> Result<Self, TrustError> {
        if roots.is_empty() {
            return Err(TrustError::NoRoot);
        }
        let anchor = |(position, root): (usize, &CertificateDer<'_>)| {
            webpki::anchor_from_trusted_cert(root)
                .map(|anchor| anchor.to_owned())
                .map_err(|_| TrustError::BadRoot { position })
        };
        Ok(Anchors { roots: roots.iter().enumerate().map(anchor).collect::<Result<_, _>>()? })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({}, {} roots)", self.federation, self.anchors.load().roots.len())
    }
}

/// Why root certificates cannot be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// There is none.
    #[error("at least one root certificate is needed")]
    NoRoot,
    /// One does not parse.
    #[error("root certificate {position} (counted from 0) does not parse")]
    BadRoot {
        /// Its place in the list, from 0.
        position: usize,
    },
}

/// What rustls makes an alert of; rustls' own table is private. Holds nothing of the certificate.
fn certificate_error(error: webpki::Error) -> CertificateError {
    match error {
        webpki::Error::BadDer | webpki::Error::BadDerTime | webpki::Error::TrailingData(_) => {
            CertificateError::BadEncoding
        }
        webpki::Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        webpki::Error::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        webpki::Error::InvalidCertValidity => CertificateError::Expired,
        // A root of that name, but not that key.
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => CertificateError::UnknownIssuer,
        webpki::Error::CertRevoked => CertificateError::Revoked,
        webpki::Error::UnknownRevocationStatus => CertificateError::UnknownRevocationStatus,
        webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EmptyEkuExtension => {
            CertificateError::InvalidPurpose
        }
        other => CertificateError::Other(rustls::OtherError(Arc::new(other))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_without_a_root_or_with_one_that_does_not_parse_is_refused() {
        let federation = || FederationName::parse("kent.weald.example").unwrap();
        assert_eq!(Trust::new(federation(), &[]).unwrap_err(), TrustError::NoRoot);
        let bad = CertificateDer::from(vec![0x30, 0x00]);
        assert_eq!(Trust::new(federation(), &[bad]).unwrap_err(), TrustError::BadRoot { position: 0 });
    }
}
