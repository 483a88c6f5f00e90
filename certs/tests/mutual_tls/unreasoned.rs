//! Whatever tonic would answer by itself is answered with a reason of ours, and reported by name.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::codegen::BoxStream;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status};
use weald_certs::{Link, Listener};
use weald_proto::service::record_service_server::{RecordService, RecordServiceServer};
use weald_proto::service::{GetSummaryRequest, GetSummaryResponse, WatchSummaryRequest, WatchSummaryResponse};
use weald_proto::{Reason, Told};

use crate::calls::{ASK, EMPTY, body, call, message, reason, request};
use crate::world::{PATIENCE, Served, World, careless, dial_carelessly};

async fn node_and_link(world: &World) -> (Served, Link) {
    let node = world.serve_node().await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    (node, link)
}

#[tokio::test]
async fn a_method_or_service_that_is_not_there() {
    let world = World::new();
    let (mut node, link) = node_and_link(&world).await;
    for path in ["/weald.service.v1.NodeAgentService/Tell", "/weald.service.v1.RecordService/GetSummary", "/a"] {
        let status = call(&link, request(path, body(EMPTY))).await;
        assert_eq!(Reason::of_status(&status), Some(Reason::MethodUnknown), "{path}");
        assert_eq!(status.code(), Code::Unimplemented);
        let report = node.next_refused().await;
        assert!(!report.detail.contains(path), "{report:?}");
        assert_eq!((report.reason, report.peer), (Reason::MethodUnknown, Some(world.broker())));
    }
}

#[tokio::test]
async fn a_message_that_does_not_parse() {
    let world = World::new();
    let (mut node, link) = node_and_link(&world).await;
    let a_field_that_ends_too_soon = [0, 0, 0, 0, 2, 0x0a, 0x7f].to_vec();
    let two_messages_where_one_belongs = [0, 0, 0, 0, 9, 0].to_vec();
    for wrong in [a_field_that_ends_too_soon, two_messages_where_one_belongs, Vec::new(), vec![7, 0, 0, 0, 0]] {
        assert_eq!(reason(&link, request(ASK, body(wrong.clone()))).await, Reason::RequestMalformed, "{wrong:?}");
        let report = node.next_refused().await;
        assert_eq!((report.reason, report.peer), (Reason::RequestMalformed, Some(world.broker())));
    }
    assert!(node.callers.try_recv().is_err());
}

#[tokio::test]
async fn a_message_or_a_body_that_is_too_large() {
    let mut world = World::new();
    world.limits.body_bytes = 4096;
    let (mut node, link) = node_and_link(&world).await;
    let says_that_it_is_huge = [0, 0x7f, 0xff, 0xff, 0xff].to_vec();
    for large in [message(5000), says_that_it_is_huge] {
        assert_eq!(reason(&link, request(ASK, body(large))).await, Reason::RequestTooLarge);
        assert_eq!(node.next_refused().await.reason, Reason::RequestTooLarge);
    }
    let mut told = request(ASK, body(message(4092)));
    told.headers_mut().insert("content-length", "4097".parse().unwrap());
    assert_eq!(reason(&link, told).await, Reason::RequestTooLarge);
    assert!(node.callers.try_recv().is_err());
}

#[tokio::test]
async fn a_compressed_message() {
    let world = World::new();
    let (mut node, link) = node_and_link(&world).await;
    let mut compressed = request(ASK, body([1, 0, 0, 0, 0]));
    compressed.headers_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let status = call(&link, compressed).await;
    assert_eq!(Reason::of_status(&status), Some(Reason::RequestMalformed));
    assert!(status.message().contains("compressed"), "{status:?}");
    assert_eq!(node.next_refused().await.reason, Reason::RequestMalformed);
}

#[tokio::test]
async fn headers_that_are_too_large() {
    let world = World::new();
    let (mut node, link) = node_and_link(&world).await;
    let mut large = request(ASK, body(EMPTY));
    let value = "a".repeat(world.limits.header_bytes);
    large.headers_mut().insert("authorization", value.parse().unwrap());
    let status = call(&link, large).await;
    assert_eq!(Reason::of_status(&status), Some(Reason::RequestTooLarge));
    assert_eq!(status.message(), "the headers are too large");
    assert_eq!(node.next_refused().await.reason, Reason::RequestTooLarge);
}

async fn over_http_1(world: &World, broker: &Served, request: &str) -> String {
    let config = Arc::new(careless(Some(world.credentials(&world.viewer())), &[b"http/1.1"]));
    let mut stream = dial_carelessly(&config, broker.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_browser_is_told_what_this_is() {
    let world = World::new();
    let mut broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let answer = over_http_1(&world, &broker, "GET / HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    for words in ["text/plain", "METHOD_UNKNOWN", "a Weald broker", "weald.service.v1.RecordService", "docs/"] {
        assert!(answer.contains(words), "{words} in {answer}");
    }
    assert!(!answer.contains("grpc-status"), "{answer}");
    let report = broker.next_refused().await;
    assert_eq!((report.reason, report.peer), (Reason::MethodUnknown, Some(world.viewer())));
}

#[tokio::test]
async fn a_call_of_another_content_type() {
    let world = World::new();
    let mut broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let call = format!(
        "POST {ASK} HTTP/1.1\r\nhost: b\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{{}}"
    );
    let answer = over_http_1(&world, &broker, &call).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("REQUEST_MALFORMED"), "{answer}");
    assert_eq!(broker.next_refused().await.reason, Reason::RequestMalformed);
    assert!(broker.callers.try_recv().is_err());
}

/// Refuses in the trailers of a stream; answers with more than it may.
struct Late;

#[tonic::async_trait]
impl RecordService for Late {
    async fn get_summary(&self, _: Request<GetSummaryRequest>) -> Result<Response<GetSummaryResponse>, Status> {
        Ok(Response::new(GetSummaryResponse { summary: Some(weald_proto::wire::Summary::default()) }))
    }

    type WatchSummaryStream = BoxStream<WatchSummaryResponse>;

    async fn watch_summary(
        &self,
        _: Request<WatchSummaryRequest>,
    ) -> Result<Response<Self::WatchSummaryStream>, Status> {
        let refusal = Reason::AssertionExpired.to_status(&Told::default());
        Ok(Response::new(Box::pin(tokio_stream::once(Err(refusal)))))
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_encoded_is_a_fault_of_ours() {
    let world = World::new();
    let routes = Routes::new(RecordServiceServer::new(Late).max_encoding_message_size(1));
    let (broker, link) = world.serve_records(routes).await;
    let path = "/weald.service.v1.RecordService/GetSummary";
    assert_eq!(reason(&link, request(path, body(EMPTY))).await, Reason::Internal);
    assert_eq!(broker.occupancy.refused(Reason::Internal), 0);
}

#[tokio::test]
async fn a_refusal_in_the_trailers_is_passed_on_and_counts() {
    let mut world = World::new();
    world.limits.refusals = 2;
    world.limits.refusals_per_second = 0;
    let (mut broker, link) = world.serve_records(Routes::new(RecordServiceServer::new(Late))).await;
    let watch = || request("/weald.service.v1.RecordService/WatchSummary", body(EMPTY));
    for _ in 0..2 {
        assert_eq!(reason(&link, watch()).await, Reason::AssertionExpired);
    }
    assert!(broker.refused.try_recv().is_err(), "whoever refused it records it");
    assert_eq!(reason(&link, watch()).await, Reason::TooManyRequests);
    assert_eq!(broker.next_refused().await.reason, Reason::TooManyRequests);
}
