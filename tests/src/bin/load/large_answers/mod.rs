//! What views cost while the largest answers pass on the links by which nodes have dialled in.

mod report;
mod small;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use weald_proto::OdsCode;

use crate::console;
use crate::machine;
use crate::options::LargeAnswers;
use crate::peer::{Act, GO, Told};
use crate::place::{Party, Place};
use crate::process::{Process, Share};
use crate::world::{MEASURED, MEASURED_FROM, READY};
use report::{Pair, Phase, Report};
use small::Small;

/// Length of the phases before the first that counts.
const WARM_UP: Duration = Duration::from_millis(500);
/// From the end of a phase to the next: what was under way ends.
const SETTLING: Duration = Duration::from_millis(200);

/// Measures; true if small views are within their bound.
///
/// # Errors
///
/// When something cannot be started, or ends too early.
pub(crate) async fn run(options: &LargeAnswers) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("a folder for the federation")?;
    let mut federation = Process::start(&["federation", "--attached"], folder.path(), Share::Equal)?;
    anyhow::ensure!(federation.hear().await? == READY, "the federation is not ready");
    let place = Place::open(folder.path())?;
    let small = Small::new(Arc::new(Party::of(&place, &OdsCode::parse(MEASURED)?, MEASURED_FROM)?));
    let stage = Stage { folder: folder.path(), small: &small };
    stage.alone(WARM_UP).await?;
    stage.beside(WARM_UP).await?;
    let mut pairs = Vec::new();
    for number in 0..options.pairs {
        console::progress(&format!("pair {} of {} ...", number + 1, options.pairs));
        let pair = if number % 2 == 0 {
            let alone = stage.alone(options.seconds).await?;
            Pair { alone, beside: stage.beside(options.seconds).await? }
        } else {
            let beside = stage.beside(options.seconds).await?;
            Pair { alone: stage.alone(options.seconds).await?, beside }
        };
        pairs.push(pair);
    }
    let memory = machine::peak_memory(federation.pid()?)?;
    let ended = federation.end().await?.context("a federation that says nothing in the end")?;
    let report = Report { machine: machine::describe(), seconds: options.seconds.as_secs_f64(), pairs, memory, ended };
    console::line(&if options.json { report.to_json()? } else { report.to_table() });
    Ok(report.faults().is_empty())
}

/// A federation, and the app whose views are measured.
struct Stage<'a> {
    folder: &'a Path,
    small: &'a Small,
}

impl Stage<'_> {
    async fn alone(&self, length: Duration) -> anyhow::Result<Phase> {
        tokio::time::sleep(SETTLING).await;
        let views = self.small.view_for(length).await?;
        Ok(Phase { views, large: Told::default() })
    }

    async fn beside(&self, length: Duration) -> anyhow::Result<Phase> {
        tokio::time::sleep(SETTLING).await;
        let act = crate::slow_peers::word(&Act::LargestAnswers);
        let mut other = Process::start(&["peer", &act], self.folder, Share::Equal)?;
        anyhow::ensure!(other.hear().await? == READY, "a viewer that is not ready");
        other.tell(GO).await?;
        let views = self.small.view_for(length).await?;
        let last = other.end().await?.context("a viewer that says nothing in the end")?;
        let large = serde_json::from_str(&last).with_context(|| format!("a viewer said: {last}"))?;
        Ok(Phase { views, large })
    }
}
