//! Why a connection to another party could not be made.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::{AlertDescription, CertificateError};
use rustls_pki_types::UnixTime;
use weald_proto::network::Unresolved;

use crate::issuer::Issuer;
use crate::proxy::ProxyFault;

/// Why there is no connection. Cheap to clone: callers that share a dial share its error.
///
/// [`Diagnosis`](crate::diagnosis::Diagnosis) says what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// DNS: the host name has no address, or none was found in time.
    #[error("the other end's host name does not resolve")]
    Name,
    /// TCP: nobody listens there, no route.
    #[error("cannot reach the other end: {0}")]
    Network(io::ErrorKind),
    /// The proxy has not connected us.
    #[error("{0}")]
    Proxy(ProxyFault),
    /// Not done within the time given.
    #[error("no connection within the time given: {0}")]
    TimedOut(Step),
    /// The other end's certificate does not hold.
    #[error("the other end's certificate: {0}")]
    Certificate(CertificateFault),
    /// The certificate that was shown is issued by nobody whom we believe: somebody on the way intercepts
    /// TLS, or another federation's party answers.
    #[error("the certificate shown is issued by \"{0}\", which is no root of this federation")]
    ForeignIssuer(Issuer),
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

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// DNS, TCP, and the proxy if there is one.
    Reaching,
    /// TLS, and the other end's first word.
    Securing,
}

/// What is wrong with the certificate that the other end presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It names another party, another federation, or none.
    #[error("not that of the party that was dialled")]
    OtherParty,
    /// By our clock it is no longer valid.
    #[error("expired {} ago by our clock", Spell(*ago))]
    Expired {
        /// For how long, in whole seconds.
        ago: Duration,
    },
    /// By our clock it is not valid yet.
    #[error("not valid yet: only in {} by our clock", Spell(*ahead))]
    NotValidYet {
        /// When it will be, in whole seconds from now.
        ahead: Duration,
    },
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
    /// From an error of a [`Network`](weald_proto::network::Network).
    pub(crate) fn of_network(error: &io::Error) -> Self {
        if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<ProxyFault>()) {
            return ConnectError::Proxy(fault.clone());
        }
        if error.get_ref().is_some_and(|inner| inner.is::<Unresolved>()) {
            return ConnectError::Name;
        }
        match error.kind() {
            io::ErrorKind::TimedOut => ConnectError::TimedOut(Step::Reaching),
            kind => ConnectError::Network(kind),
        }
    }

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

    /// The same, naming the issuer of a certificate if it is nobody whom we believe.
    pub(crate) fn naming(self, stranger: Option<&Issuer>) -> Self {
        match (self, stranger) {
            (ConnectError::Certificate(_), Some(issuer)) => ConnectError::ForeignIssuer(issuer.clone()),
            (error, _) => error,
        }
    }
}

impl From<&CertificateError> for CertificateFault {
    fn from(error: &CertificateError) -> Self {
        match error {
            CertificateError::NotValidForName => CertificateFault::OtherParty,
            CertificateError::ExpiredContext { time, not_after } => {
                CertificateFault::Expired { ago: between(*not_after, *time) }
            }
            CertificateError::NotValidYetContext { time, not_before } => {
                CertificateFault::NotValidYet { ahead: between(*time, *not_before) }
            }
            CertificateError::InvalidPurpose => CertificateFault::WrongUsage,
            CertificateError::Revoked => CertificateFault::Revoked,
            _ => CertificateFault::Invalid,
        }
    }
}

fn between(earlier: UnixTime, later: UnixTime) -> Duration {
    Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs()))
}

/// A duration in the largest unit that it fills at least twice.
struct Spell(Duration);

impl fmt::Display for Spell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..=119 => write!(f, "{seconds} s"),
            120..=7199 => write!(f, "{} minutes", seconds / 60),
            7200..=172_799 => write!(f, "{} hours", seconds / 3600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Reaching => "nothing answers",
            Step::Securing => "what answers does not finish TLS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_certificate_has_expired_is_said_in_a_unit_that_people_use() {
        let said = |seconds| CertificateFault::Expired { ago: Duration::from_secs(seconds) }.to_string();
        assert_eq!(said(1), "expired 1 s ago by our clock");
        assert_eq!(said(119), "expired 119 s ago by our clock");
        assert_eq!(said(3600), "expired 60 minutes ago by our clock");
        assert_eq!(said(7200), "expired 2 hours ago by our clock");
        assert_eq!(said(86_400 * 365), "expired 365 days ago by our clock");
        let early = CertificateFault::NotValidYet { ahead: Duration::from_secs(180) };
        assert_eq!(early.to_string(), "not valid yet: only in 3 minutes by our clock");
    }

    #[test]
    fn errors_of_a_network_are_told_apart() {
        let of = |error: io::Error| ConnectError::of_network(&error);
        assert!(matches!(of(io::Error::other(Unresolved)), ConnectError::Name));
        assert!(matches!(of(ProxyFault::Silent.into()), ConnectError::Proxy(ProxyFault::Silent)));
        assert!(matches!(of(io::ErrorKind::TimedOut.into()), ConnectError::TimedOut(Step::Reaching)));
        let refused = io::ErrorKind::ConnectionRefused;
        assert!(matches!(of(refused.into()), ConnectError::Network(kind) if kind == refused));
    }
}
