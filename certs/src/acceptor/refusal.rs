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
}

impl Refusal {
    pub(super) fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Refusal { reason, peer: None, detail: detail.into() }
    }

    pub(super) fn of(self, peer: Option<SpiffeId>) -> Self {
        Refusal { peer, ..self }
    }

    /// From the error of a handshake, in which rustls' own is wrapped.
    pub(super) fn of_tls(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => Refusal::new(reason(error), detail(error)),
            None => Refusal::new(Reason::HandshakeFailed, format!("the connection failed: {}", error.kind())),
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
