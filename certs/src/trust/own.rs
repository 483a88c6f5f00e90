//! Whether others will believe a process's own certificate: asked before it serves with it.

use rustls::CertificateError;
use rustls_pki_types::{CertificateDer, UnixTime};
use weald_proto::{SpiffeId, Timestamp};

use super::{Trust, verifier};
use crate::credentials::Credentials;
use crate::tls;

/// Why those who trust the same roots will not believe a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnCertificateFault {
    /// None of the roots has issued it.
    #[error("none of the federation's roots has issued the certificate")]
    UnknownIssuer,
    /// It is no longer valid.
    #[error("the certificate expired at {0}")]
    Expired(Timestamp),
    /// It is not valid yet.
    #[error("the certificate is not valid before {0}")]
    NotValidYet(Timestamp),
    /// It may not be used at both ends of a connection, as those of nodes and brokers must be.
    #[error("the certificate is not for both ends of a connection (serverAuth and clientAuth)")]
    WrongUsage,
    /// Anything else: it does not parse, its signature does not fit, ...
    #[error("the certificate does not hold")]
    Invalid,
}

impl Trust {
    /// Checks that others who trust these roots believe the credentials of a node or broker at `now`, at
    /// either end of a connection. Gives the moment after which they will not.
    ///
    /// # Errors
    ///
    /// [`OwnCertificateFault`].
    pub fn believes(&self, credentials: &Credentials, now: Timestamp) -> Result<Timestamp, OwnCertificateFault> {
        for usage in [verifier::SERVER_AUTH, verifier::CLIENT_AUTH] {
            self.verify_own(credentials, at(now), usage)?;
        }
        // Far ahead every certificate has expired, and is refused with the moment at which it did.
        match self.verify_own(credentials, at(Timestamp::from_secs(i64::MAX / 1000)), verifier::SERVER_AUTH) {
            Err(OwnCertificateFault::Expired(not_after)) => Ok(not_after),
            Err(fault) => Err(fault),
            Ok(()) => Err(OwnCertificateFault::Invalid),
        }
    }

    /// Whom a chain names that a party was given for itself, leaf first, if others who trust these roots believe it
    /// at `now`.
    pub(crate) fn believes_chain(
        &self,
        chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<SpiffeId, CertificateError> {
        let (leaf, intermediates) = chain.split_first().ok_or(CertificateError::BadEncoding)?;
        self.verify(leaf, intermediates, at(now), webpki::KeyUsage::required(verifier::CLIENT_AUTH))
    }

    fn verify_own(
        &self,
        credentials: &Credentials,
        now: UnixTime,
        usage: &'static [u8],
    ) -> Result<(), OwnCertificateFault> {
        let pair = credentials.current();
        let (leaf, intermediates) = pair.cert.split_first().ok_or(OwnCertificateFault::Invalid)?;
        let leaf = webpki::EndEntityCert::try_from(leaf).map_err(fault)?;
        let anchors = self.anchors.load();
        let (algorithms, usage) =
            (tls::provider().signature_verification_algorithms.all, webpki::KeyUsage::required(usage));
        leaf.verify_for_usage(algorithms, &anchors.roots, intermediates, now, usage, None, None).map_err(fault)?;
        Ok(())
    }
}

fn at(moment: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(moment.since(Timestamp::from_secs(0)))
}

fn fault(error: webpki::Error) -> OwnCertificateFault {
    let moment = |time: UnixTime| Timestamp::from_secs(i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
    match error {
        webpki::Error::CertExpired { not_after, .. } => OwnCertificateFault::Expired(moment(not_after)),
        webpki::Error::CertNotValidYet { not_before, .. } => OwnCertificateFault::NotValidYet(moment(not_before)),
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            OwnCertificateFault::UnknownIssuer
        }
        webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::EmptyEkuExtension => {
            OwnCertificateFault::WrongUsage
        }
        _ => OwnCertificateFault::Invalid,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use weald_proto::{FederationName, OdsCode, SpiffeId, SystemRandom};

    use super::*;
    use crate::authority::{Authority, LeafTerms, LeafUsage};

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);
    const HOUR: Duration = Duration::from_secs(3600);

    fn federation() -> FederationName {
        FederationName::parse("kent.weald.example").unwrap()
    }

    fn authority() -> Authority {
        Authority::new(federation(), Arc::new(SystemRandom), NOW).unwrap()
    }

    fn trust(authority: &Authority) -> Trust {
        Trust::new(federation(), std::slice::from_ref(authority.root())).unwrap()
    }

    fn credentials(authority: &Authority, change: impl FnOnce(&mut LeafTerms)) -> Credentials {
        let id = SpiffeId::node(&federation(), &OdsCode::parse("RVV").unwrap());
        let mut terms = LeafTerms::usual(&id, NOW);
        change(&mut terms);
        let (issued, key) = authority.equip(&id, &terms).unwrap();
        Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), &id).unwrap()
    }

    #[test]
    fn a_certificate_is_believed_until_the_moment_that_is_given() {
        let authority = authority();
        let (trust, credentials) = (trust(&authority), credentials(&authority, |_| {}));
        let not_after = trust.believes(&credentials, NOW).unwrap();
        assert_eq!(not_after, NOW.plus(24 * HOUR));
        let late = not_after.plus(Duration::from_secs(1));
        assert_eq!(trust.believes(&credentials, late), Err(OwnCertificateFault::Expired(not_after)));
        let early = NOW.minus(HOUR);
        assert!(matches!(trust.believes(&credentials, early), Err(OwnCertificateFault::NotValidYet(_))));
    }

    #[test]
    fn a_certificate_of_other_roots_or_for_one_end_only_is_not_believed() {
        let (authority, other) = (self::authority(), self::authority());
        let trust = trust(&authority);
        let foreign = credentials(&other, |_| {});
        assert_eq!(trust.believes(&foreign, NOW), Err(OwnCertificateFault::UnknownIssuer));
        for usage in [LeafUsage::Client, LeafUsage::Server] {
            let one_end = credentials(&authority, |terms| terms.usage = usage);
            assert_eq!(trust.believes(&one_end, NOW), Err(OwnCertificateFault::WrongUsage));
        }
    }
}
