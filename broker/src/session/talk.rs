//! The broker's side of one session.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use weald_certs::Link;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::service::{SessionRequest, SessionResponse};
use weald_proto::session::{
    Availability, BrokerHello, BrokerNotice, Changed, NodeHello, NodeNotice, NodeState, Pace, Ping, Pong,
};
use weald_proto::{Malformed, OdsCode, Timestamp, limit};

use super::notices::Next;
use crate::attached::Attachment;
use crate::broker::Broker;

/// Notices that wait to be sent.
const SAID_AHEAD: usize = 32;
/// For a node to begin the session that we began.
const HELLO_TIME: Duration = Duration::from_secs(5);

/// Why a session has ended, or has not begun. For our log: never a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The node refused it or ended it, or the link failed.
    #[error("the node or the link ended it: {0:?}")]
    Status(tonic::Code),
    /// The node ended it without a word.
    #[error("the node ended it")]
    Over,
    /// The node says nothing.
    #[error("the node says nothing")]
    Silent,
    /// The node does not take what we say.
    #[error("the node does not listen")]
    Deaf,
    /// The node says too much.
    #[error("the node says too much")]
    TooMuch,
    /// The node does not write down what was shown from memory.
    #[error("the node does not write down what was shown from memory")]
    Unrecorded,
    /// What it says does not hold.
    #[error("what the node says does not hold: {0}")]
    Malformed(#[from] Malformed),
    /// The link was given up.
    #[error("the link was given up")]
    LinkGone,
    /// Access notices could not be read back.
    #[error("the audit log cannot be read back")]
    Unreadable,
}

/// Begins a session on a link, and holds it to its end.
pub(super) async fn hold(
    keeper: &super::Keeper,
    organisation: &OdsCode,
    link: Link,
    attachment: Option<Arc<Attachment>>,
) -> End {
    let broker = &*keeper.broker;
    let silence = broker.sessions.pulse().silence;
    let (tell, told) = mpsc::channel(SAID_AHEAD);
    let beginning = timeout(HELLO_TIME, begin(broker, link, &tell, told)).await;
    let (hello, incoming) = match beginning {
        Ok(Ok(begun)) => begun,
        Ok(Err(end)) => return end,
        Err(_) => return End::Silent,
    };
    if hello.state.availability == Availability::Draining
        && let Some(attachment) = &attachment
    {
        attachment.drain();
    }
    let (recorded, availability) = (hello.recorded, hello.state.clone());
    broker.notices.begin(organisation, recorded);
    let present = Present::enter(broker, organisation, hello, attachment.is_some());
    tracing::info!(%organisation, "session begun");
    let mut talk = Talk {
        keeper,
        broker,
        organisation,
        attachment: attachment.as_deref(),
        tell,
        silence,
        availability,
        sent: recorded,
        recorded,
        unrecorded: None,
        ping: None,
        pings: 0,
        pace: Pace::from(Instant::now().into_std()),
    };
    let end = talk.go_on(incoming).await;
    drop(present);
    end
}

type Tell = mpsc::Sender<SessionRequest>;

async fn begin(
    broker: &Broker,
    link: Link,
    tell: &Tell,
    told: mpsc::Receiver<SessionRequest>,
) -> Result<(NodeHello, Streaming<SessionResponse>), End> {
    let register = broker.register();
    let hello = BrokerNotice::Hello(BrokerHello {
        software: env!("CARGO_PKG_VERSION").to_owned(),
        register_version: register.version(),
        register_issued_at: register.issued_at(),
        now: broker.parts.env.clock.now(),
        log: broker.parts.log.first(),
    });
    say(tell, &hello, broker.sessions.pulse().silence).await?;
    let mut client = NodeAgentServiceClient::new(link)
        .max_decoding_message_size(limit::NOTICE_BYTES)
        .max_encoding_message_size(limit::NOTICE_BYTES);
    let begun = client.session(ReceiverStream::new(told)).await.map_err(|status| End::Status(status.code()))?;
    let mut incoming = begun.into_inner();
    match heard(&mut incoming).await? {
        NodeNotice::Hello(hello) => Ok((hello, incoming)),
        _ => Err(Malformed::new("notice", "a hello first").into()),
    }
}

async fn heard(incoming: &mut Streaming<SessionResponse>) -> Result<NodeNotice, End> {
    let response = incoming.message().await.map_err(|status| End::Status(status.code()))?.ok_or(End::Over)?;
    let notice = response.notice.ok_or(Malformed::new("notice", "a notice"))?;
    Ok(NodeNotice::from_wire(notice)?)
}

async fn say(tell: &Tell, notice: &BrokerNotice, patience: Duration) -> Result<(), End> {
    let request = SessionRequest { notice: Some(notice.to_wire()) };
    match timeout(patience, tell.send(request)).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Over),
        Err(_) => Err(End::Deaf),
    }
}

/// A session that stands. When it is dropped, what was kept under it is forgotten.
struct Present<'a> {
    broker: &'a Broker,
    organisation: &'a OdsCode,
}

impl<'a> Present<'a> {
    fn enter(broker: &'a Broker, organisation: &'a OdsCode, hello: NodeHello, is_attached: bool) -> Self {
        broker.sessions.begin(organisation, hello, broker.parts.env.clock.now(), is_attached);
        Present { broker, organisation }
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.broker.sessions.end(self.organisation, self.broker.parts.env.clock.now());
        self.broker.cache.forget(self.organisation, &Changed::All);
    }
}

