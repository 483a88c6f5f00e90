//! The port at which metrics and health are read: HTTP/1.1 without TLS, one answer for each connection.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::Request;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use weald_proto::Clock;

use super::sight::{Sight, is_near};
use super::watched::Watched;
use crate::status::Facts;

/// Readers at once. For who comes then, one that has asked nothing yet goes, or else the oldest.
const READERS: usize = 64;
/// Who look at sources at once: the others wait. Health needs no look.
const LOOKS: usize = 8;
/// For one reader, from its connection to the end of its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of that, to ask.
const HEAD: Duration = Duration::from_secs(1);
/// How often times that nobody has read are gathered up, so that they take no more room.
const UPKEEP: Duration = Duration::from_secs(5);

/// The open port, before anything is served there.
pub(crate) struct Listener {
    socket: TcpListener,
    counted: PrometheusHandle,
}

/// What can be read, and where.
pub(crate) struct Open {
    socket: TcpListener,
    sight: Arc<Sight>,
}

impl Listener {
    pub(super) fn new(socket: TcpListener, counted: PrometheusHandle) -> Self {
        Listener { socket, counted }
    }

    /// What can be read there.
    pub(crate) fn sight(
        self,
        facts: Facts,
        watched: Vec<Watched>,
        clock: Arc<dyn Clock>,
        serving: Arc<AtomicBool>,
    ) -> Open {
        let Listener { socket, counted } = self;
        let is_local = socket.local_addr().is_ok_and(|address| address.ip().is_loopback());
        let looks = Arc::new(Semaphore::new(LOOKS));
        Open { socket, sight: Arc::new(Sight { counted, facts, watched, clock, is_local, looks, serving }) }
    }
}

impl Open {
    /// Serves until `shutdown`.
    pub(crate) async fn serve(self, shutdown: CancellationToken) {
        let Open { socket, sight } = self;
        let mut readers = Readers::default();
        let mut upkeep = interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = upkeep.tick() => sight.counted.run_upkeep(),
                accepted = socket.accept() => match accepted {
                    Ok((tcp, from)) => {
                        readers.make_room();
                        let (sight, has_asked) = (Arc::clone(&sight), Arc::new(AtomicBool::new(false)));
                        let asks = Arc::clone(&has_asked);
                        let task = tokio::spawn(async move {
                            // Who reads too slowly reads again.
                            let _ = timeout(PATIENCE, answer(sight, tcp, from.ip(), asks)).await;
                        });
                        readers.0.push_back(Reader { task: task.abort_handle(), has_asked });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept connections of those who read metrics");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
            }
        }
    }
}

/// Whoever is connected, the oldest first.
#[derive(Default)]
struct Readers(VecDeque<Reader>);

struct Reader {
    task: AbortHandle,
    has_asked: Arc<AtomicBool>,
}

impl Readers {
    /// Makes room for one more: nobody keeps others away by being there.
    fn make_room(&mut self) {
        self.0.retain(|reader| !reader.task.is_finished());
        if self.0.len() >= READERS {
            let idle = self.0.iter().position(|reader| !reader.has_asked.load(Ordering::Acquire));
            if let Some(reader) = self.0.remove(idle.unwrap_or(0)) {
                reader.task.abort();
            }
        }
    }
}

