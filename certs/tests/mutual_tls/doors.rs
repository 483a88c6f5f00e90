//! What the port does with whatever is not a well-behaved caller of the federation.

use std::sync::Arc;
use std::time::Duration;

use crate::flood::Heedless;
use crate::world::{PATIENCE, Slow, World, ask, careless, dial_carelessly, until};
use rustls::{AlertDescription, HandshakeKind, NamedGroup, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::client::TlsStream;
use tonic::service::Routes;
use weald_certs::{ConnectError, Credentials, Listener, Step};
use weald_proto::service::node_agent_service_server::NodeAgentServiceServer;

/// What the first read brings, after a handshake that seemed to succeed: bytes, or how it ended.
async fn first_read(mut stream: TlsStream<TcpStream>) -> Result<usize, Option<AlertDescription>> {
    match stream.read(&mut [0; 256]).await {
        Ok(0) => Err(None),
        Ok(length) => Ok(length),
        Err(error) => Err(alert(&error)),
    }
}

fn alert(error: &std::io::Error) -> Option<AlertDescription> {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    }
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let stream = dial_carelessly(&Arc::new(careless(None, &[b"h2"])), node.address).await.unwrap();
    assert_eq!(first_read(stream).await, Err(Some(AlertDescription::CertificateRequired)));
}

#[tokio::test]
async fn a_caller_that_names_no_protocol_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let credentials = world.credentials(&world.broker());
    let stream = dial_carelessly(&Arc::new(careless(Some(credentials), &[])), node.address).await.unwrap();
    assert_eq!(first_read(stream).await, Err(None));
}

#[tokio::test]
async fn reserved_unknown_and_closed_doors_are_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let cases: [(_, _, &[u8]); 5] = [
        (node.address, world.broker(), b"weald-attach/1"),
        (node.address, world.broker(), b"weald-bootstrap/1"),
        (node.address, world.broker(), b"http/1.1"),
        (broker.address, world.viewer(), b"weald-bootstrap/1"),
        (broker.address, world.viewer(), b"h3"),
    ];
    for (address, id, protocol) in cases {
        let config = careless(Some(world.credentials(&id)), &[protocol]);
        let refused = dial_carelessly(&Arc::new(config), address).await.unwrap_err();
        assert_eq!(alert(&refused), Some(AlertDescription::NoApplicationProtocol), "{protocol:?}");
    }
}

#[tokio::test]
async fn a_viewer_may_speak_http_1_to_a_broker() {
    let world = World::new();
    let broker = world.serve(Listener::Broker, world.credentials(&world.broker())).await;
    let config = Arc::new(careless(Some(world.credentials(&world.viewer())), &[b"http/1.1"]));
    let mut stream = dial_carelessly(&config, broker.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: broker\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

#[tokio::test]
async fn a_client_of_tls_1_2_is_refused() {
    let world = World::new();
    let node = world.serve_node().await;
    let mut tcp = TcpStream::connect(node.address).await.unwrap();
    tcp.write_all(&client_hello_of_tls_1_2()).await.unwrap();
    let mut answer = [0; 7];
    tcp.read_exact(&mut answer).await.unwrap();
    let (handshake_failed, fatal, protocol_version) = (21, 2, 70);
    assert_eq!(answer[0], handshake_failed);
    assert_eq!(answer[5..], [fatal, protocol_version]);
}

/// RFC 5246, 7.4.1.2: one cipher suite (ECDHE-ECDSA-AES128-GCM-SHA256), and the extensions that a TLS 1.2
/// server would want: groups, point formats, signature algorithms, ALPN h2.
fn client_hello_of_tls_1_2() -> Vec<u8> {
    let extensions: &[u8] = &[
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17, // secp256r1
        0x00, 0x0b, 0x00, 0x02, 0x01, 0x00, // uncompressed points
        0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, // ecdsa_secp256r1_sha256
        0x00, 0x10, 0x00, 0x05, 0x00, 0x03, 0x02, b'h', b'2', // ALPN
        0x00, 0x17, 0x00, 0x00, // extended master secret
    ];
    let mut body = vec![0x03, 0x03];
    body.extend([7; 32]);
    body.extend([0x00, 0x00, 0x02, 0xc0, 0x2b, 0x01, 0x00]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    let mut record = vec![0x16, 0x03, 0x01, 0x00, length + 4, 0x01, 0x00, 0x00, length];
    record.extend(body);
    record
}

#[tokio::test]
async fn a_hundred_silent_callers_delay_nobody() {
    let world = World::new();
    let node = world.serve_node().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(node.address).await.unwrap());
    }
    let shorter_than_their_patience = Duration::from_secs(4);
    let link = world
        .connector(world.credentials(&world.broker()))
        .connect(&node.address.to_string(), &world.node("RVV"), shorter_than_their_patience)
        .await
        .unwrap();
    ask(link).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silent_caller_is_hung_up_on() {
    let world = World::new();
    let node = world.serve_node().await;
    let begun = tokio::time::Instant::now();
    let mut silent = TcpStream::connect(node.address).await.unwrap();
    assert_eq!(silent.read(&mut [0; 1]).await.unwrap(), 0);
    assert!(begun.elapsed() >= Duration::from_secs(5));
}

#[tokio::test]
async fn no_listener_resumes_a_session_and_the_group_is_post_quantum() {
    let world = World::new();
    let node = world.serve_node().await;
    let resuming = Arc::new(careless(Some(world.credentials(&world.broker())), &[b"h2"]));
    for _ in 0..2 {
        let mut stream = dial_carelessly(&resuming, node.address).await.unwrap();
        stream.read_exact(&mut [0; 9]).await.unwrap();
        let connection = stream.get_ref().1;
        assert_eq!(connection.tls13_tickets_received(), 0);
        assert_eq!(connection.handshake_kind(), Some(HandshakeKind::Full));
        let group = connection.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(group, NamedGroup::X25519MLKEM768);
    }
}

#[tokio::test]
async fn no_caller_resumes_a_session_that_it_is_offered() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(resuming_server(world.credentials(&world.node("RVV")))));
    let connector = world.connector(world.credentials(&world.broker()));
    for _ in 0..2 {
        let expected = world.node("RVV");
        let (link, kind) = tokio::join!(connector.connect(&address, &expected, PATIENCE), async {
            let mut stream = acceptor.accept(listener.accept().await.unwrap().0).await.unwrap();
            let empty_settings_frame = [0, 0, 0, 4, 0, 0, 0, 0, 0];
            stream.write_all(&empty_settings_frame).await.unwrap();
            stream.get_ref().1.handshake_kind()
        });
        link.unwrap();
        assert_eq!(kind, Some(HandshakeKind::Full));
    }
}

