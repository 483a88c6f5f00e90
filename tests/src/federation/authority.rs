//! A stand-in for the federation's authority: it really issues certificates, to whoever brings a token that it gave
//! out, and keeps its tokens in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use weald_certs::{AttachNobody, Authority, LeafTerms, Listener, LogOnly};
use weald_proto::env::Env;
use weald_proto::service::authority_service_server::{AuthorityService, AuthorityServiceServer};
use weald_proto::service::{RelayEnrolmentRequest, RelayEnrolmentResponse};
use weald_proto::{Digest, Enrolled, Enrolment, EnrolmentProof, EnrolmentToken, Reason, SpiffeId, Told};

use super::build::{ANY_PORT, Ground, bind};

/// A token, and for whom it was given out.
type Given = (EnrolmentToken, SpiffeId);

/// A stand-in for the authority, and what a test may turn about it.
#[derive(Clone)]
pub struct StandIn {
    authority: Arc<Authority>,
    env: Env,
    /// By their ids, with whom they are for. A token that was used is not among them.
    tokens: Arc<Mutex<BTreeMap<Digest, Given>>>,
    asked: Arc<AtomicUsize>,
    held: Arc<watch::Sender<bool>>,
}

/// The process of it.
pub(super) struct RunningAuthority {
    pub(super) stand_in: StandIn,
    pub(super) address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl StandIn {
    /// Gives out a token for one certificate of that party.
    ///
    /// # Errors
    ///
    /// Never: a token that was just made is one.
    pub fn give_token(&self, party: &SpiffeId) -> anyhow::Result<EnrolmentToken> {
        let mut bytes = [0; 24];
        self.env.random.fill(&mut bytes);
        let token = EnrolmentToken::parse(URL_SAFE_NO_PAD.encode(bytes))?;
        self.tokens().insert(token.id(), (token.clone(), party.clone()));
        Ok(token)
    }

    /// Lets no question be answered until it is let go.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn issue(&self, enrolment: &Enrolment) -> Result<Enrolled, Reason> {
        let Enrolment { party, authority, certificate_request, proof } = enrolment;
        let EnrolmentProof::Token(proof) = proof;
        let mut tokens = self.tokens();
        let given = tokens.get(&proof.token_id);
        let is_theirs = given.is_some_and(|(token, whose)| whose == party && enrolment.is_with_token(token));
        if !is_theirs || *authority != Digest::of(self.authority.root()) {
            return Err(Reason::EnrolmentRefused);
        }
        let terms = LeafTerms::usual(party, self.env.clock.now());
        let request = certificate_request.as_slice().into();
        let issued = self.authority.issue(&request, party, &terms).map_err(|_| Reason::RequestMalformed)?;
        tokens.remove(&proof.token_id);
        Enrolled::new(issued.chain.iter().map(|der| der.to_vec()).collect()).map_err(|_| Reason::Internal)
    }

    fn tokens(&self) -> MutexGuard<'_, BTreeMap<Digest, Given>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl AuthorityService for StandIn {
    async fn relay_enrolment(
        &self,
        request: Request<RelayEnrolmentRequest>,
    ) -> Result<Response<RelayEnrolmentResponse>, Status> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // It ends with the authority, which is held as long as this is.
        self.held.subscribe().wait_for(|held| !held).await.ok();
        let refused = |reason: Reason| reason.to_status(&Told::default());
        let message = request.into_inner().enrolment.ok_or_else(|| refused(Reason::RequestMalformed))?;
        let enrolment = Enrolment::from_wire(message).map_err(|_| refused(Reason::RequestMalformed))?;
        let enrolled = self.issue(&enrolment).map_err(refused)?;
        Ok(Response::new(RelayEnrolmentResponse { enrolled: Some(enrolled.to_wire()) }))
    }
}

impl RunningAuthority {
    pub(super) async fn start(ground: &Ground) -> anyhow::Result<Self> {
        let stand_in = StandIn {
            authority: Arc::clone(&ground.authority),
            env: ground.env.clone(),
            tokens: Arc::default(),
            asked: Arc::default(),
            held: Arc::new(watch::Sender::new(false)),
        };
        let id = SpiffeId::authority(&ground.name);
        let (attach, watch) = (Arc::new(AttachNobody), Arc::new(LogOnly::default()));
        let acceptor = bind(ground, Listener::Authority, &id, ANY_PORT, attach, watch, None).await?;
        let (address, shutdown) = (acceptor.local_address(), CancellationToken::new());
        let routes = Routes::new(AuthorityServiceServer::new(stand_in.clone()));
        let task = acceptor.serve(routes, shutdown.clone());
        Ok(RunningAuthority { stand_in, address, shutdown, task })
    }

    pub(super) async fn stop(self) {
        self.stand_in.hold(false);
        self.shutdown.cancel();
        // It was cancelled: there is nothing to learn from how it ended.
        let _ = self.task.await;
    }
}

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandIn")
    }
}
