//! What a hostile peer costs another's view, against an ordinary viewer that takes the same CPU time of the
//! process that serves both.

mod kind;
mod measured;
mod pace;
mod phase;
mod ratio;
mod report;
mod trial;

pub(crate) use kind::{Kind, word};
pub(crate) use measured::complete;
pub(crate) use ratio::{median, quantile};

use clap::ValueEnum as _;

use crate::options::SlowPeers;
use crate::{console, machine};

/// Measures every kind, prints what came of it, and says whether all hold.
///
/// # Errors
///
/// When a process cannot be started, or ends too early.
pub(crate) async fn run(options: &SlowPeers) -> anyhow::Result<bool> {
    let kinds = if options.kinds.is_empty() { Kind::value_variants() } else { &options.kinds };
    let mut reports = Vec::new();
    for kind in kinds {
        console::progress(&format!("{} ({} pairs of {:?}) ...", kind.name(), options.pairs, options.seconds));
        reports.push(report::Report::of(&trial::run(*kind, options.pairs, options.seconds).await?));
    }
    let text = if options.json {
        report::document(&machine::describe(), options, &reports)?
    } else {
        report::table(&machine::describe(), options, &reports)
    };
    console::line(&text);
    Ok(reports.iter().all(report::Report::holds))
}
