//! The authority of a federation: a root, and the leaves that it issues.

mod leaf_key;
mod terms;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CertifiedIssuer, DistinguishedName, DnType,
    IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateSigningRequestDer};
use weald_proto::{FederationName, Random, SpiffeId, Timestamp};

use crate::credentials::{Credentials, CredentialsError};

pub use leaf_key::LeafKey;
pub use terms::{LeafTerms, LeafUsage};

/// Life of a root.
const ROOT_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);
/// A root is valid a little before it is made: clocks differ.
const EARLIER: Duration = Duration::from_secs(300);

/// Issues certificates to the parties of one federation, under a root of its own.
///
/// Keys are P-256, and come from aws-lc-rs' own generator; serial numbers from the `random` given.
pub struct Authority {
    federation: FederationName,
    root: CertifiedIssuer<'static, KeyPair>,
    random: Arc<dyn Random>,
}

/// A certificate chain, leaf first, without the root.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// DER, for the wire.
    pub chain: Vec<CertificateDer<'static>>,
    /// The same as PEM, for a file.
    pub pem: String,
}

impl Authority {
    /// An authority with a new root, valid for ten years from `now`.
    ///
    /// # Errors
    ///
    /// [`AuthorityError`] when the key cannot be made, or `now` is outside the years 1970 to 9999.
    pub fn new(federation: FederationName, random: Arc<dyn Random>, now: Timestamp) -> Result<Self, AuthorityError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(&format!("{federation} authority"));
        params.serial_number = Some(serial(random.as_ref()));
        terms::set_validity(&mut params, now.minus(EARLIER), now.plus(ROOT_LIFE))?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root = CertifiedIssuer::self_signed(params, key)?;
        Ok(Authority { federation, root, random })
    }

    /// The root certificate, for the register.
    pub fn root(&self) -> &CertificateDer<'static> {
        self.root.der()
    }

    /// The root certificate as PEM, for a file.
    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// Issues a leaf that names `id`, to whoever holds the key that signed `request` (PKCS #10).
    ///
    /// Whether that is `id` was settled before: the names that the request asks for are not looked at.
    ///
    /// # Errors
    ///
    /// [`AuthorityError`] when the request does not parse, its signature does not fit, its key is not
    /// P-256, or `id` is of another federation.
    pub fn issue(
        &self,
        request: &CertificateSigningRequestDer<'_>,
        id: &SpiffeId,
        terms: &LeafTerms,
    ) -> Result<Issued, AuthorityError> {
        if id.federation != self.federation {
            return Err(AuthorityError::OtherFederation);
        }
        let key = CertificateSigningRequestParams::from_der(request)?.public_key;
        if key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(AuthorityError::KeyKind);
        }
        let name = id.to_string().try_into().map_err(AuthorityError::Certificate)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.subject_alt_names = vec![SanType::URI(name)];
        params.serial_number = Some(serial(self.random.as_ref()));
        terms::set_validity(&mut params, terms.not_before, terms.not_after)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = terms.usage.purposes();
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&key, &self.root)?;
        Ok(Issued { pem: leaf.pem(), chain: vec![leaf.der().clone()] })
    }

    /// Makes a key and its certificate in one go, for a party in this process: the key leaves it only as
    /// far as the caller takes it.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    pub fn equip(&self, id: &SpiffeId, terms: &LeafTerms) -> Result<(Issued, LeafKey), AuthorityError> {
        let key = LeafKey::generate()?;
        let issued = self.issue(&key.request()?, id, terms)?;
        Ok((issued, key))
    }

    /// Makes credentials for a party in this process, with the [usual terms](LeafTerms::usual) from `now`.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    pub fn credentials(&self, id: &SpiffeId, now: Timestamp) -> Result<Credentials, AuthorityError> {
        let (issued, key) = self.equip(id, &LeafTerms::usual(id, now))?;
        Ok(Credentials::from_pem(issued.pem.as_bytes(), key.to_pem().as_bytes(), id)?)
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// Sixteen random bytes of which the first two bits are 01: positive, and always of the same length
/// (RFC 5280, 4.1.2.2).
fn serial(random: &dyn Random) -> SerialNumber {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    let [first, ..] = &mut bytes;
    *first = (*first & 0x3f) | 0x40;
    SerialNumber::from_slice(&bytes)
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({})", self.federation)
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Issued({} certificates)", self.chain.len())
    }
}

