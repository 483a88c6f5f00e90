//! One CONNECT.

use std::fmt::Write as _;
use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use weald_proto::network::Connection;

use super::credentials::ProxyCredentials;
use super::fault::{ProxyFault, StatusLine, shown};
use super::host::{Host, HostPort};

/// The longest head of an answer.
const HEAD_BYTES: u64 = 8 << 10;

/// Asks the proxy at the other end of `stream` to connect it to `target`.
pub(super) async fn open(
    mut stream: Box<dyn Connection>,
    target: &HostPort,
    credentials: Option<&ProxyCredentials>,
) -> Result<Box<dyn Connection>, ProxyFault> {
    stream.write_all(request(target, credentials).as_bytes()).await.map_err(|error| broken(&error))?;
    stream.flush().await.map_err(|error| broken(&error))?;
    // One byte at a time: what follows the head belongs to TLS.
    let mut stream = BufReader::with_capacity(1, stream);
    let head = Head::read(&mut stream).await?;
    head.verdict(target, credentials)?;
    Ok(stream.into_inner())
}

fn request(target: &HostPort, credentials: Option<&ProxyCredentials>) -> String {
    let mut head = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(credentials) = credentials {
        // Writing to a String does not fail.
        let _ = write!(head, "Proxy-Authorization: Basic {}\r\n", credentials.token());
    }
    head.push_str("\r\n");
    head
}

fn broken(error: &io::Error) -> ProxyFault {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error.kind() {
        BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof => ProxyFault::HungUp,
        kind => ProxyFault::Unreachable(kind),
    }
}

/// The head of an answer (RFC 9112, 2.1).
struct Head {
    status: u16,
    line: String,
    /// Names in lower case.
    fields: Vec<(String, String)>,
}