/// Stores sessions and hands out tickets, as rustls does unless told otherwise.
fn resuming_server(credentials: Arc<Credentials>) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(credentials);
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

#[tokio::test]
async fn an_end_that_agrees_on_no_protocol_is_refused() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut config = resuming_server(world.credentials(&world.node("RVV")));
    for protocols in [vec![], vec![b"http/1.1".to_vec()]] {
        config.alpn_protocols = protocols;
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config.clone()));
        let connector = world.connector(world.credentials(&world.broker()));
        let expected = world.node("RVV");
        let (link, _) = tokio::join!(connector.connect(&address, &expected, PATIENCE), async {
            acceptor.accept(listener.accept().await.unwrap().0).await
        });
        assert!(matches!(link.unwrap_err(), ConnectError::WrongProtocol));
    }
}

#[tokio::test]
async fn a_listener_that_is_told_to_stop_ends_and_lets_nobody_in() {
    let world = World::new();
    let node = world.serve_node().await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    ask(link.clone()).await.unwrap();

    node.shutdown.cancel();
    tokio::time::timeout(PATIENCE, node.ended).await.unwrap().unwrap();

    let failed = ask(link.clone()).await.unwrap_err();
    assert!(link.is_closed());
    let cause = std::error::Error::source(&failed).expect("the status keeps its cause");
    assert!(cause.downcast_ref::<hyper::Error>().is_some(), "{cause:?}");
    let connector = world.connector(world.credentials(&world.broker()));
    let refused = connector.connect(&node.address.to_string(), link.peer(), PATIENCE).await.unwrap_err();
    assert!(matches!(refused, ConnectError::Network(std::io::ErrorKind::ConnectionRefused)));
}

#[tokio::test]
async fn a_listener_stops_though_a_caller_never_says_another_word() {
    let world = World::new();
    let mut node = world.serve_node().await;
    let _silent = Heedless::dial(&world, node.address).await;
    until(|| node.occupancy.callers() == 1).await;
    node.shutdown.cancel();
    tokio::time::timeout(PATIENCE / 4, &mut node.ended).await.expect("others would wait for it").unwrap();
}

#[tokio::test]
async fn a_request_that_runs_when_the_listener_stops_is_answered() {
    let world = World::new();
    let (tell, callers) = mpsc::unbounded_channel();
    let may_answer = Arc::new(Notify::new());
    let routes = Routes::new(NodeAgentServiceServer::new(Slow { tell, may_answer: Arc::clone(&may_answer) }));
    let (any, credentials) = ("127.0.0.1:0".parse().unwrap(), world.credentials(&world.node("RVV")));
    let mut node = world.serve_routes(any, Listener::Node, credentials, routes, callers).await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    let running = tokio::spawn(ask(link));
    node.callers.recv().await.unwrap();

    node.shutdown.cancel();
    may_answer.notify_one();

    running.await.unwrap().unwrap();
    tokio::time::timeout(PATIENCE, node.ended).await.unwrap().unwrap();
}

#[tokio::test]
async fn an_end_that_accepts_and_says_nothing_is_a_timeout() {
    let world = World::new();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let connector = world.connector(world.credentials(&world.broker()));
    let failed = connector.connect(&address, &world.node("RVV"), Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(failed, ConnectError::TimedOut(Step::Securing)));
}

#[tokio::test]
async fn an_end_that_hangs_up_or_speaks_no_tls_is_told_apart() {
    let world = World::new();
    let connector = world.connector(world.credentials(&world.broker()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut hangs_up, _) = listener.accept().await.unwrap();
        assert_ne!(hangs_up.read(&mut [0; 4096]).await.unwrap(), 0);
        drop(hangs_up);
        let (mut speaks_http, _) = listener.accept().await.unwrap();
        assert_ne!(speaks_http.read(&mut [0; 4096]).await.unwrap(), 0);
        speaks_http.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    });
    let first = connector.connect(&address, &world.node("RVV"), PATIENCE).await.unwrap_err();
    assert!(matches!(first, ConnectError::HungUp), "{first:?}");
    let second = connector.connect(&address, &world.node("RVV"), PATIENCE).await.unwrap_err();
    assert!(matches!(second, ConnectError::Tls(_)), "{second:?}");
}
