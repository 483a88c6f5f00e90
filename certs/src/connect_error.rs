//! Why a connection to another party could not be made.

use std::io;
use std::sync::Arc;

use rustls::{AlertDescription, CertificateError};

/// Why there is no connection. Cheap to clone: callers that share a dial share its error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// TCP: nobody listens there, no route, no such host.
    #[error("cannot reach the other end: {0}")]
    Network(io::ErrorKind),
    /// Not done within the time given.
    #[error("no connection within the time given")]
    TimedOut,
    /// The other end's certificate does not hold.
    #[error("the other end's certificate: {0}")]
    Certificate(CertificateFault),
    /// The other end will not have us: its TLS alert. `CertificateExpired` and `CertificateRevoked`
    /// speak for themselves, `UnknownCA` says that it does not believe our root, `AccessDenied` that
    /// parties of our kind have no business there.
    #[error("the other end refuses us: {0:?}")]
    Refused(AlertDescription),
    /// The other end agreed on no protocol, or on another one than HTTP/2.
    #[error("the other end does not speak HTTP/2 here")]
    WrongProtocol,
    /// The other end hung up before it had said anything.
    #[error("the other end hung up before it had said anything")]
    HungUp,
    /// TLS failed otherwise.
    #[error("TLS failed")]
    Tls(#[source] rustls::Error),
    /// HTTP/2 failed.
    #[error("HTTP/2 failed")]
    Http2(#[source] Arc<hyper::Error>),
}

/// What is wrong with the certificate that the other end presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// No root that we believe has issued it.
    #[error("issued by nobody that is believed here")]
    UnknownIssuer,
    /// It names another party, another federation, or none.
    #[error("not that of the party that was dialled")]
    OtherParty,
    /// It is no longer valid.
    #[error("expired")]
    Expired,
    /// It is not valid yet.
    #[error("not valid yet")]
    NotValidYet,
    /// It may not be used by whoever is dialled.
    #[error("not for use by a server")]
    WrongUsage,
    /// It was revoked.
    #[error("revoked")]
    Revoked,
    /// Anything else: it does not parse, its signature does not fit, ...
    #[error("does not hold")]
    Invalid,
}

impl ConnectError {
    /// From an error of a TLS stream, which wraps rustls' own.
    pub(crate) fn of_tls(error: &io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner {
            Some(rustls::Error::InvalidCertificate(fault)) => ConnectError::Certificate(fault.into()),
            Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)) => ConnectError::WrongProtocol,
            Some(rustls::Error::AlertReceived(alert)) => ConnectError::Refused(*alert),
            Some(other) => ConnectError::Tls(other.clone()),
            None if error.kind() == io::ErrorKind::UnexpectedEof => ConnectError::HungUp,
            None => ConnectError::Network(error.kind()),
        }
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
            CertificateError::NotValidForName => CertificateFault::OtherParty,
            CertificateError::Expired => CertificateFault::Expired,
            CertificateError::NotValidYet => CertificateFault::NotValidYet,
            CertificateError::InvalidPurpose => CertificateFault::WrongUsage,
            CertificateError::Revoked => CertificateFault::Revoked,
            _ => CertificateFault::Invalid,
        }
    }
}
