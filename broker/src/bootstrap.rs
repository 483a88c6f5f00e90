//! What a broker does for those without a certificate: passes register files on, which prove themselves, and
//! enrolments to the authority, which alone issues certificates. Nothing here reaches a record, a node or a key.

mod allowance;
mod enrol;
mod file;
mod metrics;
mod under_way;

use std::fmt;
use std::sync::Arc;

use tokio::time::Instant;
use tonic::codegen::BoxStream;
use tonic::{Request, Response, Status};
use weald_audit::{Entry, Log, Recorder};
use weald_certs::{CallGuard, Links, RegisterFiles, Stranger};
use weald_proto::service::bootstrap_service_server::{BootstrapService, BootstrapServiceServer};
use weald_proto::service::{EnrolRequest, EnrolResponse, GetRegisterFileRequest, GetRegisterFileResponse};
use weald_proto::{Reason, SpiffeId, Told, limit};

use allowance::{Allowance, Rate};
use metrics::{Call, Metrics};
use under_way::Places;

/// Register files that one address may ask for: so many at once after a rest, and so many a second.
const FILES_OF_ADDRESS: Rate = Rate::of(64, 4);
/// The same, of everybody.
const FILES: Rate = Rate::of(512, 64);
/// MiB of register files for one address. A file is sent while anything is left, whatever its size.
const MIB_OF_ADDRESS: Rate = Rate::of(32, 1);
/// The same, for everybody.
const MIB: Rate = Rate::of(64, 8);
/// Enrolments of one address.
const ENROLMENTS_OF_ADDRESS: Rate = Rate::of(10, 1);
/// The same, of everybody.
const ENROLMENTS: Rate = Rate::of(20, 2);
/// Files under way at once.
const FILES_UNDER_WAY: usize = 16;
/// Of those: of one address.
const FILES_UNDER_WAY_OF_ADDRESS: usize = 2;
/// Enrolments under way at once.
const ENROLMENTS_UNDER_WAY: usize = 4;
/// Of those: of one address.
const ENROLMENTS_UNDER_WAY_OF_ADDRESS: usize = 1;

/// What the door for strangers needs.
pub struct BootstrapParts {
    /// The broker's name.
    pub name: SpiffeId,
    /// The files that are passed on: those of the register that the broker itself goes by.
    pub files: Arc<dyn RegisterFiles>,
    /// Where the authority is; without it no enrolment is passed on.
    pub authority: Option<AuthorityPlace>,
    /// The broker's audit log.
    pub log: Arc<Log>,
}

/// Where the federation's authority is, and how it is reached: with the broker's own certificate.
#[derive(Debug, Clone)]
pub struct AuthorityPlace {
    /// `host:port`.
    pub address: String,
    /// Links with the broker's certificate.
    pub links: Links,
}

/// Serves those without a certificate.
#[derive(Clone)]
pub struct Bootstrap {
    parts: Arc<BootstrapParts>,
    allowances: Arc<Allowances>,
    metrics: Arc<Metrics>,
}

/// What everybody and anybody may have of this door.
struct Allowances {
    files: Allowance,
    mib: Allowance,
    enrolments: Allowance,
    files_under_way: Arc<Places>,
    enrolments_under_way: Arc<Places>,
}

/// A call that is not served. Holds nothing of what was asked.
struct Refused {
    reason: Reason,
    told: Box<Told>,
    /// For whom a certificate was asked, as far as that is known.
    enrolling: Option<SpiffeId>,
}

