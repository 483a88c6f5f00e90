//! Many at once, and none of them well-behaved: others do not notice, and afterwards all is as before.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_util::task::AbortOnDropHandle;
use weald_certs::Link;
use weald_proto::Reason;

use crate::calls::ASK;
use crate::world::{Served, World, ask, careless, dial_carelessly, until};

/// Frame types of HTTP/2 (RFC 9113, 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
/// Flags of HTTP/2.
const END_HEADERS: u8 = 4;

/// An HTTP/2 client that reads no setting and keeps to none.
pub(crate) struct Heedless {
    write: WriteHalf<TlsStream<TcpStream>>,
    /// Streams that were refused or reset by the other end.
    reset: Arc<AtomicUsize>,
    /// Ends with this, and with it the connection.
    _reading: AbortOnDropHandle<()>,
}

impl Heedless {
    pub(crate) async fn dial(world: &World, address: SocketAddr) -> Self {
        let config = careless(Some(world.credentials(&world.other_broker())), &[b"h2"]);
        let stream = dial_carelessly(&Arc::new(config), address).await.unwrap();
        let (read, mut write) = tokio::io::split(stream);
        let reset = Arc::default();
        let reading = AbortOnDropHandle::new(tokio::spawn(count_resets(read, Arc::clone(&reset))));
        write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        write.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        Heedless { write, reset, _reading: reading }
    }

    /// Opens a stream and leaves it open. An error is the other end's patience.
    pub(crate) async fn open(&mut self, number: u32) -> std::io::Result<()> {
        self.write(&frame(HEADERS, END_HEADERS, stream(number), &ask_headers())).await
    }

    pub(crate) async fn send(&mut self, kind: u8, number: u32, payload: &[u8]) -> std::io::Result<()> {
        self.write(&frame(kind, 0, stream(number), payload)).await
    }

    async fn write(&mut self, frames: &[u8]) -> std::io::Result<()> {
        self.write.write_all(frames).await?;
        self.write.flush().await
    }
}

/// The number of the nth stream of a client.
fn stream(number: u32) -> u32 {
    number * 2 + 1
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A call of `Ask` in HPACK (RFC 7541): indexed fields and literals, nothing compressed.
fn ask_headers() -> Vec<u8> {
    let (post, https, path, authority) = (0x83, 0x87, 0x04, 0x01);
    let mut block = vec![post, https];
    for (name, value) in [(path, ASK), (authority, "node")] {
        block.push(name);
        block.push(u8::try_from(value.len()).unwrap());
        block.extend(value.as_bytes());
    }
    block.push(0);
    for text in ["content-type", "application/grpc"] {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.as_bytes());
    }
    block
}

