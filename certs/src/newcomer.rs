//! How a party without a certificate, or with one that no longer holds, gets what it needs at a broker's door for
//! strangers: the register, and a certificate.

mod error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use tokio::time::{Instant, timeout_at};
use tonic::Request;
use weald_proto::env::Env;
use weald_proto::service::bootstrap_service_client::BootstrapServiceClient;
use weald_proto::service::get_register_file_response::Next;
use weald_proto::service::{EnrolRequest, GetRegisterFileRequest};
use weald_proto::{Enrolled, Enrolment, SpiffeId, limit};

use crate::connect_error::ConnectError;
use crate::connector::Connector;
use crate::link::Link;
use crate::register::{FileName, Register, RegisterAnchor, RegisterFile};
use crate::trust::Trust;

pub use error::NewcomerError;

/// What one message of the door takes: a piece of a file, or a chain, with what stands around them.
const MESSAGE_BYTES: usize = limit::PIECE_BYTES + 1024;

/// Dials brokers without a certificate, through the network of its environment, so through a proxy too.
#[derive(Debug, Clone)]
pub struct Newcomer {
    connector: Connector,
    trust: Arc<Trust>,
}

impl Newcomer {
    /// Believes brokers that show a certificate of these roots: those which came with the register's anchor, or the
    /// last that are known.
    pub fn new(trust: Arc<Trust>, env: Env) -> Self {
        Newcomer { connector: Connector::without_credentials(Arc::clone(&trust), env), trust }
    }

    /// Connects to the broker, and nobody else, at `address` (`host:port`, the same as for everything).
    ///
    /// # Errors
    ///
    /// [`ConnectError`]; a [`Diagnosis`](crate::Diagnosis) says what to do about it.
    pub async fn connect(
        &self,
        address: &str,
        broker: &SpiffeId,
        timeout: Duration,
    ) -> Result<NewcomerLink, ConnectError> {
        let link = self.connector.bootstrap(address, broker, timeout).await?;
        let client = BootstrapServiceClient::new(link).max_decoding_message_size(MESSAGE_BYTES);
        Ok(NewcomerLink { client, trust: Arc::clone(&self.trust), env: self.connector.env.clone() })
    }
}

/// A connection to a broker's door for strangers. It is short-lived: the broker ends it after half a minute.
#[derive(Clone)]
pub struct NewcomerLink {
    client: BootstrapServiceClient<Link>,
    trust: Arc<Trust>,
    env: Env,
}

impl NewcomerLink {
    /// The register that the broker goes by, checked against the keys that may sign registers, if it is newer than
    /// the one that is known.
    ///
    /// # Errors
    ///
    /// [`NewcomerError`]; of what arrives nothing is kept then.
    pub async fn register(
        &mut self,
        anchor: &RegisterAnchor,
        known: Option<&Register>,
        timeout: Duration,
    ) -> Result<Option<Register>, NewcomerError> {
        let known_version = known.map_or(0, Register::version);
        let Some(file) = self.file(&FileName::register(), known_version, timeout).await? else { return Ok(None) };
        let register = Register::load(&file.bytes, anchor, self.env.clock.now())?;
        if register.version() != file.version {
            return Err(NewcomerError::OtherVersion);
        }
        match known {
            Some(known) => Ok(Some(known.succeed(register)?)),
            None => Ok(Some(register)),
        }
    }

    /// A register file, if the broker has one that is newer than `known_version`. It proves nothing before it was
    /// checked.
    ///
    /// # Errors
    ///
    /// [`NewcomerError`].
    pub async fn file(
        &mut self,
        name: &FileName,
        known_version: u64,
        timeout: Duration,
    ) -> Result<Option<RegisterFile>, NewcomerError> {
        let fetching = self.fetch(name, known_version);
        timeout_at(after(timeout), fetching).await.unwrap_or(Err(NewcomerError::TimedOut))
    }

    async fn fetch(&mut self, name: &FileName, known_version: u64) -> Result<Option<RegisterFile>, NewcomerError> {
        let request = GetRegisterFileRequest { name: name.as_str().to_owned(), known_version };
        let mut pieces = self.client.get_register_file(request).await?.into_inner();
        let head = match pieces.message().await?.and_then(|first| first.next) {
            Some(Next::Head(head)) => head,
            _ => return Err(NewcomerError::Garbled),
        };
        if head.bytes == 0 {
            return Ok(None);
        }
        let whole = usize::try_from(head.bytes).ok().filter(|bytes| *bytes <= limit::REGISTER_FILE_BYTES);
        let whole = whole.ok_or(NewcomerError::TooLarge)?;
        // Grows as it comes: what the head says is only said.
        let mut bytes = Vec::new();
        while let Some(message) = pieces.message().await? {
            let Some(Next::Piece(piece)) = message.next else { return Err(NewcomerError::Garbled) };
            bytes.extend_from_slice(&piece);
            if bytes.len() > whole {
                return Err(NewcomerError::Garbled);
            }
        }
        if bytes.len() == whole && head.version > known_version {
            Ok(Some(RegisterFile { version: head.version, bytes: bytes.into() }))
        } else {
            Err(NewcomerError::Garbled)
        }
    }

    /// Asks the federation's authority for a certificate, through the broker. Gives the chain, the own certificate
    /// first: one of our roots issued it, it is valid now, and it names the party. That its key is the one of the
    /// request is seen by whoever has that ([`Credentials`](crate::Credentials)).
    ///
    /// # Errors
    ///
    /// [`NewcomerError`]. A token may be used up unless it says otherwise.
    pub async fn enrol(
        &mut self,
        enrolment: &Enrolment,
        timeout: Duration,
    ) -> Result<Vec<CertificateDer<'static>>, NewcomerError> {
        let request = Request::new(EnrolRequest { enrolment: Some(enrolment.to_wire()) });
        let answered = timeout_at(after(timeout), self.client.enrol(request)).await;
        let response = answered.map_err(|_| NewcomerError::TimedOut)??.into_inner();
        let enrolled = Enrolled::from_wire(response.enrolled).map_err(|_| NewcomerError::Garbled)?;
        let chain: Vec<_> = enrolled.chain().iter().map(|der| CertificateDer::from(der.clone())).collect();
        let party = self.trust.believes_chain(&chain, self.env.clock.now()).ok();
        if party.as_ref() == Some(&enrolment.party) { Ok(chain) } else { Err(NewcomerError::OtherCertificate) }
    }
}

fn after(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now)
}

impl fmt::Debug for NewcomerLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewcomerLink")
    }
}
