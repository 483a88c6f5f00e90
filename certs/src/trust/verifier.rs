//! The two sides' verifiers, as rustls asks for them: both rest on [`Trust::verify`].

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::verify_tls13_signature;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use weald_proto::SpiffeId;

use crate::door::{Door, Listener};
use crate::issuer::Issuer;
use crate::peer;
use crate::tls;
use crate::trust::Trust;

/// id-kp-serverAuth (RFC 5280, 4.2.1.12), as DER content.
pub(super) const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
/// id-kp-clientAuth (RFC 5280, 4.2.1.12), as DER content.
pub(super) const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Why the TLS 1.2 half of rustls' traits always refuses.
const NO_TLS12: &str = "TLS 1.2 is not spoken here";

/// A listener's check of whoever dials on one connection: believed, and of a kind that may come
/// through the door to which it came.
///
/// `believed` is set to who it is when the certificate holds and the caller has shown that it has the
/// key, and not before: certificates are public.
pub(crate) struct ClientVerifier {
    trust: Arc<Trust>,
    listener: Listener,
    door: Option<Door>,
    believed: Arc<OnceLock<SpiffeId>>,
}

impl ClientVerifier {
    pub(crate) fn new(
        trust: Arc<Trust>,
        listener: Listener,
        door: Option<Door>,
        believed: Arc<OnceLock<SpiffeId>>,
    ) -> Self {
        ClientVerifier { trust, listener, door, believed }
    }
}

impl ClientCertVerifier for ClientVerifier {
    /// Empty: the list could not be replaced, and whom we trust is nobody's business.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.trust.verify(leaf, intermediates, now, webpki::KeyUsage::required(CLIENT_AUTH))?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General(NO_TLS12.into()))
    }

    /// Comes after `verify_client_cert`, of the same leaf.
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &tls::provider().signature_verification_algorithms;
        let valid = verify_tls13_signature(message, leaf, signature, algorithms)?;
        let party = peer::spiffe_id(leaf).map_err(|_| CertificateError::NotValidForName)?;
        // Who names no protocol is refused for that, once the handshake has shown who it is.
        let may = self.door.is_none_or(|door| self.listener.admits(door, &party.path));
        self.believed.get_or_init(|| party);
        if may { Ok(valid) } else { Err(CertificateError::ApplicationVerificationFailure.into()) }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientVerifier({:?})", self.listener)
    }
}

/// A caller's check of whom it dialled on one connection: believed, and exactly the party that was meant.
///
/// `stranger` is set to who issued the certificate that was shown, when that is nobody whom we believe.
pub(crate) struct ServerVerifier {
    trust: Arc<Trust>,
    expected: SpiffeId,
    stranger: Arc<OnceLock<Issuer>>,
}

impl ServerVerifier {
    pub(crate) fn new(trust: Arc<Trust>, expected: SpiffeId, stranger: Arc<OnceLock<Issuer>>) -> Self {
        ServerVerifier { trust, expected, stranger }
    }
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usage = webpki::KeyUsage::required(SERVER_AUTH);
        let party = self.trust.verify(leaf, intermediates, now, usage).inspect_err(|fault| {
            // Whatever else is wrong with it matters less than that it is none of ours.
            if *fault == CertificateError::UnknownIssuer || !self.trust.is_named_by(leaf, intermediates) {
                self.stranger.get_or_init(|| Issuer::of(leaf));
            }
        })?;
        if party == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::NotValidForName.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _leaf: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General(NO_TLS12.into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signature, &tls::provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        tls::provider().signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for ServerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerVerifier({})", self.expected)
    }
}