struct Talk<'a> {
    keeper: &'a super::Keeper,
    broker: &'a Broker,
    organisation: &'a OdsCode,
    attachment: Option<&'a Attachment>,
    tell: Tell,
    /// After how long the session ends of which nothing is heard.
    silence: Duration,
    availability: NodeState,
    /// The last access notice that was sent, and the last that is written down.
    sent: u64,
    recorded: u64,
    /// Since when nothing was written down of what was sent, if there is anything.
    unrecorded: Option<Instant>,
    /// The ping that is not answered yet.
    ping: Option<(u64, Timestamp, Instant)>,
    pings: u64,
    pace: Pace,
}

impl Talk<'_> {
    async fn go_on(&mut self, mut incoming: Streaming<SessionResponse>) -> End {
        let mut until = Instant::now() + self.silence;
        let mut pings = interval(self.broker.sessions.pulse().ping);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let overdue = overdue(self.unrecorded, self.silence);
            let step = tokio::select! {
                notice = heard(&mut incoming) => {
                    until = Instant::now() + self.silence;
                    self.broker.sessions.hear(self.organisation);
                    notice.and_then(|notice| self.take(notice))
                }
                _ = pings.tick() => self.ping().await,
                () = gone(self.attachment) => Err(End::LinkGone),
                told = self.notices() => told,
                () = sleep_until(until) => Err(End::Silent),
                () = overdue => Err(End::Unrecorded),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        // One that was not answered yet is waited for: silence ends the session.
        if self.ping.is_some() {
            return Ok(());
        }
        self.pings += 1;
        self.ping = Some((self.pings, self.broker.parts.env.clock.now(), Instant::now()));
        let register_version = self.broker.register().version();
        say(&self.tell, &BrokerNotice::Ping(Ping { number: self.pings, register_version }), self.silence).await
    }

    fn take(&mut self, notice: NodeNotice) -> Result<(), End> {
        let (broker, organisation) = (self.broker, self.organisation);
        match notice {
            NodeNotice::Hello(_) => return Err(Malformed::new("notice", "a hello only once").into()),
            NodeNotice::Pong(pong) => return self.take_pong(pong),
            // Said again when a notice was written down before.
            NodeNotice::Recorded(sequence) if sequence == self.recorded => {}
            NodeNotice::Recorded(sequence) => return self.take_recorded(sequence),
            NodeNotice::Changed(changed) => {
                broker.sessions.change(organisation, &changed);
                broker.cache.forget(organisation, &changed);
            }
            NodeNotice::State(state) => {
                if state.availability == Availability::Draining
                    && let Some(attachment) = self.attachment
                {
                    attachment.drain();
                }
                if state != self.availability {
                    tracing::info!(%organisation, state = state.availability.as_str(), "a node says whether it takes queries");
                    self.availability = state.clone();
                    broker.sessions.update(organisation, |of| of.availability = state);
                }
            }
        }
        if self.pace.takes(Instant::now().into_std()) { Ok(()) } else { Err(End::TooMuch) }
    }

    fn take_pong(&mut self, pong: Pong) -> Result<(), End> {
        match self.ping.take() {
            Some((number, sent_at, sent)) if number == pong.number => {
                self.broker.sessions.note_pong(self.organisation, pong, sent_at, sent.elapsed());
                Ok(())
            }
            _ => Err(Malformed::new("number", "that of the last ping, once").into()),
        }
    }

    fn take_recorded(&mut self, sequence: u64) -> Result<(), End> {
        if sequence < self.recorded || sequence > self.sent {
            return Err(Malformed::new("sequence", "that of a notice that was sent and not yet recorded").into());
        }
        self.recorded = sequence;
        self.unrecorded = (sequence < self.sent).then(Instant::now);
        self.broker.notices.recorded(self.organisation, sequence);
        self.broker.sessions.update(self.organisation, |state| state.recorded = sequence);
        Ok(())
    }

    /// Sends the next access notice, or waits for one. Nothing is lost if it is given up on the way: `sent`
    /// moves when the notice is on its way.
    async fn notices(&mut self) -> Result<(), End> {
        loop {
            let room = self.tell.reserve().await.map_err(|_| End::Over)?;
            match self.broker.notices.after(self.organisation, self.sent) {
                Next::Send(viewed) => {
                    self.sent = viewed.sequence;
                    self.unrecorded.get_or_insert_with(Instant::now);
                    room.send(SessionRequest { notice: Some(BrokerNotice::Viewed(viewed).to_wire()) });
                    return Ok(());
                }
                Next::Read => {
                    drop(room);
                    self.keeper.read_rest(self.organisation).await.map_err(|()| End::Unreadable)?;
                }
                Next::Wait(news) => {
                    drop(room);
                    wait(&news).await;
                }
            }
        }
    }
}

async fn wait(news: &Notify) {
    news.notified().await;
}

async fn overdue(since: Option<Instant>, patience: Duration) {
    match since {
        Some(since) => sleep_until(since + patience).await,
        None => std::future::pending().await,
    }
}

async fn gone(attachment: Option<&Attachment>) {
    match attachment {
        Some(attachment) => attachment.gone().await,
        None => std::future::pending().await,
    }
}
