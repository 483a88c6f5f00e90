//! The node's side of one session.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Status, Streaming};
use weald_audit::AuditError;
use weald_proto::service::{SessionRequest, SessionResponse};
use weald_proto::session::{
    Availability, BrokerHello, BrokerNotice, NodeHello, NodeNotice, NodeState, Ping, Pong, Viewed,
};
use weald_proto::{Digest, Malformed, Reason, SpiffeId, Told, limit};

use super::history::{person, record};
use super::live::{BrokerSession, Ear};
use crate::node::Node;

/// Access notices that are being written down at once.
const RECORDED_AHEAD: usize = 64;
/// Between two notices of changes: what happens in between is told together.
const CHANGES_APART: Duration = Duration::from_millis(50);

type Tell = mpsc::Sender<Result<SessionResponse, Status>>;
type UnderWay<'a> = FuturesOrdered<Pin<Box<dyn Future<Output = Result<u64, AuditError>> + Send + 'a>>>;

/// Why a session ends, for the broker.
enum End {
    /// The broker hung up, or does not listen.
    Gone,
    /// The node's process is about to end.
    Draining,
    /// The node ends it for that reason.
    Refused(Reason, Told),
}

impl From<Malformed> for End {
    fn from(fault: Malformed) -> Self {
        End::Refused(Reason::RequestMalformed, Told::field("a notice", &fault))
    }
}

/// Serves one session to its end. Nothing of the node is held any more when the broker sees that end.
pub(crate) async fn serve(tell: Tell, incoming: Streaming<SessionRequest>, broker: SpiffeId, node: Arc<Node>) {
    let organisation = node.organisation();
    match converse(&node, &broker, incoming, &tell).await {
        End::Gone => tracing::info!(%organisation, %broker, "session ended"),
        End::Draining => tracing::info!(%organisation, %broker, "session ended: the process is about to end"),
        End::Refused(reason, told) => {
            tracing::warn!(%organisation, %broker, %reason, "session ended");
            node.metrics.refused(reason);
            // The broker may have gone away.
            let _ = timeout(limit::SESSION_SILENCE, tell.send(Err(reason.to_status(&told)))).await;
        }
    }
}

async fn converse(node: &Node, broker: &SpiffeId, mut incoming: Streaming<SessionRequest>, tell: &Tell) -> End {
    if node.register().broker(broker).is_none() {
        return End::Refused(Reason::WrongParty, Told::text("the register names no such broker"));
    }
    let hello = match timeout(limit::SESSION_SILENCE, heard(&mut incoming)).await {
        Ok(Ok(BrokerNotice::Hello(hello))) => hello,
        Ok(Ok(_)) => return Malformed::new("notice", "a hello first").into(),
        Ok(Err(end)) => return end,
        Err(_) => return silent(),
    };
    let since = node.parts.env.clock.now();
    if node.sessions.state().availability == Availability::Draining {
        return End::Draining;
    }
    let present = node.sessions.live.enter(broker).await;
    present.ear.meet(BrokerSession {
        since,
        heard_at: since,
        software: hello.software.clone(),
        register_version: hello.register_version,
        clock_ahead_ms: hello.now.as_millis().saturating_sub(since.as_millis()),
    });
    let mut talk = Talk { node, broker, tell, log: hello.log, last: 0, recorded: 0, recording: FuturesOrdered::new() };
    let end = match talk.begin(&hello).await {
        Ok(()) => talk.go_on(incoming, &present.ear).await,
        Err(end) => end,
    };
    // What is being written down is written to its end, so that the next session knows of it.
    while talk.recording.next().await.is_some() {}
    end
}

async fn heard(incoming: &mut Streaming<SessionRequest>) -> Result<BrokerNotice, End> {
    let request = incoming.message().await.ok().flatten().ok_or(End::Gone)?;
    let notice = request.notice.ok_or(Malformed::new("notice", "a notice"))?;
    Ok(BrokerNotice::from_wire(notice)?)
}

fn silent() -> End {
    End::Refused(Reason::DeadlineExceeded, Told::text("nothing was said on the session for too long"))
}

struct Talk<'a> {
    node: &'a Node,
    broker: &'a SpiffeId,
    tell: &'a Tell,
    /// The broker's log, once it has said which.
    log: Option<Digest>,
    /// Number of the last access notice that was taken up.
    last: u64,
    /// Number of the last that is durable.
    recorded: u64,
    recording: UnderWay<'a>,
}