/// Why no certificate is issued.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The party is of another federation.
    #[error("an authority issues certificates to its own federation only")]
    OtherFederation,
    /// The key of the request is of another kind.
    #[error("the request's key must be ECDSA P-256")]
    KeyKind,
    /// A time outside what a certificate can say.
    #[error("validity must lie within the years 1970 to 9999 and end after it begins")]
    Validity,
    /// The request does not hold, or the certificate cannot be made.
    #[error("certificate or request")]
    Certificate(#[from] rcgen::Error),
    /// The key does not fit what was issued.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

#[cfg(test)]
mod tests {
    use weald_proto::{OdsCode, SystemRandom};

    use super::*;
    use crate::peer;

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    fn authority() -> Authority {
        Authority::new(FederationName::parse("kent.weald.example").unwrap(), Arc::new(SystemRandom), NOW).unwrap()
    }

    fn node(federation: &str) -> SpiffeId {
        SpiffeId::node(&FederationName::parse(federation).unwrap(), &OdsCode::parse("RVV").unwrap())
    }

    #[test]
    fn a_leaf_names_exactly_the_party_that_the_authority_says() {
        let (authority, id) = (authority(), node("kent.weald.example"));
        let (issued, _) = authority.equip(&id, &LeafTerms::usual(&id, NOW)).unwrap();
        assert_eq!(peer::spiffe_id(&issued.chain[0]), Ok(id));
    }

    #[test]
    fn names_that_a_request_asks_for_are_not_given() {
        let (authority, id) = (authority(), node("kent.weald.example"));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut wishes = CertificateParams::new(vec!["broker.example".to_owned()]).unwrap();
        wishes.subject_alt_names.push(SanType::URI("spiffe://kent.weald.example/broker/b1".try_into().unwrap()));
        let request = wishes.serialize_request(&key).unwrap();
        let issued = authority.issue(request.der(), &id, &LeafTerms::usual(&id, NOW)).unwrap();
        let leaf = webpki::EndEntityCert::try_from(&issued.chain[0]).unwrap();
        assert_eq!(peer::spiffe_id(&issued.chain[0]), Ok(id));
        assert_eq!(leaf.valid_dns_names().count(), 0);
    }

    #[test]
    fn an_altered_request_proves_nothing_and_is_refused() {
        let (authority, id) = (authority(), node("kent.weald.example"));
        let mut request = LeafKey::generate().unwrap().request().unwrap().to_vec();
        *request.last_mut().unwrap() ^= 1;
        let refused = authority.issue(&request.into(), &id, &LeafTerms::usual(&id, NOW)).unwrap_err();
        assert!(matches!(refused, AuthorityError::Certificate(_)));
    }

    #[test]
    fn keys_of_another_kind_are_refused() {
        let (authority, id) = (authority(), node("kent.weald.example"));
        let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let refused = authority.issue(request.der(), &id, &LeafTerms::usual(&id, NOW)).unwrap_err();
        assert!(matches!(refused, AuthorityError::KeyKind));
    }

    #[test]
    fn another_federations_parties_are_refused() {
        let (authority, id) = (authority(), node("sussex.weald.example"));
        let refused = authority.credentials(&id, NOW).unwrap_err();
        assert!(matches!(refused, AuthorityError::OtherFederation));
    }

    #[test]
    fn a_validity_that_ends_before_it_begins_or_outside_time_is_refused() {
        let (authority, id) = (authority(), node("kent.weald.example"));
        let usual = LeafTerms::usual(&id, NOW);
        let backwards = LeafTerms { not_after: usual.not_before, ..usual };
        let endless = LeafTerms { not_after: Timestamp::from_millis(i64::MAX), ..usual };
        for terms in [backwards, endless] {
            assert!(matches!(authority.equip(&id, &terms), Err(AuthorityError::Validity)));
        }
    }

    #[test]
    fn serial_numbers_are_random_and_of_one_length() {
        let serials: std::collections::BTreeSet<Vec<u8>> = (0..50).map(|_| serial(&SystemRandom).to_bytes()).collect();
        assert_eq!(serials.len(), 50);
        assert!(serials.iter().all(|serial| serial.len() == 16 && serial[0] & 0xc0 == 0x40));
    }
}
