//! Asking the process that runs.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::plain::line;

/// In all: to connect, to be heard, and to hear to the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than a status has: that of 800 organisations has about 1 MB.
const MOST_BYTES: u64 = 32 << 20;

/// Why nothing was learnt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// Nobody answers.
    #[error("nothing answers at {0} ({1})")]
    Nobody(SocketAddr, io::ErrorKind),
    /// Somebody answers, and says something else.
    #[error("what answers at {0} says no status: {1}")]
    NoStatus(SocketAddr, String),
}

impl AskError {
    /// Of whoever answers there: what it said is shown as one line that steers no terminal.
    pub(super) fn no_status(address: SocketAddr, what: &str) -> Self {
        AskError::NoStatus(address, line(what))
    }
}

/// What the process says at its `/status`, as it came: not yet read, and not to be shown.
///
/// # Errors
///
/// [`AskError`], after 5 s at most.
pub(crate) fn ask(listens_at: SocketAddr) -> Result<String, AskError> {
    ask_within(reached_at(listens_at), PATIENCE)
}

/// Each step may take all of the time, and whoever answers may take it byte by byte: so the whole is waited for.
fn ask_within(address: SocketAddr, patience: Duration) -> Result<String, AskError> {
    let nobody = |kind: io::ErrorKind| AskError::Nobody(address, kind);
    let (tell, told) = mpsc::sync_channel(1);
    thread::spawn(move || tell.send(hear(address, patience)));
    let answer = told.recv_timeout(patience).map_err(|_| nobody(io::ErrorKind::TimedOut))?;
    let answer = answer.map_err(|error| nobody(error.kind()))?;
    body(&answer).map_err(|what| AskError::no_status(address, &what))
}

fn hear(address: SocketAddr, patience: Duration) -> io::Result<Vec<u8>> {
    let mut tcp = TcpStream::connect_timeout(&address, patience)?;
    tcp.set_read_timeout(Some(patience))?;
    tcp.set_write_timeout(Some(patience))?;
    write!(tcp, "GET /status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    tcp.take(MOST_BYTES).read_to_end(&mut answer)?;
    Ok(answer)
}

/// Where a process is reached from its own machine that listens there.
fn reached_at(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The body of an answer that came to its end (RFC 9112, 6.3), if it is a good one.
fn body(answer: &[u8]) -> Result<String, String> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer.windows(END.len()).position(|bytes| bytes == END).ok_or("it does not speak HTTP")?;
    let (head, rest) = answer.split_at(end);
    let body = rest.get(END.len()..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| "it does not speak HTTP")?;
    let status = head.split_ascii_whitespace().nth(1).unwrap_or_default();
    if !head.starts_with("HTTP/1.1 ") || status != "200" {
        let first = head.lines().next().unwrap_or_default();
        return Err(format!("it answers \"{}\"", first.chars().take(60).collect::<String>()));
    }
    let length = head.lines().filter_map(|line| line.split_once(':'));
    let mut length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).map(|(_, value)| value.trim());
    if length.next_back().and_then(|length| length.parse().ok()) != Some(body.len()) {
        return Err("its answer is cut off".to_owned());
    }
    String::from_utf8(body.to_vec()).map_err(|_| "its answer is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_is_taken_and_any_other_is_not() {
        assert_eq!(body(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap(), "{}");
        assert_eq!(body(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}").unwrap_err(), "its answer is cut off");
        assert_eq!(body(b"HTTP/1.1 200 OK\r\n\r\n{}").unwrap_err(), "its answer is cut off");
        let other = body(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(other.unwrap_err(), "it answers \"HTTP/1.1 404 Not Found\"");
        assert_eq!(body(b"SSH-2.0-OpenSSH_9.2\r\n").unwrap_err(), "it does not speak HTTP");
        let binary = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n\xff\x9b";
        assert_eq!(body(binary).unwrap_err(), "its answer is no text");
    }

    #[test]
    fn what_a_stranger_at_the_port_says_is_shown_and_steers_no_terminal() {
        let what = body("HTTP/1.1 500 \u{1b}]0;well\u{7}\u{9b}2J\u{202e}\r\n\r\n".as_bytes()).unwrap_err();
        let shown = AskError::no_status("127.0.0.1:9464".parse().unwrap(), &what).to_string();
        assert_eq!(shown, "what answers at 127.0.0.1:9464 says no status: it answers \"HTTP/1.1 500 ?]0;well??2J?\"");
    }

    #[test]
    fn who_answers_byte_by_byte_is_not_waited_for() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let (end, ended) = mpsc::channel::<()>();
        let slow = thread::spawn(move || {
            let (mut tcp, _) = socket.accept().unwrap();
            // A byte each time that nothing has ended for a while.
            while ended.recv_timeout(Duration::from_millis(10)) == Err(mpsc::RecvTimeoutError::Timeout) {
                if tcp.write_all(b"x").is_err() {
                    return;
                }
            }
        });
        let answered = ask_within(address, Duration::from_millis(300));
        assert!(matches!(answered, Err(AskError::Nobody(_, io::ErrorKind::TimedOut))), "{answered:?}");
        drop(end);
        slow.join().unwrap();
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_this_machine() {
        let at = |text: &str| reached_at(text.parse().unwrap()).to_string();
        assert_eq!(at("0.0.0.0:9464"), "127.0.0.1:9464");
        assert_eq!(at("[::]:9464"), "[::1]:9464");
        assert_eq!(at("127.0.0.2:9464"), "127.0.0.2:9464");
    }
}
