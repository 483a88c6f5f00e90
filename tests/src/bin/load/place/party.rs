//! A viewer app, from what is in the folder.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use weald_certs::{Connector, Credentials, Link, Links, Newcomer, NewcomerLink};
use weald_proto::env::Env;
use weald_proto::{
    Assertion, BirthDate, FamilyName, JobRole, Jti, KeyId, NhsNumber, OdsCode, Patient, Purpose, Relationship,
    RelationshipKind, Requester, Section, SignedAssertion, SigningKey, SpiffeId, limit,
};
use weald_viewer::{Viewer, ViewerParts};

use super::{OwnAddress, Place, tls};
use weald_tests::federation::APP;

/// The person whom everybody here asks about.
///
/// # Errors
///
/// Never: what it says parses.
pub(crate) fn patient() -> anyhow::Result<Patient> {
    Ok(Patient {
        nhs_number: NhsNumber::parse("9990000018")?,
        birth_date: BirthDate::parse("1950-04-01")?,
        family_name: FamilyName::parse("Test")?,
    })
}

/// A viewer app of an organisation, with its certificate and the organisation's assertion key.
pub(crate) struct Party {
    organisation: OdsCode,
    id: SpiffeId,
    broker: SpiffeId,
    address: String,
    connector: Connector,
    viewer_register: Arc<arc_swap::ArcSwap<weald_certs::Register>>,
    tls: Arc<ClientConfig>,
    newcomer: Newcomer,
    key: SigningKey<Assertion>,
    env: Env,
    from: OwnAddress,
}

impl Party {
    /// The app of an organisation, which connects from that address of this machine.
    ///
    /// # Errors
    ///
    /// When its files are not in the folder.
    pub(crate) fn of(place: &Place, organisation: &OdsCode, from: OwnAddress) -> anyhow::Result<Self> {
        let id = SpiffeId::viewer(place.name(), organisation, APP)?;
        let (chain, key) = place.pair(&format!("{organisation}-app"));
        let credentials = Arc::new(Credentials::from_files(&chain, &key, &id)?);
        let env = Env { network: Arc::new(from), ..Env::system() };
        Ok(Party {
            from,
            organisation: organisation.clone(),
            broker: place.broker.clone(),
            address: place.address.clone(),
            connector: Connector::new(credentials, Arc::clone(&place.trust), env.clone()),
            viewer_register: Arc::clone(&place.register),
            tls: tls::client(&chain, &key)?,
            newcomer: Newcomer::new(Arc::clone(&place.trust), env.clone()),
            key: SigningKey::from_seed(
                KeyId::parse(&format!("{organisation}/assertion/1"))?,
                &place.seed(organisation, "assertion")?,
            ),
            id,
            env,
        })
    }

    /// A viewer whose first view connects, and whose later views use that link.
    pub(crate) fn viewer(&self) -> Viewer {
        Viewer::new(ViewerParts {
            links: Links::new(self.connector.clone(), limit::CONNECT_DEADLINE),
            address: self.address.clone(),
            broker: self.broker.clone(),
            register: Arc::clone(&self.viewer_register),
            env: self.env.clone(),
        })
    }

    /// A new link to the broker, without the client library.
    ///
    /// # Errors
    ///
    /// Whatever the connector says.
    pub(crate) async fn link(&self) -> anyhow::Result<Link> {
        Ok(self.connector.connect(&self.address, &self.broker, limit::CONNECT_DEADLINE).await?)
    }

    /// A new connection to the broker's door for strangers, where nobody knows whose app it is.
    ///
    /// # Errors
    ///
    /// Whatever the network, TLS or the broker says.
    pub(crate) async fn newcomer(&self, timeout: Duration) -> anyhow::Result<NewcomerLink> {
        Ok(self.newcomer.connect(&self.address, &self.broker, timeout).await?)
    }

    /// A new connection to the broker with nothing on it.
    ///
    /// # Errors
    ///
    /// Whatever the network says.
    pub(crate) async fn tcp(&self) -> anyhow::Result<TcpStream> {
        Ok(self.from.dial(&self.address).await?)
    }

    /// A new connection to the broker with TLS and nothing on that.
    ///
    /// # Errors
    ///
    /// Whatever the network or TLS says.
    pub(crate) async fn stream(&self) -> anyhow::Result<TlsStream<TcpStream>> {
        Ok(TlsConnector::from(Arc::clone(&self.tls)).connect(unused_name(), self.tcp().await?).await?)
    }

    /// The first message of a TLS handshake, as it would go out.
    ///
    /// # Errors
    ///
    /// Whatever TLS says.
    pub(crate) fn client_hello(&self) -> anyhow::Result<Vec<u8>> {
        let mut connection = rustls::ClientConnection::new(Arc::clone(&self.tls), unused_name())?;
        let mut hello = Vec::new();
        connection.write_tls(&mut hello)?;
        Ok(hello)
    }

    /// A new assertion of a clinician of the organisation, for these sections.
    ///
    /// # Errors
    ///
    /// Never: what it says parses.
    pub(crate) fn assertion(&self, sections: &BTreeSet<Section>) -> anyhow::Result<SignedAssertion> {
        Ok(SignedAssertion::sign(&self.claims(sections)?, &self.key))
    }

    /// The same, as large as an assertion may be: blanks follow the claims.
    ///
    /// # Errors
    ///
    /// As [`assertion`](Self::assertion).
    pub(crate) fn largest_assertion(&self, sections: &BTreeSet<Section>) -> anyhow::Result<SignedAssertion> {
        const SIGNATURE: usize = 86;
        let usual = self.assertion(sections)?;
        let (head, rest) = usual.expose().split_once('.').unwrap_or_default();
        let (claims, _) = rest.split_once('.').unwrap_or_default();
        let mut claims = URL_SAFE_NO_PAD.decode(claims)?;
        // Four letters hold three bytes.
        claims.resize((limit::ASSERTION_BYTES - head.len() - SIGNATURE - 2) / 4 * 3, b' ');
        let input = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = ed25519_dalek::SigningKey::from_bytes(self.key.expose_seed()).sign(input.as_bytes());
        Ok(SignedAssertion::parse(&format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))?)
    }

    fn claims(&self, sections: &BTreeSet<Section>) -> anyhow::Result<Assertion> {
        let issued_at = weald_proto::Timestamp::from_secs(self.env.clock.now().as_secs());
        Ok(Assertion {
            issuer: self.organisation.clone(),
            requester: Requester::Professional {
                user: "u-1".to_owned(),
                name: "Robin Example".to_owned(),
                role: JobRole::parse("R8000")?,
                organisation: self.organisation.clone(),
                team: None,
            },
            patient: patient()?,
            purpose: Purpose::Treatment,
            relationship: Some(Relationship {
                kind: RelationshipKind::RegisteredPractice,
                reference: "ref-1".to_owned(),
            }),
            break_glass: None,
            sections: sections.clone(),
            audience: self.id.federation.clone(),
            jti: Jti::generate(&*self.env.random),
            issued_at,
            expires_at: issued_at.plus(limit::ASSERTION_LIFE),
            viewer: self.id.clone(),
        })
    }
}

/// rustls wants a server name; nobody looks at it.
fn unused_name() -> ServerName<'static> {
    ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into())
}