async fn answer(sight: Arc<Sight>, tcp: TcpStream, from: IpAddr, has_asked: Arc<AtomicBool>) {
    let is_near = is_near(from, tcp.local_addr().ok().map(|local| local.ip()));
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        has_asked.store(true, Ordering::Release);
        let sight = Arc::clone(&sight);
        async move { Ok::<_, Infallible>(sight.answer(&request, is_near).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).keep_alive(false);
    if let Err(error) = http.serve_connection(TokioIo::new(tcp), service).await {
        tracing::debug!(%error, "a reader of metrics went away");
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arc_swap::ArcSwap;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use weald_audit::drill::{Faults, FaultyStorage};
    use weald_audit::{Entry, Kind, Log, LogFile, Recorder};
    use weald_certs::{
        Acceptor, AttachNobody, Authority, Entrance, Limits, LogOnly, Register, RegisterAnchor, RegisterDraft, Trust,
    };
    use weald_proto::{
        Digest, FederationName, KeyId, ManualClock, OdsCode, SigningKey, SpiffeId, SystemRandom, Timestamp,
    };

    use super::*;
    use crate::load::Party;
    use crate::status::{Described, Status};

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);
    const HOUR: Duration = Duration::from_secs(3600);
    const ANY_PORT: &str = "127.0.0.1:0";

    /// A port at which one node can be looked at.
    struct Port {
        address: std::net::SocketAddr,
        clock: ManualClock,
        log: Arc<Log>,
        log_faults: Faults,
        serving: Arc<AtomicBool>,
        _folder: tempfile::TempDir,
    }

    fn register(authority: &Authority, name: &FederationName, expires_at: Timestamp) -> Register {
        let key = SigningKey::generate(KeyId::parse("register/1").unwrap(), &SystemRandom);
        let anchor = RegisterAnchor::new(name.clone(), key.id().clone(), key.verifying_key());
        let draft = RegisterDraft {
            federation: name.clone(),
            version: 7,
            issued_at: NOW,
            expires_at: Some(expires_at),
            policy_digest: Digest::ZERO,
            roots: vec![authority.root().clone()],
            brokers: Vec::new(),
            members: Vec::new(),
        };
        Register::load(&draft.sign(&key), &anchor, NOW).unwrap()
    }

    fn faulty_log(path: &Path, clock: &ManualClock) -> (Arc<Log>, Faults) {
        let (storage, faults) = FaultyStorage::over(LogFile::open(path).unwrap());
        (Arc::new(Log::open_on(Box::new(storage), Arc::new(clock.clone())).unwrap()), faults)
    }

    async fn open() -> Port {
        open_at(ANY_PORT, true).await
    }

    /// To be read there, of a node with a port of its own, or with nobody to dial.
    async fn open_at(read_at: &str, is_listening: bool) -> Port {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(NOW);
        let federation = FederationName::parse("kent.weald.example").unwrap();
        let authority = Authority::new(federation.clone(), Arc::new(SystemRandom), NOW).unwrap();
        let id = SpiffeId::node(&federation, &OdsCode::parse("RVV").unwrap());
        let trust = Arc::new(Trust::new(federation.clone(), std::slice::from_ref(authority.root())).unwrap());
        let party = Party { credentials: Arc::new(authority.credentials(&id, NOW).unwrap()), trust };
        let (log, log_faults) = faulty_log(&folder.path().join("audit.log"), &clock);
        let register = Arc::new(ArcSwap::from_pointee(register(&authority, &federation, NOW.plus(HOUR))));
        let entrance = Entrance {
            listener: weald_certs::Listener::Node,
            credentials: Arc::clone(&party.credentials),
            trust: Arc::clone(&party.trust),
            clock: Arc::new(clock.clone()),
            attach: Arc::new(AttachNobody),
            watch: Arc::new(LogOnly::default()),
            limits: Limits::default(),
            strangers: None,
        };
        let acceptor = Acceptor::bind(ANY_PORT.parse().unwrap(), entrance).await.unwrap();
        let occupancy = is_listening.then(|| acceptor.occupancy());
        let watched = Watched {
            register,
            log: Arc::clone(&log),
            party,
            occupancy,
            links: Vec::new(),
            describe: Box::new(|_, _| Described { of_party: json!({ "organisation": "RVV" }), troubles: Vec::new() }),
            observe: Box::new(|| {}),
        };
        let socket = TcpListener::bind(read_at).await.unwrap();
        let address = ([127, 0, 0, 1], socket.local_addr().unwrap().port()).into();
        let counted = PrometheusBuilder::new().build_recorder().handle();
        let serving = Arc::new(AtomicBool::new(true));
        let listener = Listener::new(socket, counted);
        let (clocks, flag) = (Arc::new(clock.clone()), Arc::clone(&serving));
        let facts = Facts { program: "weald-node", running_since: NOW };
        tokio::spawn(listener.sight(facts, vec![watched], clocks, flag).serve(CancellationToken::new()));
        Port { address, clock, log, log_faults, serving, _folder: folder }
    }

    impl Port {
        /// Status line and body.
        async fn read(&self, method: &str, path: &str) -> (String, String) {
            self.read_as("localhost", method, path).await
        }

        async fn read_as(&self, host: &str, method: &str, path: &str) -> (String, String) {
            let mut tcp = TcpStream::connect(self.address).await.unwrap();
            tcp.write_all(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            tcp.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let status = head.lines().next().unwrap().trim_start_matches("HTTP/1.1 ");
            (status.to_owned(), body.to_owned())
        }

        async fn readiness(&self) -> (String, String) {
            self.read("GET", "/health/ready").await
        }
    }

    const UNFIT: &str = "503 Service Unavailable";
    const WHO: &str = "spiffe://kent.weald.example/org/RVV/node";

    #[tokio::test]
    async fn what_is_fit_to_serve_is_ready() {
        let port = open().await;
        assert_eq!(port.readiness().await, ("200 OK".into(), "ready\n".into()));
        assert_eq!(port.read("GET", "/health").await.0, "200 OK");
    }

    #[tokio::test]
    async fn an_expired_register_makes_unready_and_the_process_lives() {
        let port = open().await;
        port.clock.advance(HOUR);
        assert_eq!(port.readiness().await, (UNFIT.into(), format!("{WHO}: the register has expired\n")));
        assert_eq!(port.read("GET", "/health/live").await, ("200 OK".into(), "alive\n".into()));
    }

    #[tokio::test]
    async fn an_audit_log_that_failed_makes_unready() {
        let port = open().await;
        port.log_faults.fail_flushes();
        let entry = Entry::new(Kind::Refusal, Recorder::node(OdsCode::parse("RVV").unwrap()));
        port.log.append(entry).await.unwrap_err();
        assert_eq!(port.readiness().await, (UNFIT.into(), format!("{WHO}: the audit log cannot be written\n")));
    }

    #[tokio::test]
    async fn an_expired_certificate_makes_unready() {
        let port = open().await;
        port.clock.advance(HOUR * 48);
        let (status, lacks) = port.readiness().await;
        assert_eq!(status, UNFIT);
        assert!(lacks.contains(&format!("{WHO}: the certificate does not hold\n")), "{lacks}");
    }

    #[tokio::test]
    async fn a_node_that_dials_in_and_has_nobody_to_dial_is_unready() {
        let port = open_at(ANY_PORT, false).await;
        assert_eq!(port.readiness().await, (UNFIT.into(), format!("{WHO}: no broker has a link\n")));
    }

    #[tokio::test]
    async fn a_process_that_stops_is_unready() {
        let port = open().await;
        port.serving.store(false, Ordering::Release);
        assert_eq!(port.readiness().await, (UNFIT.into(), "the ports are not open\n".into()));
    }

    #[tokio::test]
    async fn a_status_says_what_is_wrong_with_whom_and_what_to_do() {
        let port = open().await;
        let (status, said) = port.read("GET", "/status").await;
        assert_eq!(status, "200 OK");
        let said: Status<Value> = serde_json::from_str(&said).unwrap();
        assert_eq!((said.at, said.parties[0].id.as_str()), (NOW, WHO));
        assert_eq!(said.parties[0].of_party["organisation"], "RVV");
        let words = |said: &Status<Value>| -> Vec<String> {
            said.parties[0].troubles.iter().map(|trouble| trouble.word.clone()).collect()
        };
        assert_eq!(words(&said), ["REGISTER_ENDS_SOON"], "an hour is soon");
        port.clock.advance(HOUR * 48);
        port.log_faults.fail_flushes();
        let entry = Entry::new(Kind::Refusal, Recorder::node(OdsCode::parse("RVV").unwrap()));
        port.log.append(entry).await.unwrap_err();
        let said: Status<Value> = serde_json::from_str(&port.read("GET", "/status").await.1).unwrap();
        assert_eq!(words(&said), ["REGISTER_EXPIRED", "CERTIFICATE_INVALID", "AUDIT_LOG_FAILED"]);
        assert!(said.parties[0].troubles.iter().all(|trouble| !trouble.remedy.is_empty() && trouble.about == WHO));
    }

    #[tokio::test]
    async fn nothing_is_told_to_a_page_in_a_browser_that_asks_by_a_name_of_its_own() {
        let port = open().await;
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", ""] {
            for path in ["/status", "/metrics", "/health/live", "/health/ready", "/"] {
                assert_eq!(port.read_as(host, "GET", path).await.0, "403 Forbidden", "{host} {path}");
            }
        }
        for host in ["127.0.0.1:9464", "[::1]:9464", "localhost:9464"] {
            assert_eq!(port.read_as(host, "GET", "/status").await.0, "200 OK", "{host}");
        }
    }

    #[tokio::test]
    async fn what_others_may_read_is_read_by_name_and_a_status_is_not() {
        let port = open_at("0.0.0.0:0", true).await;
        assert_eq!(port.read_as("weald.example", "GET", "/metrics").await.0, "200 OK");
        assert_eq!(port.read_as("weald.example", "GET", "/health/live").await.0, "200 OK");
        assert_eq!(port.read_as("weald.example", "GET", "/status").await.0, "403 Forbidden");
    }

    #[tokio::test]
    async fn who_connects_and_asks_nothing_keeps_nobody_from_health_and_status() {
        let port = open().await;
        let mut idle = Vec::new();
        for _ in 0..3 * READERS {
            idle.push(TcpStream::connect(port.address).await.unwrap());
        }
        let gone = timeout(HEAD / 2, idle[0].read(&mut [0])).await.expect("the oldest made room");
        assert!(gone.is_ok_and(|bytes| bytes == 0));
        let asked = timeout(PATIENCE / 2, async {
            (port.read("GET", "/health/live").await, port.read("GET", "/status").await)
        });
        let (live, status) = asked.await.expect("nobody waits for those who ask nothing");
        assert_eq!((live.0.as_str(), status.0.as_str()), ("200 OK", "200 OK"));
    }

    #[tokio::test]
    async fn nothing_else_is_told_and_nothing_can_be_sent() {
        let port = open().await;
        assert_eq!(port.read("GET", "/metrics").await.0, "200 OK");
        assert_eq!(port.read("GET", "/").await.0, "404 Not Found");
        assert_eq!(port.read("POST", "/metrics").await.0, "405 Method Not Allowed");
    }
}
