//! The node's side of one session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tonic::{Status, Streaming};
use weald_audit::AuditError;
use weald_certs::CallGuard;
use weald_proto::service::{SessionRequest, SessionResponse};
use weald_proto::session::{
    Availability, BrokerHello, BrokerNotice, NodeHello, NodeNotice, NodeState, Pace, Ping, Pong, Viewed,
};
use weald_proto::{Digest, Malformed, Reason, SessionId, SpiffeId, Told, limit};

use super::live::{BrokerSession, Ear};
use super::writing::Desk;
use crate::node::Node;

/// Between two notices of changes: what happens in between is told together.
const CHANGES_APART: Duration = Duration::from_millis(50);

type Tell = mpsc::Sender<Result<SessionResponse, Status>>;

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

/// Serves one session to its end. Nothing of the node is held any more when the broker sees that end; until
/// then the call is in flight.
pub(crate) async fn serve(
    tell: Tell,
    incoming: Streaming<SessionRequest>,
    broker: SpiffeId,
    node: Arc<Node>,
    _call: Option<CallGuard>,
) {
    let organisation = node.organisation();
    match converse(&node, &broker, incoming, &tell).await {
        End::Gone => tracing::info!(%organisation, %broker, "session ended"),
        End::Draining => tracing::info!(%organisation, %broker, "session ended: the process is about to end"),
        End::Refused(reason, told) => {
            tracing::warn!(%organisation, %broker, %reason, "session ended");
            node.metrics.refused(reason);
            // The broker may have gone away.
            let _ = timeout(node.parts.pulse.silence, tell.send(Err(reason.to_status(&told)))).await;
        }
    }
}

async fn converse(node: &Node, broker: &SpiffeId, mut incoming: Streaming<SessionRequest>, tell: &Tell) -> End {
    if let Err(end) = is_known(node, broker) {
        return end;
    }
    let hello = match timeout(node.parts.pulse.silence, heard(&mut incoming)).await {
        Ok(Ok(BrokerNotice::Hello(hello))) => hello,
        Ok(Ok(_)) => return Malformed::new("notice", "a hello first").into(),
        Ok(Err(end)) => return end,
        Err(_) => return silent(),
    };
    let since = node.parts.env.clock.now();
    if node.sessions.state().availability == Availability::Draining {
        return End::Draining;
    }
    let id = SessionId::generate(&*node.parts.env.random);
    let Some(present) = node.sessions.live.enter(broker, id).await else { return End::Gone };
    present.ear.meet(BrokerSession {
        since,
        heard_at: since,
        software: hello.software.clone(),
        register_version: hello.register_version,
        clock_ahead_ms: hello.now.as_millis().saturating_sub(since.as_millis()),
    });
    let (take_up, taken) = mpsc::channel(limit::NOTICES_AHEAD);
    let (done, written) = watch::channel(Ok(0));
    let pace = Pace::from(Instant::now().into_std());
    let talk = Talk { node, broker, tell, log: hello.log, last: 0, recorded: 0, take_up, pace };
    let talking = async {
        let mut talk = talk;
        let end = match talk.begin(&hello, id).await {
            Ok(()) => talk.go_on(incoming, written, &present.ear).await,
            Err(end) => end,
        };
        present.end();
        end
    };
    // What was taken up is written to its end, so that the next session knows of it.
    let (end, ()) = tokio::join!(talking, write(node, broker, taken, done));
    end
}

/// Writes down what is taken up, in its order, until nothing more comes; says how far it is.
async fn write(
    node: &Node,
    broker: &SpiffeId,
    mut taken: mpsc::Receiver<Viewed>,
    done: watch::Sender<Result<u64, AuditError>>,
) {
    let (mut desk, mut notices) = (Desk::from(Instant::now()), Vec::new());
    while taken.recv_many(&mut notices, limit::NOTICES_AHEAD).await > 0 {
        match desk.write(node, broker, std::mem::take(&mut notices)).await {
            Ok(Some(sequence)) => drop(done.send_replace(Ok(sequence))),
            Ok(None) => {}
            Err(error) => {
                drop(done.send_replace(Err(error)));
                return;
            }
        }
    }
}

/// A broker that the register no longer names has no session.
fn is_known(node: &Node, broker: &SpiffeId) -> Result<(), End> {
    match node.register().broker(broker) {
        Some(_) => Ok(()),
        None => Err(End::Refused(Reason::WrongParty, Told::text("the register names no such broker"))),
    }
}

async fn heard(incoming: &mut Streaming<SessionRequest>) -> Result<BrokerNotice, End> {
    let request = incoming.message().await.ok().flatten().ok_or(End::Gone)?;
    let notice = request.notice.ok_or(Malformed::new("notice", "a notice"))?;
    Ok(BrokerNotice::from_wire(notice)?)
}

