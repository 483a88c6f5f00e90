//! What the audit logs hold, in the terminal.

use std::collections::BTreeMap;
use std::path::Path;

use weald_audit::{Kind, RecordedEntry};
use weald_proto::Outcome;

use crate::terminal;

/// The newest entries of a log, one line each: who, in which role, what for, what was decided and what left.
///
/// # Errors
///
/// When the log is damaged.
pub(crate) fn log(whose: &str, path: &Path, newest: usize) -> anyhow::Result<()> {
    let entries = weald_audit::entries(path)?.collect::<Result<Vec<_>, _>>()?;
    terminal::line(&format!("  {whose}: {} entries, the newest {}:", entries.len(), newest.min(entries.len())));
    for entry in entries.iter().skip(entries.len().saturating_sub(newest)) {
        terminal::line(&format!("    {}", line(entry)));
    }
    Ok(())
}

fn line(recorded: &RecordedEntry) -> String {
    let entry = &recorded.entry;
    let who = entry.requester.as_ref().map_or_else(
        || "nobody known".to_owned(),
        |requester| format!("{} of {}", requester.role().unwrap_or("citizen"), requester.organisation()),
    );
    let purpose = entry.inputs.as_ref().and_then(|inputs| inputs.purpose).map_or("", |purpose| purpose.code());
    let what = match entry.kind {
        Kind::Intent => format!("about to ask for {} sections", entry.decision.len()),
        Kind::Release => format!("released: {}", outcomes(recorded)),
        Kind::Answer => format!("{}, {} parts released", outcomes(recorded), entry.part_digests.len()),
        Kind::Enrolment => "a certificate was issued, and passed on".to_owned(),
        Kind::Viewed => "shown again from a broker's memory".to_owned(),
        Kind::Refusal => format!("refused: {}", entry.reason.map_or("", |reason| reason.as_str())),
    };
    let digest: String = recorded.digest.to_string().chars().take(12).collect();
    format!("#{:<3} {digest} {:<8} {who}, {purpose}: {what}", recorded.sequence, entry.kind.as_str())
}

fn outcomes(recorded: &RecordedEntry) -> String {
    let mut counts: BTreeMap<Outcome, usize> = BTreeMap::new();
    for outcome in &recorded.entry.outcomes {
        *counts.entry(outcome.outcome).or_default() += 1;
    }
    let words = counts.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str().replace('_', " ")));
    words.collect::<Vec<_>>().join(", ")
}
