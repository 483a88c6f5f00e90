//! How much one port takes, from everybody and from anybody.

use std::time::Duration;

use weald_proto::limit;

/// The limits of one [`Acceptor`](crate::Acceptor). `docs/limits.md` lists the defaults.
///
/// An address is an IPv4 address, or the /48 network of an IPv6 address (RFC 6177: a site has a /48 or less,
/// and so many networks of 64 bits). An identity is a SPIFFE id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// TLS handshakes in progress, of everybody. Beyond: the oldest of the address that has most is closed, for one of
    /// an address that has fewer; otherwise the new one.
    pub handshakes: usize,
    /// TLS handshakes in progress, of one address. Beyond: the connection is closed.
    pub handshakes_per_address: usize,
    /// TLS handshakes of one address that may begin in one second. Beyond: they begin in turn.
    pub handshakes_per_second: u32,
    /// TLS handshakes of everybody that may begin in one second, and at once after a rest. Beyond: the connection
    /// is closed. None: as many as there are addresses for.
    pub handshakes_per_second_of_all: Option<u32>,
    /// TLS handshakes of one address that may begin at once, after a rest.
    pub handshakes_at_once: u32,
    /// The longest that a connection waits for the turn of its handshake. Beyond: the connection is closed.
    pub turn_time: Duration,
    /// Connections of one address that may have had to be ended for what its peers did. Beyond: its handshakes
    /// begin at the slow pace.
    pub faults: u32,
    /// How many of those are forgiven for every second that passes. No more than twice as many as may be
    /// are remembered.
    pub faults_per_second: u32,
    /// The slow pace: TLS handshakes that may begin in one second, of an address with too many faults.
    pub slow_handshakes_per_second: u32,
    /// Connections, of everybody, those in a handshake included. Beyond: the connection is closed.
    pub connections: usize,
    /// Connections of one identity. Beyond: the connection is closed once the handshake has shown whose
    /// it is.
    pub connections_per_identity: usize,
    /// Streams (HTTP/2) at once on one connection. Beyond: the stream is refused (`REFUSED_STREAM`).
    pub streams_per_connection: u32,
    /// Calls in flight of one identity, over all its connections. Beyond: `TOO_MANY_REQUESTS`.
    pub requests_per_identity: usize,
    /// Calls of one identity that may be refused in a row at once. Beyond: `TOO_MANY_REQUESTS`, before
    /// any work, whatever is asked.
    pub refusals: u32,
    /// How many more may be refused for every second that passes.
    pub refusals_per_second: u32,
    /// How late `TOO_MANY_REQUESTS` is said to an identity that was refused too often. Until then its call, whose
    /// body is not read, takes a stream of its connection and nothing else.
    pub late_time: Duration,
    /// Calls that such an identity may still make at a stretch. Beyond: it is told to go, and the connection is closed
    /// once the calls that have begun have ended, or as many again were made.
    pub late_refusals: u32,
    /// How many more of those it may make for every second that passes.
    pub late_refusals_per_second: u32,
    /// Bytes of the headers of one call: names, values and 32 for each (RFC 9113, 6.5.2). Beyond:
    /// `REQUEST_TOO_LARGE`. Beyond twice as many: HTTP status 431, or the connection is closed.
    pub header_bytes: usize,
    /// Bytes of the body of one call. Beyond: `REQUEST_TOO_LARGE`.
    pub body_bytes: usize,
    /// For the whole TLS handshake. Beyond: the connection is closed.
    pub handshake_time: Duration,
    /// For the head of a call: of HTTP/1.1 the whole head, from when the last call was answered; of
    /// HTTP/2 the connection's preface. Beyond: the connection is closed.
    pub head_time: Duration,
    /// For the whole body of a call. Beyond: `DEADLINE_EXCEEDED`.
    pub body_time: Duration,
    /// For the whole answer to leave, from its head to its last byte: so long may a caller keep it in our
    /// memory by not reading it. Beyond: the connection is closed. As long has whatever runs on a connection
    /// that is told to go.
    pub leave_time: Duration,
    /// For a whole connection, however busy. Beyond: it is closed, once what was begun has ended. None: as
    /// long as it likes.
    pub connection_time: Option<Duration>,
}

impl Limits {
    /// Of the door of strangers, who are nobody in particular: an identity is an address here. Little of
    /// everything, so that whatever they do costs those who have a name nothing that they would notice.
    pub fn of_strangers() -> Self {
        Limits {
            handshakes: 16,
            handshakes_per_address: 4,
            handshakes_per_second: 4,
            handshakes_per_second_of_all: Some(32),
            handshakes_at_once: 8,
            turn_time: Duration::from_secs(1),
            faults: 8,
            faults_per_second: 1,
            slow_handshakes_per_second: 2,
            connections: 64,
            connections_per_identity: 4,
            streams_per_connection: 4,
            requests_per_identity: 8,
            refusals: 20,
            refusals_per_second: 1,
            late_time: Duration::from_secs(1),
            late_refusals: 32,
            late_refusals_per_second: 16,
            header_bytes: 4 << 10,
            body_bytes: limit::ENROLMENT_BYTES + 1024,
            handshake_time: Duration::from_secs(2),
            head_time: Duration::from_secs(2),
            body_time: Duration::from_secs(2),
            leave_time: Duration::from_secs(20),
            connection_time: Some(Duration::from_secs(30)),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            handshakes: 1024,
            handshakes_per_address: 256,
            handshakes_per_second: 200,
            handshakes_per_second_of_all: None,
            handshakes_at_once: 32,
            turn_time: Duration::from_secs(1),
            faults: 32,
            faults_per_second: 4,
            slow_handshakes_per_second: 20,
            connections: 4096,
            connections_per_identity: 64,
            streams_per_connection: 256,
            requests_per_identity: 512,
            refusals: 200,
            refusals_per_second: 20,
            late_time: Duration::from_secs(1),
            late_refusals: 512,
            late_refusals_per_second: 512,
            header_bytes: 16 << 10,
            // One message, and what gRPC puts before it (5 bytes) with room.
            body_bytes: limit::REQUEST_BYTES + 1024,
            handshake_time: Duration::from_secs(5),
            head_time: Duration::from_secs(5),
            body_time: Duration::from_secs(5),
            leave_time: Duration::from_secs(30),
            connection_time: None,
        }
    }
}