fn silent() -> End {
    End::Refused(Reason::DeadlineExceeded, Told::text("nothing was said on the session for too long"))
}

fn too_much() -> End {
    End::Refused(Reason::TooManyRequests, Told::text("more was said on the session than may be"))
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
    /// To whoever writes them down.
    take_up: mpsc::Sender<Viewed>,
    pace: Pace,
}

impl Talk<'_> {
    async fn begin(&mut self, hello: &BrokerHello, session: SessionId) -> Result<(), End> {
        let node = self.node;
        self.recorded = hello.log.map_or(0, |log| node.sessions.recording.recorded(self.broker, log));
        self.last = self.recorded;
        let now = node.parts.env.clock.now();
        tracing::info!(organisation = %node.organisation(), broker = %self.broker, software = hello.software,
            register_version = hello.register_version, "session begun");
        self.say(&NodeNotice::Hello(NodeHello {
            software: env!("CARGO_PKG_VERSION").to_owned(),
            register_version: node.register().version(),
            policy_version: node.parts.engine.version().to_owned(),
            now,
            instance: node.sessions.instance,
            state: node.sessions.state(),
            recorded: self.recorded,
            session,
        }))
        .await
    }

    async fn go_on(
        &mut self,
        mut incoming: Streaming<SessionRequest>,
        mut written: watch::Receiver<Result<u64, AuditError>>,
        ear: &Ear,
    ) -> End {
        let mut state = self.node.sessions.state.subscribe();
        // What it was at the hello may have changed since.
        state.mark_changed();
        let silence = self.node.parts.pulse.silence;
        let (mut until, mut free_at) = (Instant::now() + silence, Instant::now());
        loop {
            let step = tokio::select! {
                () = ear.replaced.cancelled() => Err(End::Gone),
                _ = state.changed() => self.tell_state(&mut state).await,
                () = news(ear, free_at) => {
                    free_at = Instant::now() + CHANGES_APART;
                    self.tell_changes(ear).await
                }
                Ok(()) = written.changed() => {
                    let written = written.borrow_and_update().clone();
                    self.acknowledge(written).await
                }
                notice = heard(&mut incoming) => {
                    until = Instant::now() + silence;
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
        self.say(&NodeNotice::State(now)).await?;
        if is_last { Err(End::Draining) } else { Ok(()) }
    }

    async fn tell_changes(&mut self, ear: &Ear) -> Result<(), End> {
        match ear.take() {
            Some(changed) => self.say(&NodeNotice::Changed(changed)).await,
            None => Ok(()),
        }
    }

    async fn answer(&mut self, notice: BrokerNotice) -> Result<(), End> {
        is_known(self.node, self.broker)?;
        match notice {
            BrokerNotice::Hello(_) => Err(Malformed::new("notice", "a hello only once").into()),
            BrokerNotice::Ping(ping) => self.pong(ping).await,
            BrokerNotice::Viewed(viewed) => self.hand_on(*viewed).await,
        }
    }

    async fn pong(&mut self, ping: Ping) -> Result<(), End> {
        self.count()?;
        let node = self.node;
        self.say(&NodeNotice::Pong(Pong {
            number: ping.number,
            now: node.parts.env.clock.now(),
            register_version: node.register().version(),
            policy_version: node.parts.engine.version().to_owned(),
            in_flight: node.sessions.under_way.load(Ordering::Relaxed),
        }))
        .await
    }

    /// Has an access notice written down, unless that has been done.
    async fn hand_on(&mut self, viewed: Viewed) -> Result<(), End> {
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
            self.count()?;
            return self.say(&NodeNotice::Recorded(self.recorded)).await;
        }
        self.last = viewed.sequence;
        // Nobody waits here: pings are answered however long it takes to write.
        self.take_up.try_send(viewed).map_err(|_| too_much())
    }

    async fn acknowledge(&mut self, written: Result<u64, AuditError>) -> Result<(), End> {
        let Ok(sequence) = written.inspect_err(|error| tracing::error!(%error, "audit log cannot be written")) else {
            return Err(End::Refused(Reason::AuditUnavailable, Told::default()));
        };
        self.recorded = sequence;
        self.say(&NodeNotice::Recorded(sequence)).await
    }

    /// Counts what is answered at once.
    fn count(&mut self) -> Result<(), End> {
        if self.pace.takes(Instant::now().into_std()) { Ok(()) } else { Err(too_much()) }
    }

    /// Says something; a broker that does not listen has gone.
    async fn say(&self, notice: &NodeNotice) -> Result<(), End> {
        let response = SessionResponse { notice: Some(notice.to_wire()) };
        match timeout(self.node.parts.pulse.silence, self.tell.send(Ok(response))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Gone),
        }
    }
}

/// There is something to tell, and it is time to.
async fn news(ear: &Ear, free_at: Instant) {
    while !ear.has_news() {
        ear.news.notified().await;
    }
    sleep_until(free_at).await;
}