impl Talk<'_> {
    async fn begin(&mut self, hello: &BrokerHello) -> Result<(), End> {
        let node = self.node;
        self.recorded = hello.log.map_or(0, |log| node.sessions.recording.recorded(self.broker, log));
        self.last = self.recorded;
        let now = node.parts.env.clock.now();
        tracing::info!(organisation = %node.organisation(), broker = %self.broker, software = hello.software,
            register_version = hello.register_version, "session begun");
        say(
            self.tell,
            &NodeNotice::Hello(NodeHello {
                software: env!("CARGO_PKG_VERSION").to_owned(),
                register_version: node.register().version(),
                policy_version: node.parts.engine.version().to_owned(),
                now,
                instance: node.sessions.instance,
                state: node.sessions.state(),
                recorded: self.recorded,
            }),
        )
        .await
    }

    async fn go_on(&mut self, mut incoming: Streaming<SessionRequest>, ear: &Ear) -> End {
        let mut state = self.node.sessions.state.subscribe();
        // What it was at the hello may have changed since.
        state.mark_changed();
        let (mut until, mut free_at) = (Instant::now() + limit::SESSION_SILENCE, Instant::now());
        loop {
            let step = tokio::select! {
                () = ear.replaced.cancelled() => Err(End::Gone),
                _ = state.changed() => self.tell_state(&mut state).await,
                () = news(ear, free_at) => {
                    free_at = Instant::now() + CHANGES_APART;
                    self.tell_changes(ear).await
                }
                Some(done) = self.recording.next(), if !self.recording.is_empty() => self.acknowledge(done).await,
                notice = heard(&mut incoming), if self.recording.len() < RECORDED_AHEAD => {
                    until = Instant::now() + limit::SESSION_SILENCE;
                    match notice {
                        Ok(notice) => {
                            ear.hear(&notice, self.node.parts.env.clock.now());
                            self.answer(notice).await
                        }
                        Err(end) => Err(end),
                    }
                }
                () = sleep_until(until) => Err(silent()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn tell_state(&mut self, state: &mut watch::Receiver<NodeState>) -> Result<(), End> {
        let now = state.borrow_and_update().clone();
        let is_last = now.availability == Availability::Draining;
        say(self.tell, &NodeNotice::State(now)).await?;
        if is_last { Err(End::Draining) } else { Ok(()) }
    }

    async fn tell_changes(&mut self, ear: &Ear) -> Result<(), End> {
        match ear.take() {
            Some(changed) => say(self.tell, &NodeNotice::Changed(changed)).await,
            None => Ok(()),
        }
    }

    async fn answer(&mut self, notice: BrokerNotice) -> Result<(), End> {
        match notice {
            BrokerNotice::Hello(_) => Err(Malformed::new("notice", "a hello only once").into()),
            BrokerNotice::Ping(ping) => self.pong(ping).await,
            BrokerNotice::Viewed(viewed) => self.take_up(viewed).await,
        }
    }

    async fn pong(&mut self, ping: Ping) -> Result<(), End> {
        let node = self.node;
        say(
            self.tell,
            &NodeNotice::Pong(Pong {
                number: ping.number,
                now: node.parts.env.clock.now(),
                register_version: node.register().version(),
                policy_version: node.parts.engine.version().to_owned(),
                in_flight: node.sessions.under_way.load(Ordering::Relaxed),
            }),
        )
        .await
    }

    /// Begins to write an access notice down, unless that has been done. They are written in their order.
    async fn take_up(&mut self, viewed: Box<Viewed>) -> Result<(), End> {
        match self.log {
            Some(log) if log != viewed.log => return Err(Malformed::new("log", "one log in a session").into()),
            Some(_) => {}
            None => {
                self.log = Some(viewed.log);
                self.recorded = self.node.sessions.recording.recorded(self.broker, viewed.log);
                self.last = self.recorded;
            }
        }
        if viewed.sequence <= self.last {
            return say(self.tell, &NodeNotice::Recorded(self.recorded)).await;
        }
        self.last = viewed.sequence;
        let person = person(self.node, viewed.query).await;
        self.recording.push_back(Box::pin(record(self.node, self.broker, viewed, person)));
        Ok(())
    }

    async fn acknowledge(&mut self, done: Result<u64, AuditError>) -> Result<(), End> {
        let Ok(sequence) = done.inspect_err(|error| tracing::error!(%error, "audit log cannot be written")) else {
            return Err(End::Refused(Reason::AuditUnavailable, Told::default()));
        };
        self.recorded = sequence;
        say(self.tell, &NodeNotice::Recorded(sequence)).await
    }
}

/// Says something; a broker that does not listen has gone.
async fn say(tell: &Tell, notice: &NodeNotice) -> Result<(), End> {
    let response = SessionResponse { notice: Some(notice.to_wire()) };
    match timeout(limit::SESSION_SILENCE, tell.send(Ok(response))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(End::Gone),
    }
}

/// There is something to tell, and it is time to.
async fn news(ear: &Ear, free_at: Instant) {
    while !ear.has_news() {
        ear.news.notified().await;
    }
    sleep_until(free_at).await;
}
