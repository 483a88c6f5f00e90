//! What came of each kind, for people and for machines.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::measured::Latencies;
use super::phase::Phase;
use super::ratio::{Ratio, Verdict, median, quantile};
use super::trial::Trial;
use crate::options::SlowPeers;
use crate::peer::Told;

/// By how much the most memory of the process that serves may grow, in bytes.
const MEMORY_GROWTH: u64 = 256 << 20;

/// How much more CPU time than the peer the ordinary viewer may take, ...
const ALIKE: f64 = 1.1;
/// ... and how much where the peer takes hardly any, as a part of one CPU.
const AT_MOST_IDLE: f64 = 0.02;
/// A flood tries at least so often in a second. What it takes says nothing: a defence that works makes it cheap.
const FLOOD: f64 = 50.0;

/// What is compared of the measured views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Figure {
    /// The median of those on an open connection.
    KeptP50,
    /// 95 % of those took no longer.
    KeptP95,
    /// The median of those on a new connection, connecting included.
    FreshP50,
}

impl Figure {
    const ALL: [Figure; 3] = [Figure::KeptP50, Figure::KeptP95, Figure::FreshP50];

    fn of(self, latencies: &Latencies) -> Option<f64> {
        match self {
            Figure::KeptP50 => quantile(&latencies.kept, 0.5),
            Figure::KeptP95 => quantile(&latencies.kept, 0.95),
            Figure::FreshP50 => quantile(&latencies.fresh, 0.5),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Figure::KeptP50 => "p50",
            Figure::KeptP95 => "p95",
            Figure::FreshP50 => "p50, new connection",
        }
    }
}

/// One figure of one kind. Times are medians over all phases, in milliseconds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Judged {
    figure: Figure,
    alone_ms: f64,
    hostile_ms: f64,
    ordinary_ms: f64,
    ratio: Ratio,
    verdict: Verdict,
}

/// What came of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    kind: String,
    judged: Vec<Judged>,
    /// CPU time of the process that serves, as a part of one CPU, without the measured views.
    hostile_cpu: f64,
    ordinary_cpu: f64,
    view_cost_ms: f64,
    hostile_did: Told,
    ordinary_did: Told,
    most_open: usize,
    memory_before: u64,
    memory: u64,
    ended: String,
    faults: Vec<String>,
}

impl Report {
    /// Judges what was measured.
    pub(crate) fn of(trial: &Trial) -> Self {
        let (hostile, ordinary): (Vec<&Phase>, Vec<&Phase>) = trial.pairs.iter().map(|(h, o)| (h, o)).unzip();
        let judged: Vec<_> = Figure::ALL.iter().filter_map(|figure| judge(*figure, trial)).collect();
        let mut faults = faults(trial);
        if judged.len() < Figure::ALL.len() {
            faults.push("phases without a view: they are too short, or every view failed".to_owned());
        }
        let (hostile_cpu, ordinary_cpu) = (cpu(&hostile, &trial.alone), cpu(&ordinary, &trial.alone));
        faults.extend(unlike(hostile_cpu, ordinary_cpu));
        Report {
            kind: trial.kind.name(),
            judged,
            hostile_cpu,
            ordinary_cpu,
            view_cost_ms: trial.cost.as_secs_f64() * 1000.0,
            hostile_did: told(&hostile),
            ordinary_did: told(&ordinary),
            most_open: hostile.iter().map(|phase| phase.most_open).max().unwrap_or_default(),
            memory_before: trial.memory_before,
            memory: trial.memory,
            ended: trial.ended.clone(),
            faults,
        }
    }

    /// True if the peer costs no more than an ordinary viewer, and nothing else was wrong.
    pub(crate) fn holds(&self) -> bool {
        self.faults.is_empty() && self.judged.iter().all(|judged| judged.verdict == Verdict::Holds)
    }
}

fn judge(figure: Figure, trial: &Trial) -> Option<Judged> {
    let pairs: Vec<(f64, f64)> = trial
        .pairs
        .iter()
        .map(|(hostile, ordinary)| Some((figure.of(&hostile.latencies)?, figure.of(&ordinary.latencies)?)))
        .collect::<Option<_>>()?;
    let ratio = Ratio::of(&pairs)?;
    let (hostile, ordinary): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    Some(Judged {
        figure,
        alone_ms: figure.of(&trial.alone.latencies)?,
        hostile_ms: median(&hostile)?,
        ordinary_ms: median(&ordinary)?,
        verdict: ratio.verdict(),
        ratio,
    })
}

/// What must not be, however fast the views are.
fn faults(trial: &Trial) -> Vec<String> {
    let mut faults = Vec::new();
    let phases = || trial.pairs.iter().flat_map(|(hostile, ordinary)| [hostile, ordinary]).chain([&trial.alone]);
    let wrong: u32 = phases().map(|phase| phase.latencies.wrong).sum();
    if let Some(first) = phases().find_map(|phase| phase.latencies.fault.as_ref()) {
        faults.push(format!("{wrong} measured views failed or were not complete, the first: {first}"));
    }
    if let Some(left) = phases().map(|phase| phase.left_open).max().filter(|left| *left > 0) {
        faults.push(format!("{left} connections were still open long after their peer had gone"));
    }
    faults.extend(trial.pairs.iter().find_map(|(hostile, _)| idle(trial.kind.floods(), hostile)));
    let grown = trial.memory.saturating_sub(trial.memory_before);
    if grown > MEMORY_GROWTH {
        faults.push(format!("memory grew by {} MiB; {} MiB are allowed", grown >> 20, MEMORY_GROWTH >> 20));
    }
    faults
}

