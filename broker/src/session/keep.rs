//! Keeps a session with every node that can be reached.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use weald_certs::{Backoff, Register};
use weald_proto::{OdsCode, limit};

use super::talk::{End, hold};
use crate::broker::Broker;
use crate::dial::Nodes;

/// Between two looks at the register.
const LOOK: Duration = Duration::from_millis(500);
/// A session that lasted so long was one: the next is tried at once.
const LASTING: Duration = Duration::from_secs(30);

/// Keeps one session with the node of each active member that has dialled in or has an address: on one of
/// its links, and when that ends on another, later each time until one lasts.
#[derive(Clone)]
pub struct Keeper {
    /// Whose sessions they are.
    pub broker: Arc<Broker>,
    /// How nodes are reached.
    pub nodes: Arc<Nodes>,
    /// The file of the broker's audit log, from which pending access notices are read back.
    pub log: PathBuf,
}

/// Everybody who is looked after.
struct All {
    kept: HashMap<OdsCode, Kept>,
    running: JoinSet<()>,
}

/// One organisation, looked after.
struct Kept {
    end: CancellationToken,
    wake: Arc<Notify>,
}

impl Keeper {
    /// Begins, and goes on until `shutdown`, when every session ends.
    ///
    /// If the audit log cannot be read back, no session begins, and so nothing is kept in memory: what is
    /// pending could not be told.
    pub fn keep(self, shutdown: CancellationToken) -> JoinHandle<()> {
        tokio::spawn(async move { self.run(&shutdown).await })
    }

    async fn run(&self, shutdown: &CancellationToken) {
        if let Err(()) = self.recover().await {
            return;
        }
        let ending = shutdown.child_token();
        let mut all = All { kept: HashMap::new(), running: JoinSet::new() };
        let mut news = self.nodes.attached().changes();
        loop {
            self.look_after(&mut all, &ending);
            tokio::select! {
                () = shutdown.cancelled() => break,
                _ = news.changed() => self.wake(&all),
                Some(_) = all.running.join_next() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        // Each drops what it holds of the broker.
        while all.running.join_next().await.is_some() {}
    }

    /// Whoever has dialled in needs no longer wait to be tried again.
    fn wake(&self, all: &All) {
        let attached = all.kept.iter().filter(|(organisation, _)| self.nodes.attached().is_attached(organisation));
        attached.for_each(|(_, one)| one.wake.notify_one());
    }

    /// Begins with whom can be reached now, and ends with whom cannot any more.
    fn look_after(&self, all: &mut All, ending: &CancellationToken) {
        let register = self.broker.register();
        let attached = self.nodes.attached();
        let All { kept, running } = all;
        kept.retain(|organisation, one| {
            let stays = self.is_reachable(&register, organisation);
            if !stays {
                one.end.cancel();
            }
            stays
        });
        for member in register.active_members() {
            let organisation = &member.organisation;
            if kept.contains_key(organisation) || (member.address.is_none() && !attached.is_attached(organisation)) {
                continue;
            }
            let one = Kept { end: ending.child_token(), wake: Arc::default() };
            let (keeper, end, wake) = (self.clone(), one.end.clone(), Arc::clone(&one.wake));
            let whose = organisation.clone();
            running.spawn(async move {
                tokio::select! {
                    () = end.cancelled() => {}
                    () = keeper.stay(&whose, &wake) => {}
                }
            });
            kept.insert(organisation.clone(), one);
        }
    }

    fn is_reachable(&self, register: &Register, organisation: &OdsCode) -> bool {
        register.member(organisation).is_some_and(|member| {
            member.is_active() && (member.address.is_some() || self.nodes.attached().is_attached(organisation))
        })
    }

    /// One session after the other.
    async fn stay(&self, organisation: &OdsCode, wake: &Notify) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            match self.nodes.reach(&self.broker.register(), organisation).await {
                None => {}
                Some(Err(error)) => {
                    tracing::debug!(%organisation, %error, "no session: the node cannot be reached");
                    let broker = &self.broker;
                    broker.sessions.note_unreached(organisation, error, broker.parts.env.clock.now());
                }
                Some(Ok((link, attachment))) => match hold(self, organisation, link, attachment).await {
                    end @ (End::Malformed(_) | End::TooMuch) => {
                        tracing::warn!(%organisation, error = %end, "session ended");
                    }
                    end => tracing::info!(%organisation, error = %end, "session ended"),
                },
            }
            if began.elapsed() >= LASTING {
                backoff.reset();
            }
            let wait = backoff.wait(&*self.broker.parts.env.random);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = wake.notified() => {}
            }
        }
    }

    async fn recover(&self) -> Result<(), ()> {
        let (broker, log) = (Arc::clone(&self.broker), self.log.clone());
        let since = broker.parts.env.clock.now().minus(limit::NOTICE_LIFE);
        let read = tokio::task::spawn_blocking(move || broker.notices.read_back(&log, since, None)).await;
        report(read)
    }

    /// Reads back what of an organisation's access notices waits in the log alone.
    pub(super) async fn read_rest(&self, organisation: &OdsCode) -> Result<(), ()> {
        let (broker, log, organisation) = (Arc::clone(&self.broker), self.log.clone(), organisation.clone());
        let since = broker.parts.env.clock.now().minus(limit::NOTICE_LIFE);
        let _turn = self.broker.notices.reading.lock().await;
        let read = tokio::task::spawn_blocking(move || broker.notices.read_rest(&log, since, &organisation)).await;
        report(read)
    }
}

fn report(read: Result<Result<(), weald_audit::ChainError>, tokio::task::JoinError>) -> Result<(), ()> {
    match read {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(%error, "access notices cannot be read back from the audit log");
            Err(())
        }
        Err(error) => {
            tracing::error!(%error, "access notices were not read back");
            Err(())
        }
    }
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({:?})", self.broker)
    }
}
