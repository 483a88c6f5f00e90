//! Servers with genuine credentials of a member or of the broker, that do not behave.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio_util::sync::CancellationToken;
use tonic::codegen::BoxStream;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use weald_broker::Broker;
use weald_certs::{Acceptor, AttachNobody, Attachment, Entrance, Limits, Listener, LogOnly, PeerIdentity};
use weald_node::Node;
use weald_proto::service::node_agent_service_server::{NodeAgentService, NodeAgentServiceServer, SERVICE_NAME};
use weald_proto::service::record_service_server::{RecordService, RecordServiceServer};
use weald_proto::service::{
    AskRequest, AskResponse, GetSummaryRequest, GetSummaryResponse, SessionRequest, SessionResponse,
    WatchSummaryRequest, WatchSummaryResponse,
};
use weald_proto::{Digest, OdsCode, Signable as _, Signed, SigningKey, SpiffeId, Statement, Told, limit, wire};

use crate::world::{World, until};

/// What becomes of an honest answer to that query.
pub(crate) type Lie = Box<dyn FnMut(&Lying, wire::Answer) -> wire::Answer + Send>;

/// What becomes of an honest summary.
type Forgery = Box<dyn FnMut(wire::Summary) -> wire::Summary + Send>;

/// What a lying node has in its hands.
pub(crate) struct Lying {
    /// The query to be answered.
    pub(crate) query: wire::SignedMessage,
    /// Its own statement key.
    pub(crate) key: SigningKey<Statement>,
}

impl Lying {
    /// Signs another statement than the honest one, bound to the query like the honest one.
    pub(crate) fn restate(&self, answer: wire::Answer, change: impl FnOnce(&mut Statement)) -> wire::Answer {
        self.restate_with(&self.key, answer, change)
    }

    /// The same, with another key.
    pub(crate) fn restate_with(
        &self,
        key: &SigningKey<Statement>,
        answer: wire::Answer,
        change: impl FnOnce(&mut Statement),
    ) -> wire::Answer {
        let mut statement = Statement::decode(&answer.statement.as_ref().unwrap().payload).unwrap();
        change(&mut statement);
        let signed = Signed::sign(&statement, &Digest::of(&self.query.payload).to_string(), key);
        wire::Answer { statement: Some(signed.as_wire().clone()), ..answer }
    }
}

/// Serves a member's node that reads and answers like the real one, and then tells something else.
#[derive(Clone)]
pub(crate) struct LyingNode {
    node: Arc<Node>,
    key: SigningKey<Statement>,
    lie: Arc<Mutex<Lie>>,
}

impl LyingNode {
    /// Takes over a member's place in the register, or its place among those who have dialled in. Honest until told otherwise.
    pub(crate) async fn in_place_of(world: &mut World, organisation: &OdsCode) -> Self {
        let federation = &world.federation;
        let node = LyingNode {
            node: Arc::clone(federation.node(organisation).unwrap()),
            key: federation.statement_key(organisation).unwrap().clone(),
            lie: Arc::new(Mutex::new(Box::new(|_, answer| answer))),
        };
        let routes = Routes::new(NodeAgentServiceServer::new(node.clone()));
        take_place(world, organisation, routes).await;
        node
    }

    /// From now on it lies like that.
    pub(crate) fn lies(&self, lie: impl FnMut(&Lying, wire::Answer) -> wire::Answer + Send + 'static) {
        *self.lie.lock().unwrap() = Box::new(lie);
    }
}

#[tonic::async_trait]
impl NodeAgentService for LyingNode {
    type SessionStream = BoxStream<SessionResponse>;

    async fn session(&self, _: Request<Streaming<SessionRequest>>) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::unimplemented("no sessions"))
    }

    async fn ask(&self, request: Request<AskRequest>) -> Result<Response<AskResponse>, Status> {
        let peer = request.extensions().get::<PeerIdentity>().cloned().unwrap();
        let query = request.into_inner().query.unwrap();
        let honest = weald_node::answer::answer(&self.node, &peer, query.clone()).await;
        let honest = honest.map_err(|refusal| refusal.reason.to_status(&Told::default()))?;
        let lying = Lying { query, key: self.key.clone() };
        let answer = (self.lie.lock().unwrap())(&lying, honest);
        Ok(Response::new(AskResponse { answer: Some(answer) }))
    }
}

/// Serves a member's node that announces the largest of answers to every query, and sends nothing of any.
#[derive(Clone, Default)]
pub(crate) struct SilentNode {
    asked: Arc<AtomicU64>,
}

impl SilentNode {
    /// Takes over a member's place.
    pub(crate) async fn in_place_of(world: &mut World, organisation: &OdsCode) -> Self {
        let node = SilentNode::default();
        take_place(world, organisation, Routes::new(node.clone())).await;
        node
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::SeqCst)
    }
}

impl NamedService for SilentNode {
    const NAME: &'static str = SERVICE_NAME;
}

