//! Why somebody was not let in: from the errors of TLS to one reason each.

use std::io;

use rustls::CertificateError;
use weald_proto::{Reason, SpiffeId};

/// Why a connection is not served. Holds nothing of a certificate but its SPIFFE id.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: Reason,
    pub(super) peer: Option<SpiffeId>,
    pub(super) detail: String,
    pub(super) fault: Fault,
}

/// Whose fault it is that a connection had to be ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its peer's.
    Peers,
    /// Its peer's who is gone, if it was not kept waiting.
    Gone,
    /// Ours, or nobody's.
    Nobodys,
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let fault = if reason == Reason::Internal { Fault::Nobodys } else { Fault::Peers };
        Refusal { reason, peer: None, detail: detail.into(), fault }
    }

    /// Of a handshake that gives way to another. That is nobody's fault: others came.
    pub(super) fn gives_way() -> Self {
        let what = "the oldest handshake of the address that has most, as many in progress as there may be";
        Refusal { fault: Fault::Nobodys, ..Refusal::new(Reason::TooManyConnections, what) }
    }

    pub(super) fn of(self, peer: Option<SpiffeId>) -> Self {
        Refusal { peer, ..self }
    }

    /// From the error of a handshake, in which rustls' own is wrapped.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => {
                let refusal = Refusal::new(reason(error), detail(error));
                if is_about_us(error) { Refusal { fault: Fault::Nobodys, ..refusal } } else { refusal }
            }
            None => {
                let what = format!("the connection failed: {}", error.kind());
                Refusal { fault: Fault::Gone, ..Refusal::new(Reason::HandshakeFailed, what) }
            }
        }
    }
}

fn reason(error: &rustls::Error) -> Reason {
    match error {
        rustls::Error::NoCertificatesPresented => Reason::CertificateMissing,
        rustls::Error::NoApplicationProtocol => Reason::ProtocolUnknown,
        rustls::Error::InvalidCertificate(fault) => certificate_reason(fault),
        _ => Reason::HandshakeFailed,
    }
}

/// True if the peer does not believe our certificate, which is not its fault: ours may have expired.
fn is_about_us(error: &rustls::Error) -> bool {
    use rustls::AlertDescription as Alert;
    let rustls::Error::AlertReceived(alert) = error else { return false };
    matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
    )
}

fn certificate_reason(fault: &CertificateError) -> Reason {
    match fault {
        CertificateError::UnknownIssuer => Reason::CertificateIssuer,
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => Reason::CertificateExpired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Reason::CertificateNotYet,
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Reason::CertificateUsage,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Reason::CertificateName,
        // Only `ClientVerifier` says this.
        CertificateError::ApplicationVerificationFailure => Reason::WrongParty,
        _ => Reason::CertificateInvalid,
    }
}

/// Fixed words of rustls: variants that may hold something of a certificate are only named.
fn detail(error: &rustls::Error) -> String {
    match error {
        rustls::Error::AlertReceived(alert) => format!("the caller gave up: {alert:?}"),
        rustls::Error::PeerIncompatible(why) => format!("the caller is incompatible: {why:?}"),
        rustls::Error::PeerMisbehaved(why) => format!("the caller misbehaved: {why:?}"),
        rustls::Error::InvalidMessage(why) => format!("a message does not parse: {why:?}"),
        rustls::Error::InappropriateMessage { got_type, .. } => format!("a message out of turn: {got_type:?}"),
        rustls::Error::InappropriateHandshakeMessage { got_type, .. } => {
            format!("a handshake message out of turn: {got_type:?}")
        }
        rustls::Error::NoCertificatesPresented => "no certificate was presented".into(),
        rustls::Error::NoApplicationProtocol => "none of the caller's protocols is spoken here".into(),
        rustls::Error::InvalidCertificate(fault) => certificate_reason(fault).text().into(),
        _ => "TLS failed".into(),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{AlertDescription, InvalidMessage};

    use super::*;

    #[test]
    fn whoever_is_gone_is_told_from_whoever_talks_nonsense_and_from_whoever_does_not_believe_us() {
        let of = |error: rustls::Error| Refusal::of_tls(&io::Error::new(io::ErrorKind::InvalidData, error)).fault;
        for kind in [io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset] {
            assert_eq!(Refusal::of_tls(&kind.into()).fault, Fault::Gone);
        }
        assert_eq!(of(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)), Fault::Peers);
        assert_eq!(of(rustls::Error::AlertReceived(AlertDescription::HandshakeFailure)), Fault::Peers);
        assert_eq!(of(rustls::Error::NoCertificatesPresented), Fault::Peers);
        for alert in [AlertDescription::CertificateExpired, AlertDescription::UnknownCA] {
            assert_eq!(of(rustls::Error::AlertReceived(alert)), Fault::Nobodys);
        }
    }
}
