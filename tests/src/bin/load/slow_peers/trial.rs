//! One kind of peer: a federation of its own, and pairs of phases.

use std::time::Duration;

use anyhow::Context as _;
use weald_proto::OdsCode;

use super::kind::{Kind, word};
use super::measured::{Measured, PERIOD};
use super::phase::{Beside, Phase, Stage};
use crate::machine::peak_memory;
use crate::peer::Act;
use crate::place::{Party, Place};
use crate::process::{Process, Share};
use crate::world::{MEASURED, MEASURED_FROM, MEMBER_AT, READY};

/// Length of the phases before the first that counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// Everything that was measured of one kind.
pub(crate) struct Trial {
    /// The kind.
    pub(crate) kind: Kind,
    /// Phases with the peer and with the ordinary viewer, in the order in which they were measured, whichever
    /// came first of a pair.
    pub(crate) pairs: Vec<(Phase, Phase)>,
    /// What a view takes with nobody beside it.
    pub(crate) alone: Phase,
    /// CPU time that one view takes of the process that serves.
    pub(crate) cost: Duration,
    /// The most memory that process had before the peer came, ...
    pub(crate) memory_before: u64,
    /// ... and in all.
    pub(crate) memory: u64,
    /// What the process that serves said in the end.
    pub(crate) ended: String,
}

/// Measures one kind.
///
/// # Errors
///
/// When a process does not start, or ends too early, or an audit log does not verify in the end.
pub(crate) async fn run(kind: Kind, pairs: u32, length: Duration) -> anyhow::Result<Trial> {
    let folder = tempfile::tempdir().context("a temporary folder")?;
    let mut federation = Process::start(&["federation"], folder.path(), Share::Equal)?;
    anyhow::ensure!(federation.hear().await? == READY, "the federation is not ready");
    let mut member = None;
    if let Some(misdeed) = kind.misdeed() {
        let process = member.insert(Process::start(&["member", &word(&misdeed)], folder.path(), Share::Leftover)?);
        let address = process.hear().await?;
        federation.tell(&format!("{MEMBER_AT}{address}")).await?;
        anyhow::ensure!(federation.hear().await? == READY, "the federation does not know the member");
    }
    let place = Place::open(folder.path())?;
    let measured = Measured::new(Party::of(&place, &OdsCode::parse(MEASURED)?, MEASURED_FROM)?);
    let server = federation.pid()?;
    let mut stage = Stage { place: &place, server, measured: &measured, length, cost: Duration::ZERO };
    let memory_before = stage.warm_up(kind.act()).await?;
    let alone = stage.alone().await?;
    let pairs = stage.pairs(kind.act(), pairs).await?;
    let (memory, cost) = (peak_memory(server)?, stage.cost);
    let ended = federation.end().await?.context("a federation that says nothing in the end")?;
    if let Some(member) = member {
        member.end().await?;
    }
    Ok(Trial { kind, pairs, alone, cost, memory_before, memory, ended })
}

impl Stage<'_> {
    /// Short phases that do not count: afterwards the links that a broker keeps to nodes are open, those included
    /// that only the peer makes it open. Gives the most memory that was taken before the peer came.
    async fn warm_up(&self, act: Act) -> anyhow::Result<u64> {
        let short = Stage { length: WARM_UP, ..*self };
        short.phase(Beside::Nobody).await?;
        let memory = peak_memory(self.server)?;
        short.phase(Beside::AtWill(act)).await?;
        Ok(memory)
    }

    /// Measures what a view takes with nobody beside it.
    async fn alone(&mut self) -> anyhow::Result<Phase> {
        let alone = self.phase(Beside::Nobody).await?;
        let views = alone.latencies.kept.len() + alone.latencies.fresh.len();
        anyhow::ensure!(
            views > 0,
            "no view in a phase of {:?} with one every {PERIOD:?}: {}",
            self.length,
            alone.latencies.fault.as_deref().unwrap_or("too short")
        );
        self.cost = alone.taken / u32::try_from(views)?;
        Ok(alone)
    }

    /// Pairs of phases. In every other one the ordinary viewer comes first, and is held to what the peer took
    /// in the pair before.
    async fn pairs(&self, act: Act, count: u32) -> anyhow::Result<Vec<(Phase, Phase)>> {
        let mut pairs: Vec<(Phase, Phase)> = Vec::new();
        for _ in 0..count {
            let pair = match pairs.last() {
                Some((before, _)) if pairs.len() % 2 == 1 => {
                    let ordinary = self.phase(Beside::Paced(&before.beyond)).await?;
                    (self.phase(Beside::AtWill(act)).await?, ordinary)
                }
                _ => {
                    let hostile = self.phase(Beside::AtWill(act)).await?;
                    let ordinary = self.phase(Beside::Paced(&hostile.beyond)).await?;
                    (hostile, ordinary)
                }
            };
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