impl Bootstrap {
    /// The gRPC service, with its limits set. Its metrics go to the recorder that is installed by then.
    pub fn serve(parts: BootstrapParts) -> BootstrapServiceServer<Bootstrap> {
        let now = Instant::now();
        let allowances = Allowances {
            files: Allowance::new(FILES, FILES_OF_ADDRESS, now),
            mib: Allowance::new(MIB, MIB_OF_ADDRESS, now),
            enrolments: Allowance::new(ENROLMENTS, ENROLMENTS_OF_ADDRESS, now),
            files_under_way: Places::new(FILES_UNDER_WAY, FILES_UNDER_WAY_OF_ADDRESS),
            enrolments_under_way: Places::new(ENROLMENTS_UNDER_WAY, ENROLMENTS_UNDER_WAY_OF_ADDRESS),
        };
        let bootstrap =
            Bootstrap { parts: Arc::new(parts), allowances: Arc::new(allowances), metrics: Arc::new(Metrics::new()) };
        BootstrapServiceServer::new(bootstrap)
            .max_decoding_message_size(limit::ENROLMENT_BYTES)
            .max_encoding_message_size(limit::PIECE_BYTES + 1024)
    }

    /// Writes a refusal down, as one of those of strangers, and gives its status.
    fn refuse(&self, call: Call, stranger: Option<Stranger>, refused: Refused) -> Status {
        let Refused { reason, told, enrolling } = refused;
        self.metrics.refused(call, reason);
        tracing::debug!(%reason, call = call.as_str(), "refused at the door for strangers");
        if let Some(stranger) = stranger {
            let whose = Recorder::broker(self.parts.name.clone());
            let entry = Entry::refused(whose, reason, stranger.address(), None);
            self.parts.log.note_refusal(Entry { enrolling, ..entry });
        }
        reason.to_status(&told)
    }
}

impl Refused {
    fn new(reason: Reason) -> Self {
        Refused { reason, told: Box::default(), enrolling: None }
    }

    fn told(reason: Reason, told: Told) -> Self {
        Refused { reason, told: Box::new(told), enrolling: None }
    }
}

/// Who calls. Whoever has a name does not come in here.
fn stranger<T>(request: &Request<T>) -> Result<Stranger, Refused> {
    request.extensions().get::<Stranger>().copied().ok_or_else(|| Refused::new(Reason::WrongParty))
}

#[tonic::async_trait]
impl BootstrapService for Bootstrap {
    type GetRegisterFileStream = BoxStream<GetRegisterFileResponse>;

    async fn get_register_file(
        &self,
        request: Request<GetRegisterFileRequest>,
    ) -> Result<Response<Self::GetRegisterFileStream>, Status> {
        let stranger = stranger(&request).map_err(|refused| self.refuse(Call::File, None, refused))?;
        let sent = file::send(&self.parts, &self.allowances, stranger, request.get_ref());
        let sent = sent.map_err(|refused| self.refuse(Call::File, Some(stranger), refused))?;
        self.metrics.file(sent.bytes);
        Ok(Response::new(sent.stream))
    }

    async fn enrol(&self, request: Request<EnrolRequest>) -> Result<Response<EnrolResponse>, Status> {
        let stranger = stranger(&request).map_err(|refused| self.refuse(Call::Enrolment, None, refused))?;
        let call = request.extensions().get::<CallGuard>().cloned();
        let began = enrol::begin(&self.parts, &self.allowances, stranger, request.into_inner());
        let began = began.map_err(|refused| self.refuse(Call::Enrolment, Some(stranger), refused))?;
        // To its end, whether or not whoever asked waits for it: what the authority has done is written down.
        let bootstrap = self.clone();
        let relayed = tokio::spawn(async move {
            let _call = call;
            match began.relay(&bootstrap.parts).await {
                Ok(enrolled) => {
                    bootstrap.metrics.issued();
                    Ok(Response::new(EnrolResponse { enrolled: Some(enrolled.to_wire()) }))
                }
                Err(refused) => Err(bootstrap.refuse(Call::Enrolment, Some(stranger), refused)),
            }
        });
        relayed.await.unwrap_or_else(|_| Err(Reason::Internal.to_status(&Told::default())))
    }
}

impl fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bootstrap({})", self.parts.name)
    }
}
