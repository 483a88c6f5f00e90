//! One phase: a peer runs, and somebody else's views are measured meanwhile.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, MissedTickBehavior};

use super::kind::word;
use super::measured::{Latencies, Measured};
use super::pace::{Curve, due};
use crate::machine::{CpuMeter, connections};
use crate::peer::{Act, DONE, GO, Told, VIEW};
use crate::place::Place;
use crate::process::{Process, Share};
use crate::world::{HOSTILE_FROM, READY};

/// How often CPU time is read, and views are begun by it.
const TICK: Duration = Duration::from_millis(4);
/// Views of the ordinary viewer that may be under way. Fewer would keep it from taking as much CPU time as some
/// peers do, on a machine that has little to spare.
const MOST_UNDER_WAY: u32 = 64;
/// By when the connections of a peer that has ended must be gone.
const SETTLING: Duration = Duration::from_secs(15);
/// How long the process that serves must have been still before the next phase.
const STILL: Duration = Duration::from_millis(60);

/// What a phase is measured with.
pub(crate) struct Stage<'a> {
    /// The federation's folder.
    pub(crate) place: &'a Place,
    /// The number of the process that serves.
    pub(crate) server: u32,
    /// Whose views are measured.
    pub(crate) measured: &'a Measured,
    /// How long a phase is.
    pub(crate) length: Duration,
    /// CPU time that one view takes of the process that serves.
    pub(crate) cost: Duration,
}

/// Whom others' views are measured beside.
#[derive(Clone, Copy)]
pub(crate) enum Beside<'a> {
    /// Nobody.
    Nobody,
    /// A peer that does as it will.
    AtWill(Act),
    /// An ordinary viewer that takes as much CPU time as that.
    Paced(&'a Curve),
}

/// What came of a phase.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase {
    /// What views took.
    pub(crate) latencies: Latencies,
    /// CPU time of the process that serves, without what the measured views took.
    pub(crate) beyond: Curve,
    /// CPU time of that process in all.
    pub(crate) taken: Duration,
    /// What the peer did.
    pub(crate) told: Told,
    /// The most connections that a hostile peer had.
    pub(crate) most_open: usize,
    /// Those that were still open long after it had gone.
    pub(crate) left_open: usize,
}

impl Stage<'_> {
    /// Measures views beside a peer.
    ///
    /// # Errors
    ///
    /// When a process does not start, or ends too early.
    pub(crate) async fn phase(&self, beside: Beside<'_>) -> anyhow::Result<Phase> {
        let act = match beside {
            Beside::Nobody => None,
            Beside::AtWill(act) => Some(act),
            Beside::Paced(_) => Some(Act::OrdinaryOnOrder),
        };
        let mut peer = act.map(|act| self.start(act)).transpose()?;
        if let Some(peer) = &mut peer {
            anyhow::ensure!(peer.hear().await? == READY, "a peer that is not ready");
            peer.tell(GO).await?;
        }
        let (began, ended) = (Instant::now(), AtomicU32::new(0));
        let end = began + self.length;
        let target = if let Beside::Paced(curve) = beside { Some(curve) } else { None };
        let (latencies, mut phase) = tokio::try_join!(
            self.measured.view_until(end, &ended),
            self.keep_books(began, &ended, peer.as_mut(), target),
        )?;
        phase.latencies = latencies;
        if let Some(peer) = peer {
            let last = peer.end().await?.context("a peer that says nothing in the end")?;
            phase.told = serde_json::from_str(&last).with_context(|| format!("a peer said: {last}"))?;
        }
        phase.left_open = self.settle().await?;
        Ok(phase)
    }

    fn start(&self, act: Act) -> anyhow::Result<Process> {
        Process::start(&["peer", &word(&act)], self.place.folder(), Share::Leftover)
    }

    /// Reads CPU time all along, and lets an ordinary viewer begin views by it.
    async fn keep_books(
        &self,
        began: Instant,
        ended: &AtomicU32,
        mut peer: Option<&mut Process>,
        target: Option<&Curve>,
    ) -> anyhow::Result<Phase> {
        let mut meter = CpuMeter::of(self.server);
        let before = meter.read()?;
        let (mut phase, mut under_way) = (Phase::default(), 0_u32);
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while began.elapsed() < self.length {
            ticks.tick().await;
            let at = began.elapsed();
            phase.taken = meter.read()?.saturating_sub(before);
            phase.beyond.note(at, phase.taken.saturating_sub(self.cost * ended.load(Ordering::Relaxed)));
            if at.as_millis() % 50 < TICK.as_millis() {
                phase.most_open = phase.most_open.max(self.open()?);
            }
            if let (Some(target), Some(peer)) = (target, peer.as_deref_mut()) {
                while peer.heard().is_some_and(|line| line == DONE) {
                    under_way = under_way.saturating_sub(1);
                }
                let begin = due(target.at(at), phase.beyond.total(), under_way, self.cost, MOST_UNDER_WAY);
                for _ in 0..begin {
                    peer.tell(VIEW).await?;
                }
                under_way += begin;
            }
        }
        Ok(phase)
    }

    /// How many connections a hostile peer has.
    fn open(&self) -> anyhow::Result<usize> {
        connections(self.place.broker_address()?, HOSTILE_FROM.0)
    }

    /// Waits until the peer's connections are gone and the process is still; gives how many are left.
    async fn settle(&self) -> anyhow::Result<usize> {
        let mut meter = CpuMeter::of(self.server);
        let until = Instant::now() + SETTLING;
        loop {
            let before = meter.read()?;
            tokio::time::sleep(STILL).await;
            let left = self.open()?;
            let still = meter.read()?.saturating_sub(before) < STILL / 20;
            if (left == 0 && still) || Instant::now() >= until {
                return Ok(left);
            }
        }
    }
}