async fn count_resets(mut read: ReadHalf<TlsStream<TcpStream>>, reset: Arc<AtomicUsize>) {
    let mut head = [0; 9];
    while read.read_exact(&mut head).await.is_ok() {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if read.read_exact(&mut payload).await.is_err() {
            return;
        }
        if head[3] == RST_STREAM {
            reset.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A node, and somebody else's link to it.
async fn node_and_bystander(world: &World) -> (Served, Link) {
    let node = world.serve_node().await;
    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    ask(link.clone()).await.unwrap();
    (node, link)
}

#[tokio::test]
async fn ten_thousand_streams_stop_nobody() {
    const STREAMS: u32 = 10_000;
    let world = Arc::new(World::new());
    let (node, bystander) = node_and_bystander(&world).await;
    let address = node.address;
    let flooding = tokio::spawn({
        let world = Arc::clone(&world);
        async move {
            let mut opened = 0;
            while opened < STREAMS {
                // A connection is ended when too many of its streams were refused.
                let mut flood = Heedless::dial(&world, address).await;
                for number in 0.. {
                    if opened == STREAMS || flood.open(number).await.is_err() {
                        break;
                    }
                    opened += 1;
                }
            }
        }
    });
    let mut most = 0;
    while !flooding.is_finished() {
        ask(bystander.clone()).await.unwrap();
        most = most.max(node.occupancy.requests());
    }
    flooding.await.unwrap();
    assert!(most > 1 && most <= world.limits.requests_per_identity + 1, "{most} in flight");
    let occupancy = &node.occupancy;
    until(|| occupancy.connections() == 1 && occupancy.requests() == 0).await;
    ask(bystander).await.unwrap();
    node.until_empty().await;
}

#[tokio::test]
async fn streams_that_are_left_open_are_as_many_as_one_connection_may_have() {
    let world = World::new();
    let (node, bystander) = node_and_bystander(&world).await;
    let allowed = world.limits.streams_per_connection;
    let mut flood = Heedless::dial(&world, node.address).await;
    for number in 0..allowed + 10 {
        flood.open(number).await.unwrap();
    }
    let (occupancy, reset) = (&node.occupancy, Arc::clone(&flood.reset));
    until(|| occupancy.requests() == usize::try_from(allowed).unwrap() && reset.load(Ordering::Relaxed) == 10).await;
    ask(bystander.clone()).await.unwrap();
    drop(flood);
    until(|| occupancy.connections() == 1 && occupancy.requests() == 0).await;
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_the_connection() {
    let world = World::new();
    let (node, bystander) = node_and_bystander(&world).await;
    let mut flood = Heedless::dial(&world, node.address).await;
    let cancel = 8_u32.to_be_bytes();
    let mut number = 0;
    while flood.open(number).await.is_ok() && flood.send(RST_STREAM, number, &cancel).await.is_ok() {
        number += 1;
        if number % 64 == 0 {
            ask(bystander.clone()).await.unwrap();
        }
        assert!(number < 200_000, "nobody minds");
    }
    let occupancy = &node.occupancy;
    until(|| occupancy.connections() == 1 && occupancy.requests() == 0).await;
    ask(bystander).await.unwrap();
}

#[tokio::test]
async fn pings_settings_and_empty_data_without_end_stop_nobody() {
    let world = World::new();
    let (node, bystander) = node_and_bystander(&world).await;
    let mut flood = Heedless::dial(&world, node.address).await;
    flood.open(0).await.unwrap();
    let flooding = tokio::spawn(async move {
        loop {
            let sent = async {
                flood.write(&frame(PING, 0, 0, &[0; 8])).await?;
                flood.write(&frame(SETTINGS, 0, 0, &[])).await?;
                flood.send(DATA, 0, &[]).await
            };
            if sent.await.is_err() {
                return;
            }
        }
    });
    for _ in 0..200 {
        ask(bystander.clone()).await.unwrap();
    }
    flooding.abort();
    let occupancy = &node.occupancy;
    until(|| occupancy.connections() == 1 && occupancy.requests() == 0).await;
}

/// From another address of this machine, so that it is told apart from the others by that alone.
pub(crate) async fn from_elsewhere(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), 0))).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn handshakes_that_never_end_or_dribble_keep_nobody_else_out() {
    const EACH: usize = 40;
    let mut world = World::new();
    world.limits.handshakes_per_address = EACH * 2;
    let mut node = world.serve_node().await;
    let mut held = Vec::new();
    for _ in 0..EACH {
        held.push(from_elsewhere(node.address).await);
        let mut dribbling = from_elsewhere(node.address).await;
        held.push(from_elsewhere(node.address).await);
        let client_hello_of_1_kib = [0x16, 0x03, 0x01, 0x04, 0x00];
        dribbling.write_all(&client_hello_of_1_kib).await.unwrap();
        tokio::spawn(async move {
            let mut now_and_then = tokio::time::interval(Duration::from_millis(20));
            while dribbling.write_all(&[1]).await.is_ok() {
                now_and_then.tick().await;
            }
        });
    }
    // A third of them are one too many for their address, and are told so.
    for _ in 0..EACH {
        let report = node.next_refused().await;
        assert_eq!((report.reason, report.peer), (Reason::TooManyConnections, None));
        assert_eq!(report.from.ip(), Ipv4Addr::new(127, 0, 0, 2));
    }
    assert_eq!(node.occupancy.handshakes(), EACH * 2);

    let link = world.dial_node(world.credentials(&world.broker()), &node).await.unwrap();
    ask(link.clone()).await.unwrap();
    assert_eq!(node.occupancy.handshakes(), EACH * 2, "nobody waited for them to end");
}

#[tokio::test]
async fn handshakes_end_in_time_whatever_comes() {
    let mut world = World::new();
    world.limits.handshake_time = Duration::from_millis(100);
    let mut node = world.serve_node().await;
    let silent = TcpStream::connect(node.address).await.unwrap();
    let mut dribbling = TcpStream::connect(node.address).await.unwrap();
    dribbling.write_all(&[0x16, 0x03, 0x01, 0x04, 0x00]).await.unwrap();
    let dribble = tokio::spawn(async move {
        let mut now_and_then = tokio::time::interval(Duration::from_millis(10));
        while dribbling.write_all(&[1]).await.is_ok() {
            now_and_then.tick().await;
        }
    });
    for _ in 0..2 {
        let report = node.next_refused().await;
        assert_eq!((report.reason, report.peer), (Reason::HandshakeTimedOut, None));
    }
    dribble.await.unwrap();
    drop(silent);
    node.until_empty().await;
}