impl tower::Service<http::Request<tonic::body::Body>> for SilentNode {
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        if !request.uri().path().ends_with("/Ask") {
            return ready(Ok(Status::unimplemented("no sessions").into_http()));
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let length = u32::try_from(limit::ANSWER_BYTES).unwrap().to_be_bytes();
        let announced = Announced(Some([&[0], &length[..]].concat().into()));
        let mut response = http::Response::new(tonic::body::Body::new(announced));
        response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/grpc"));
        ready(Ok(response))
    }
}

/// The first bytes of a message, and then nothing.
struct Announced(Option<Bytes>);

impl Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut().0.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Poll::Pending,
        }
    }
}

/// Serves a broker that does all that the real one does, and then sends something else.
#[derive(Clone)]
pub(crate) struct LyingBroker {
    broker: Arc<Broker>,
    forgery: Arc<Mutex<Forgery>>,
}

impl LyingBroker {
    /// Starts it, with the real broker's name. Honest until told otherwise. Gives its address.
    pub(crate) async fn beside(world: &World) -> (Self, String) {
        let broker = LyingBroker {
            broker: Arc::clone(world.federation.broker()),
            forgery: Arc::new(Mutex::new(Box::new(|summary| summary))),
        };
        let server = RecordServiceServer::new(broker.clone()).max_encoding_message_size(limit::SUMMARY_BYTES);
        let id = world.federation.broker_id().clone();
        let address = serve(world, Listener::Broker, &id, Routes::new(server)).await;
        (broker, address)
    }

    /// From now on it sends that.
    pub(crate) fn forges(&self, forgery: impl FnMut(wire::Summary) -> wire::Summary + Send + 'static) {
        *self.forgery.lock().unwrap() = Box::new(forgery);
    }
}

#[tonic::async_trait]
impl RecordService for LyingBroker {
    async fn get_summary(&self, request: Request<GetSummaryRequest>) -> Result<Response<GetSummaryResponse>, Status> {
        let peer = request.extensions().get::<PeerIdentity>().cloned().unwrap();
        let bearer = request.metadata().get("authorization").unwrap().to_str().unwrap();
        let asked = weald_broker::admit::Request {
            token: bearer.strip_prefix("Bearer ").map(str::to_owned),
            sections: Default::default(),
            deadline: tokio::time::Instant::now() + limit::VIEW_DEADLINE,
            call: None,
        };
        let honest = weald_broker::view::view(&self.broker, &peer, asked, None).await;
        let honest = honest.map_err(|refusal| refusal.to_status())?;
        let summary = (self.forgery.lock().unwrap())(honest);
        Ok(Response::new(GetSummaryResponse { summary: Some(summary) }))
    }

    type WatchSummaryStream = BoxStream<WatchSummaryResponse>;

    async fn watch_summary(
        &self,
        _: Request<WatchSummaryRequest>,
    ) -> Result<Response<Self::WatchSummaryStream>, Status> {
        Err(Status::unimplemented("it lies in single summaries only"))
    }
}

/// Puts other routes in a member's place in the register, or in its place among those who have dialled in.
async fn take_place(world: &mut World, organisation: &OdsCode, routes: Routes) {
    let federation = &world.federation;
    let id = SpiffeId::node(federation.name(), organisation);
    if federation.register().member(organisation).unwrap().address.is_none() {
        attach(world, organisation, &id, &routes).await;
        return;
    }
    let address = serve(world, Listener::Node, &id, routes).await;
    let change = |draft: &mut weald_certs::RegisterDraft| {
        let member = draft.members.iter_mut().find(|member| member.organisation == *organisation).unwrap();
        member.address = Some(address);
    };
    world.federation.publish(change).unwrap();
}

/// Keeps two links of that party to the broker, beside those it has; the newest are asked first.
async fn attach(world: &World, organisation: &OdsCode, id: &SpiffeId, routes: &Routes) {
    let federation = &world.federation;
    let serials = || federation.attached().links(organisation).iter().map(|link| link.serial()).collect::<Vec<_>>();
    let before = serials();
    let company = Arc::default();
    for _ in 0..2 {
        let attachment = Attachment {
            connector: federation.connector(id).unwrap(),
            address: federation.broker_address(),
            broker: federation.broker_id().clone(),
            routes: routes.clone(),
            company: Arc::clone(&company),
        };
        // Ends with the test's runtime.
        drop(attachment.keep(CancellationToken::new()));
    }
    until(|| serials().iter().filter(|serial| !before.contains(serial)).count() == 2).await;
}

async fn serve(world: &World, listener: Listener, id: &SpiffeId, routes: Routes) -> String {
    let federation = &world.federation;
    let clock = Arc::clone(&federation.env().clock);
    let credentials = Arc::new(federation.authority().credentials(id, clock.now()).unwrap());
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let trust = Arc::clone(federation.trust());
    let attach = Arc::new(AttachNobody);
    let (watch, limits) = (Arc::new(LogOnly::default()), Limits::default());
    let entrance = Entrance { listener, credentials, trust, clock, attach, watch, limits, strangers: None };
    let acceptor = Acceptor::bind(any, entrance).await.unwrap();
    let address = acceptor.local_address().to_string();
    // Ends with the test's runtime.
    drop(acceptor.serve(routes, CancellationToken::new()));
    address
}
