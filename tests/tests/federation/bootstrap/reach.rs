//! What can be reached without a name, whatever certificate is at hand.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost_reflect::DescriptorPool;
use tokio::net::TcpStream;
use tonic::Status;
use weald_audit::Kind;
use weald_certs::{Authority, Credentials};
use weald_proto::service::bootstrap_service_server;
use weald_proto::{Reason, SpiffeId};
use weald_tests::federation::APP;

use super::world;
use crate::refusals::connection::careless;
use crate::world::{World, hospital, practice, until};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The certificate of somebody who comes, if they have one.
type Certificate = fn(&World) -> Option<Arc<Credentials>>;

/// An HTTP/2 client without any manners of a newcomer.
struct Caller(http2::SendRequest<tonic::body::Body>);

impl Caller {
    async fn come(world: &World, credentials: Option<Arc<Credentials>>) -> Self {
        let tcp = TcpStream::connect(world.federation.broker_address()).await.unwrap();
        let stream = careless(tcp, credentials, b"weald-bootstrap/1").await.unwrap();
        let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Caller(requests)
    }

    async fn send(&mut self, method: Method, path: &str, grpc: bool) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(format!("https://broker.weald{path}"));
        if grpc {
            request = request.header("content-type", "application/grpc").header("te", "trailers");
        }
        // An empty message, as gRPC frames it.
        let message: &'static [u8] = if grpc { &[0; 5] } else { &[] };
        let body = tonic::body::Body::new(http_body(message));
        self.0.send_request(request.body(body).unwrap()).await.unwrap()
    }

    /// With what reason a call of that method, with nothing in it, is refused.
    async fn call(&mut self, path: &str) -> Option<Reason> {
        let mut answer = self.send(Method::POST, path, true).await;
        let mut trailers = HeaderMap::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(answer.body_mut()).poll_frame(cx)).await {
            if let Ok(last) = frame.unwrap().into_trailers() {
                trailers = last;
            }
        }
        let status = Status::from_header_map(answer.headers()).or_else(|| Status::from_header_map(&trailers));
        status.as_ref().and_then(Reason::of_status)
    }
}

fn http_body(bytes: &'static [u8]) -> String {
    String::from_utf8(Bytes::from_static(bytes).to_vec()).unwrap()
}

fn credentials(authority: &Authority, world: &World, id: &SpiffeId) -> Option<Arc<Credentials>> {
    Some(Arc::new(authority.credentials(id, world.federation.env().clock.now()).unwrap()))
}

fn another_authoritys(world: &World) -> Option<Arc<Credentials>> {
    let (env, name) = (world.federation.env(), world.federation.name());
    let other = Authority::new(name.clone(), Arc::clone(&env.random), env.clock.now()).unwrap();
    credentials(&other, world, &SpiffeId::node(name, &hospital()))
}

fn a_nodes(world: &World) -> Option<Arc<Credentials>> {
    let id = SpiffeId::node(world.federation.name(), &hospital());
    credentials(world.federation.authority(), world, &id)
}

fn a_viewers(world: &World) -> Option<Arc<Credentials>> {
    let id = SpiffeId::viewer(world.federation.name(), &practice(), APP).unwrap();
    credentials(world.federation.authority(), world, &id)
}

fn an_expired_one(world: &World) -> Option<Arc<Credentials>> {
    let id = SpiffeId::node(world.federation.name(), &hospital());
    let then = world.federation.env().clock.now().minus(DAY * 10);
    Some(Arc::new(world.federation.authority().credentials(&id, then).unwrap()))
}

/// Every method of every service that there is.
fn methods() -> Vec<(String, String)> {
    let pool = DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).unwrap();
    let of = |service: prost_reflect::ServiceDescriptor| {
        let name = service.full_name().to_owned();
        service.methods().map(|method| (name.clone(), method.name().to_owned())).collect::<Vec<_>>()
    };
    pool.services().flat_map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_with_whatever_certificate_reaches_register_files_and_enrolment_and_nothing_else() {
    let guests: [(&str, Certificate); 5] = [
        ("no certificate", |_| None),
        ("another authority's", another_authoritys),
        ("a node's own", a_nodes),
        ("a viewer's own", a_viewers),
        ("an expired one", an_expired_one),
    ];
    let methods = methods();
    assert!(methods.len() >= 7, "{methods:?}");
    for (words, certificate) in guests {
        let world = world().await;
        let mut caller = Caller::come(&world, certificate(&world)).await;
        let mut reached = Vec::new();
        for (service, method) in &methods {
            let reason = caller.call(&format!("/{service}/{method}")).await.expect("a reason");
            match (service == bootstrap_service_server::SERVICE_NAME, reason) {
                (true, Reason::RequestMalformed) => reached.push(method.as_str()),
                (false, Reason::MethodUnknown) => {}
                (_, other) => panic!("{words}: {service}/{method}: {other}"),
            }
        }
        assert_eq!(reached, ["GetRegisterFile", "Enrol"], "{words}");
        for path in ["/", "/metrics", "/register.json", "/../tls.key", "/.well-known/weald"] {
            let answer = caller.send(Method::GET, path, false).await;
            assert_eq!(answer.status(), http::StatusCode::NOT_FOUND, "{words}: {path}");
        }
        assert_eq!(world.all_reads(), 0, "{words}");
        assert_eq!(world.federation.broker_occupancy().callers(), 0, "{words}: nobody with a name is here");
        let refused = methods.len() + 5;
        until(|| world.broker_entries_of(Kind::Refusal).len() == refused).await;
        assert_eq!(world.broker_entries().len(), refused, "{words}: nothing but refusals is in the log");
        world.end().await;
    }
}
