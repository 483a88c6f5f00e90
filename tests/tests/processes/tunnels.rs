//! A proxy that makes tunnels (RFC 9110, 9.3.6), may want a password, and may drop whatever it carries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A proxy of this process.
pub(crate) struct Proxy {
    pub(crate) address: String,
    state: Arc<State>,
}

struct State {
    /// The header line that it wants to see (RFC 7617).
    authorization: Option<String>,
    tunnels: AtomicUsize,
    is_dropping: AtomicBool,
}

impl Proxy {
    /// Serves at a free port; with a password, makes tunnels only for whoever has it.
    pub(crate) async fn open(password: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let authorization = password.map(|word| format!("proxy-authorization: Basic {}", STANDARD.encode(word)));
        let state =
            Arc::new(State { authorization, tunnels: AtomicUsize::new(0), is_dropping: AtomicBool::new(false) });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                tokio::spawn(serve(tcp, Arc::clone(&shared)));
            }
        });
        Proxy { address, state }
    }

    /// Tunnels that it made.
    pub(crate) fn tunnels(&self) -> usize {
        self.state.tunnels.load(Ordering::SeqCst)
    }

    /// From now on nothing that comes in goes out again, in either direction and for whoever is new, and no
    /// connection is closed; or it is a good proxy again.
    pub(crate) fn drop_everything(&self, is_dropping: bool) {
        self.state.is_dropping.store(is_dropping, Ordering::SeqCst);
    }
}

impl State {
    fn is_dropping(&self) -> bool {
        self.is_dropping.load(Ordering::SeqCst)
    }

    fn admits(&self, line: &str) -> bool {
        self.authorization.as_ref().is_some_and(|wanted| line.trim().eq_ignore_ascii_case(wanted))
    }
}

async fn serve(tcp: TcpStream, state: Arc<State>) {
    let mut caller = BufReader::with_capacity(1, tcp);
    let (mut target, mut is_known, mut line) = (String::new(), state.authorization.is_none(), String::new());
    while caller.read_line(&mut line).await.unwrap_or(0) > 2 {
        if let Some(rest) = line.strip_prefix("CONNECT ") {
            target = rest.split(' ').next().unwrap_or_default().to_owned();
        }
        is_known |= state.admits(&line);
        line.clear();
    }
    let mut caller = caller.into_inner();
    if state.is_dropping() {
        // Until the caller gives up.
        let _ = tokio::io::copy(&mut caller, &mut tokio::io::sink()).await;
        return;
    }
    if !is_known {
        let refused =
            b"HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic realm=\"trust\"\r\n\r\n";
        let _ = caller.write_all(refused).await;
        return;
    }
    let Ok(broker) = TcpStream::connect(&target).await else { return };
    state.tunnels.fetch_add(1, Ordering::SeqCst);
    let _ = caller.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
    let ((caller_says, caller_hears), (broker_says, broker_hears)) = (caller.into_split(), broker.into_split());
    tokio::join!(carry(caller_says, broker_hears, &state), carry(broker_says, caller_hears, &state));
}

/// Carries bytes until they end. What was dropped is gone for ever, and so is the end of a stream.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, state: &State) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !state.is_dropping() && to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
    if !state.is_dropping() {
        let _ = to.shutdown().await;
    }
}
