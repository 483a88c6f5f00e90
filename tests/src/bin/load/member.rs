//! A member's node that means others ill.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_audit::Log;
use weald_certs::acceptor::LogOnly;
use weald_certs::{Acceptor, Entrance, Limits, Listener};
use weald_node::service::NodeService;
use weald_node::session::History;
use weald_node::sign::StatementKey;
use weald_node::{Node, NodeParts};
use weald_policy::Engine;
use weald_proto::env::Env;
use weald_proto::session::Pulse;
use weald_proto::{KeyId, OdsCode, Replay, SigningKey, limit};
use weald_tests::federation::MemoryStore;

use crate::console;
use crate::peer::frames;
use crate::place::{Place, patient};
use crate::world::{ITS_SECTION, MALICIOUS, item};

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Misdeed {
    /// Answers every query rightly, with as much as one answer may hold.
    LargestAnswer,
    /// Begins an answer of that size and sends one byte of it a second.
    ByteASecond,
}

/// Bytes of one item's text.
const TEXT: usize = 600;

/// Says where it listens, and runs until the standard input ends.
///
/// # Errors
///
/// When the folder does not hold what it takes, or no port can be opened.
pub(crate) async fn run(act: Misdeed, folder: &Path) -> anyhow::Result<()> {
    let place = Place::open(folder)?;
    let organisation = OdsCode::parse(MALICIOUS)?;
    let address = match act {
        Misdeed::LargestAnswer => answer(&place, &organisation).await?,
        Misdeed::ByteASecond => dribble(place.node_tls(&organisation)?).await?,
    };
    console::line(&address.to_string());
    let mut orders = console::orders();
    while orders.next_line().await?.is_some() {}
    Ok(())
}

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// An honest node, with far more to say than fits.
async fn answer(place: &Place, organisation: &OdsCode) -> anyhow::Result<SocketAddr> {
    let env = Env::system();
    let text = "w".repeat(TEXT);
    let items = (0..limit::ANSWER_BYTES / TEXT + 1).map(|number| item(&format!("d{number}"), &text)).collect();
    let patient = patient()?;
    let store = MemoryStore::new(env.clock.now()).knows(&patient).holds(&patient, ITS_SECTION, items);
    let key = SigningKey::from_seed(
        KeyId::parse(&format!("{organisation}/statement/1"))?,
        &place.seed(organisation, "statement")?,
    );
    let log = Log::open(&place.folder().join(format!("{organisation}.audit")), Arc::clone(&env.clock))?;
    let node = Node::new(NodeParts {
        organisation: organisation.clone(),
        federation: place.name().clone(),
        register: Arc::clone(place.register()),
        engine: Arc::new(Engine::baseline()?),
        store: Arc::new(store),
        log: Arc::new(log),
        replay: Replay::recover(std::iter::empty()),
        key: StatementKey::new(key),
        cache_seconds: 0,
        pulse: Pulse::default(),
        history: History::default(),
        env: env.clone(),
    });
    let entrance = Entrance {
        attach: Arc::new(weald_certs::AttachNobody),
        listener: Listener::Node,
        credentials: Arc::new(place.node_credentials(organisation)?),
        trust: Arc::clone(place.trust()),
        clock: env.clock,
        watch: Arc::new(LogOnly::default()),
        limits: Limits::default(),
        strangers: None,
    };
    let acceptor = Acceptor::bind(ANY_PORT, entrance).await?;
    let address = acceptor.local_address();
    acceptor.serve(Routes::new(NodeService::serve(Arc::new(node))), CancellationToken::new());
    Ok(address)
}

async fn dribble(tls: TlsAcceptor) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(ANY_PORT).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let tls = tls.clone();
            // A broker that hangs up ends what is sent to it, and nothing else.
            tokio::spawn(async move { answer_slowly(tls.accept(tcp).await?).await });
        }
    });
    Ok(address)
}

/// Begins an answer to every request on a connection, and goes on with each by a byte a second.
async fn answer_slowly(stream: impl AsyncRead + AsyncWrite) -> anyhow::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(stream);
    writing.write_all(&frames::settings()).await?;
    writing.flush().await?;
    reading.read_exact(&mut [0; frames::PREFACE.len()]).await?;
    let mut begun = Vec::new();
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut head = [0; frames::HEAD];
    let mut filled = 0;
    loop {
        tokio::select! {
            read = reading.read(head.get_mut(filled..).unwrap_or_default()) => {
                match read? {
                    0 => return Ok(()),
                    more => filled += more,
                }
                if filled < frames::HEAD {
                    continue;
                }
                filled = 0;
                let frame = frames::Frame::of(&head);
                tokio::io::copy(&mut (&mut reading).take(frame.length.into()), &mut tokio::io::sink()).await?;
                if let Some(reply) = frame.reply() {
                    writing.write_all(&reply).await?;
                }
                if frame.kind == frames::HEADERS {
                    let mut start = vec![0];
                    start.extend(u32::try_from(limit::ANSWER_BYTES)?.to_be_bytes());
                    writing.write_all(&frames::response_headers(frame.stream)).await?;
                    writing.write_all(&frames::data(frame.stream, &start)).await?;
                    begun.push(frame.stream);
                } else if frame.kind == frames::RESET {
                    begun.retain(|stream| *stream != frame.stream);
                }
                writing.flush().await?;
            }
            _ = seconds.tick() => {
                for stream in &begun {
                    writing.write_all(&frames::data(*stream, &[0])).await?;
                }
                writing.flush().await?;
            }
        }
    }
}