impl Head {
    async fn read(stream: &mut BufReader<Box<dyn Connection>>) -> Result<Self, ProxyFault> {
        let mut limited = stream.take(HEAD_BYTES);
        let mut lines = Vec::new();
        loop {
            let mut line = Vec::new();
            limited.read_until(b'\n', &mut line).await.map_err(|error| broken(&error))?;
            let ended = line.pop() != Some(b'\n');
            if lines.is_empty() && !begins_http(&line) {
                return Err(if line.is_empty() && ended { ProxyFault::HungUp } else { ProxyFault::NotHttp });
            }
            if ended {
                return Err(if limited.limit() == 0 { ProxyFault::NotHttp } else { ProxyFault::HungUp });
            }
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        Head::of_lines(lines).ok_or(ProxyFault::NotHttp)
    }

    fn of_lines(lines: Vec<String>) -> Option<Self> {
        let mut lines = lines.into_iter();
        let line = lines.next()?;
        let status = line.split(' ').nth(1)?;
        let status = (status.len() == 3).then(|| status.parse().ok())??;
        let field = |line: String| {
            line.split_once(':').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        };
        Some(Head { status, line, fields: lines.filter_map(field).collect() })
    }

    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    fn verdict(&self, target: &HostPort, credentials: Option<&ProxyCredentials>) -> Result<(), ProxyFault> {
        let words = self.words(credentials);
        Err(match self.status {
            200..=299 => return Ok(()),
            403 => ProxyFault::Forbidden { words },
            407 => match (self.other_authentication(), credentials) {
                (Some(offered), _) => ProxyFault::OtherAuthentication { offered, words },
                (None, Some(_)) => ProxyFault::CredentialsRefused { words },
                (None, None) => ProxyFault::CredentialsWanted { words },
            },
            _ if self.name_unknown(target) => ProxyFault::TargetName { words },
            _ if self.no_way() => ProxyFault::TargetUnreachable { words },
            502..=504 => ProxyFault::TargetUnreachable { words },
            _ => ProxyFault::Answered { words },
        })
    }

    /// A proxy that repeats what we sent must not bring our credentials into a log.
    fn words(&self, credentials: Option<&ProxyCredentials>) -> StatusLine {
        if credentials.is_some_and(|credentials| credentials.is_in(&self.line)) {
            return StatusLine::new(&self.status.to_string());
        }
        StatusLine::new(&self.line)
    }

    /// The schemes that are offered (RFC 9110, 11.7.1), if there are some and none is Basic.
    fn other_authentication(&self) -> Option<String> {
        let schemes: Vec<&str> =
            self.values("proxy-authenticate").filter_map(|value| value.split([' ', ',']).next()).collect();
        let basic = self.values("proxy-authenticate").any(|value| value.to_ascii_lowercase().contains("basic"));
        (!basic && !schemes.is_empty()).then(|| shown(&schemes.join(", ")))
    }

    /// Squid's own word, and the standard's (RFC 9209, 2.3.2). Of a name that does not resolve Squid 5 says no
    /// more than that it found no way to it.
    fn name_unknown(&self, target: &HostPort) -> bool {
        self.values("x-squid-error").any(|value| value.starts_with("ERR_DNS_FAIL"))
            || self.values("proxy-status").any(|value| value.contains("error=dns"))
            || (matches!(target.host, Host::Name(_)) && self.no_way())
    }

    /// Squid has nowhere to send it; the status is 500.
    fn no_way(&self) -> bool {
        self.values("x-squid-error").any(|value| value.starts_with("ERR_CANNOT_FORWARD"))
    }
}

/// Whether a line may be the first of an answer. One that was cut short is none.
fn begins_http(line: &[u8]) -> bool {
    line.starts_with(b"HTTP/1.")
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    fn target() -> HostPort {
        HostPort::parse("broker.example:443").unwrap()
    }

    fn weald() -> ProxyCredentials {
        ProxyCredentials::new("weald", "sesame").unwrap()
    }

    /// What comes of an answer, and what came after it.
    async fn answered(answer: &[u8], credentials: Option<&ProxyCredentials>) -> Result<Vec<u8>, ProxyFault> {
        let (ours, mut theirs) = duplex(64 << 10);
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let mut stream = open(Box::new(ours), &target(), credentials).await?;
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        Ok(rest)
    }

    async fn fault(answer: &str) -> ProxyFault {
        answered(answer.as_bytes(), None).await.unwrap_err()
    }

    #[test]
    fn the_request_names_the_target_and_proves_who_we_are() {
        assert_eq!(
            request(&HostPort::parse("[::1]:443").unwrap(), None),
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"
        );
        assert_eq!(
            request(&target(), Some(&weald())),
            "CONNECT broker.example:443 HTTP/1.1\r\nHost: broker.example:443\r\n\
             Proxy-Authorization: Basic d2VhbGQ6c2VzYW1l\r\n\r\n"
        );
    }

    #[tokio::test]
    async fn what_follows_the_head_is_left_to_tls() {
        let rest =
            answered(b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n\x16\x03\n\r\n", None).await.unwrap();
        assert_eq!(rest, b"\x16\x03\n\r\n");
        assert_eq!(answered(b"HTTP/1.0 204\r\n\r\nx", None).await.unwrap(), b"x");
    }

    #[tokio::test]
    async fn what_a_proxy_says_is_told_apart_and_its_words_are_kept() {
        let is = |fault: ProxyFault, kind: fn(StatusLine) -> ProxyFault, words: &str| {
            assert_eq!(fault, kind(StatusLine::new(words)));
        };
        is(fault("HTTP/1.1 403 No\r\n\r\n").await, |words| ProxyFault::Forbidden { words }, "HTTP/1.1 403 No");
        for status in [502, 503, 504] {
            let line = format!("HTTP/1.1 {status} Sorry");
            is(fault(&format!("{line}\r\n\r\n")).await, |words| ProxyFault::TargetUnreachable { words }, &line);
        }
        is(fault("HTTP/1.1 302 Log in\r\n\r\n").await, |words| ProxyFault::Answered { words }, "HTTP/1.1 302 Log in");
        let no_way = "X-Squid-Error: ERR_CANNOT_FORWARD 0";
        for field in ["X-Squid-Error: ERR_DNS_FAIL 0", "proxy-status: p; error=dns_error", no_way] {
            let answer = format!("HTTP/1.1 503 Sorry\r\n{field}\r\n\r\n");
            is(fault(&answer).await, |words| ProxyFault::TargetName { words }, "HTTP/1.1 503 Sorry");
        }
    }

    #[tokio::test]
    async fn a_407_says_whether_credentials_are_missing_wrong_or_of_another_kind() {
        let basic = "HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n";
        assert!(matches!(fault(basic).await, ProxyFault::CredentialsWanted { .. }));
        let refused = answered(basic.as_bytes(), Some(&weald())).await.unwrap_err();
        assert!(matches!(refused, ProxyFault::CredentialsRefused { .. }));
        let other =
            fault("HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n").await;
        assert!(matches!(other, ProxyFault::OtherAuthentication { offered, .. } if offered == "Negotiate, NTLM"));
        assert!(matches!(fault("HTTP/1.1 407 Who\r\n\r\n").await, ProxyFault::CredentialsWanted { .. }));
    }

    #[tokio::test]
    async fn a_proxy_that_repeats_our_credentials_does_not_get_them_shown() {
        for echo in ["d2VhbGQ6c2VzYW1l", "sesame"] {
            let answer = format!("HTTP/1.1 407 not {echo}\r\n\r\n");
            let refused = answered(answer.as_bytes(), Some(&weald())).await.unwrap_err();
            assert!(refused.to_string().ends_with(": 407") && !format!("{refused:?}").contains(echo));
        }
    }

    #[tokio::test]
    async fn words_are_cut_and_harmless() {
        let long = fault(&format!("HTTP/1.1 403 \u{1b}[2J{}\r\n\r\n", "x".repeat(4000))).await;
        let ProxyFault::Forbidden { words } = long else { panic!("{long:?}") };
        assert!(words.to_string().starts_with("HTTP/1.1 403 [2Jxx") && words.to_string().len() == 100);
    }

    #[tokio::test]
    async fn what_speaks_no_http_or_hangs_up_is_told_apart() {
        for answer in
            ["SSH-2.0-OpenSSH_9.2\r\n", "\r\n\r\n", "\x15\x03\x01\x00", "HTTP/1.1 abc\r\n\r\n", "HTTP/2 200\r\n\r\n"]
        {
            assert_eq!(fault(answer).await, ProxyFault::NotHttp, "{answer:?}");
        }
        for answer in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nVia: x"] {
            assert_eq!(fault(answer).await, ProxyFault::HungUp, "{answer:?}");
        }
        assert_eq!(fault(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(9000))).await, ProxyFault::NotHttp);
        assert_eq!(fault(&"HTTP/1.1 200 OK".repeat(1000)).await, ProxyFault::NotHttp);
    }
}