/// A peer that hardly tried: there is nothing to compare.
fn idle(floods: bool, phase: &Phase) -> Option<String> {
    let (acts, length) = (phase.told.acts, phase.beyond.length().as_secs_f64());
    if acts == 0 {
        Some("the peer did nothing in some phase: there is nothing to compare".to_owned())
    } else if floods && (acts as f64) < FLOOD * length {
        Some(format!("a flood that tries {acts} times in {length:.1} s is none"))
    } else {
        None
    }
}

/// What makes the comparison too easy: an ordinary viewer that took more CPU time than the peer did. One that took
/// less makes it harder, and is no fault.
fn unlike(hostile: f64, ordinary: f64) -> Option<String> {
    (ordinary > hostile * ALIKE + AT_MOST_IDLE).then(|| {
        format!("the ordinary viewer took {ordinary:.3} of a CPU, and the peer {hostile:.3}: the pairs are too easy")
    })
}

/// The median over phases of CPU time for wall time.
fn cpu(phases: &[&Phase], alone: &Phase) -> f64 {
    let length = alone.beyond.length().max(Duration::from_millis(1)).as_secs_f64();
    let parts: Vec<f64> = phases.iter().map(|phase| phase.beyond.total().as_secs_f64() / length).collect();
    median(&parts).unwrap_or_default()
}

fn told(phases: &[&Phase]) -> Told {
    phases.iter().fold(Told::default(), |mut sum, phase| {
        sum += phase.told;
        sum
    })
}

/// The whole run as one JSON document.
///
/// # Errors
///
/// Never: it holds numbers and texts.
pub(crate) fn document(machine: &str, options: &SlowPeers, reports: &[Report]) -> anyhow::Result<String> {
    let document = serde_json::json!({
        "measurement": "slow-peers",
        "machine": machine,
        "pairs": options.pairs,
        "seconds": options.seconds.as_secs_f64(),
        "kinds": reports,
        "holds": reports.iter().all(Report::holds),
    });
    Ok(serde_json::to_string_pretty(&document)?)
}

/// The whole run as a table.
pub(crate) fn table(machine: &str, options: &SlowPeers, reports: &[Report]) -> String {
    let mut text = format!("{machine}; {} pairs of {:?}\n\n", options.pairs, options.seconds);
    let _ = writeln!(
        text,
        "{:<24} {:<20} {:>7} {:>8} {:>9}   {:<22} {:<22} {:>6}",
        "peer", "views' ms", "alone", "hostile", "ordinary", "ratio (least to most)", "null (least to most)", "limit"
    );
    for report in reports {
        for (row, judged) in report.judged.iter().enumerate() {
            let ratio = &judged.ratio;
            let _ = writeln!(
                text,
                "{:<24} {:<20} {:>7.2} {:>8.2} {:>9.2}   {:<22} {:<22} {:>6.2}  {}",
                if row == 0 { report.kind.as_str() } else { "" },
                judged.figure.name(),
                judged.alone_ms,
                judged.hostile_ms,
                judged.ordinary_ms,
                format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.least, ratio.most),
                format!("{:.2} ({:.2} to {:.2})", ratio.null_median, ratio.null_least, ratio.null_most),
                ratio.limit,
                match judged.verdict {
                    Verdict::Holds => "holds",
                    Verdict::More => "MORE",
                    Verdict::Noise => "NOISE",
                },
            );
        }
        details(&mut text, report);
    }
    let failed = reports.iter().filter(|report| !report.holds()).count();
    let _ = match failed {
        0 => write!(text, "\nAll hold."),
        some => write!(text, "\n{some} of {} do not hold.", reports.len()),
    };
    text
}

fn details(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "{:<24} CPU beside the measured views: hostile {:.3}, ordinary {:.3} of one; a view takes {:.2} ms of it",
        "", report.hostile_cpu, report.ordinary_cpu, report.view_cost_ms
    );
    let (hostile, ordinary) = (report.hostile_did, report.ordinary_did);
    let _ = writeln!(
        text,
        "{:<24} hostile: {} connections, {} acts, {} refused; ordinary: {} views, {} refused",
        "", hostile.connections, hostile.acts, hostile.refused, ordinary.acts, ordinary.refused
    );
    let _ = writeln!(
        text,
        "{:<24} at most {} hostile connections open; memory at most {} MiB, {} MiB before; {}",
        "",
        report.most_open,
        report.memory >> 20,
        report.memory_before >> 20,
        report.ended
    );
    for fault in &report.faults {
        let _ = writeln!(text, "{:<24} FAULT: {fault}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_that_is_too_easy_is_a_fault() {
        assert_eq!(unlike(0.50, 0.55), None);
        assert!(unlike(0.50, 0.60).unwrap().contains("too easy"));
        assert_eq!(unlike(0.50, 0.20), None, "harder is no fault");
        assert_eq!(unlike(0.0, 0.01), None);
    }

    #[test]
    fn a_flood_that_hardly_tries_is_none_however_little_it_takes() {
        let phase = |acts| {
            let mut phase = Phase { told: Told { acts, ..Told::default() }, ..Phase::default() };
            phase.beyond.note(Duration::from_secs(2), Duration::ZERO);
            phase
        };
        assert_eq!(idle(true, &phase(100)), None);
        assert!(idle(true, &phase(99)).unwrap().contains("is none"));
        assert_eq!(idle(false, &phase(1)), None);
        assert!(idle(false, &phase(0)).unwrap().contains("nothing to compare"));
    }
}
