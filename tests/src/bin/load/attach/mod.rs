//! How many nodes attach to one broker, how soon, and what it takes: with the real programs.

mod links;
mod report;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use tokio::process::{Child, Command};
use tokio::time::Instant;
use weald_tests::processes::{Crowd, Program};

use crate::console;
use crate::machine::{self, CpuMeter};
use crate::options::Attach;
use links::Links;
use report::Report;

/// Organisations in one process of nodes.
const TO_A_PROCESS: usize = 100;
/// How long an idle broker's CPU time is counted.
const IDLE: Duration = Duration::from_secs(20);
/// How long the broker is away.
const AWAY: Duration = Duration::from_secs(5);
/// The longest that nodes are waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the broker is asked who is there.
const LOOK: Duration = Duration::from_millis(100);

/// Measures; true if every figure is within its bound.
///
/// # Errors
///
/// When something cannot be started, or nodes stay away.
pub(crate) async fn run(options: &Attach) -> anyhow::Result<bool> {
    let folder = tempfile::tempdir().context("a folder for the federation")?;
    let nodes = usize::from(options.nodes);
    console::progress(&format!("making keys and certificates of {nodes} organisations"));
    let crowd = Crowd::write(folder.path(), nodes, TO_A_PROCESS)?;
    let links = Links::at(crowd.metrics());

    let mut broker = start(Program::Broker, &crowd.broker_config())?;
    links.until_open(PATIENCE).await?;
    let began = Instant::now();
    let processes: Vec<Child> =
        crowd.node_configs().iter().map(|config| start(Program::Node, config)).collect::<Result<_, _>>()?;
    links.until(|of| of.with_two >= nodes, PATIENCE).await?;
    let attach = began.elapsed();
    console::progress(&format!("all attached after {:.1} s", attach.as_secs_f64()));

    let broker_pid = broker.id().context("the broker has ended")?;
    let alone = processes.first().and_then(Child::id).context("the first process of nodes has ended")?;
    let mut meter = CpuMeter::of(broker_pid);
    let before = meter.read()?;
    tokio::time::sleep(IDLE).await;
    let idle = meter.read()?.saturating_sub(before);
    let (broker_rss, node_rss) = (machine::memory(broker_pid)?, machine::memory(alone)?);

    console::progress(&format!("the broker goes away for {} s", AWAY.as_secs()));
    broker.kill().await.context("the broker cannot be killed")?;
    tokio::time::sleep(AWAY).await;
    let broker = start(Program::Broker, &crowd.broker_config())?;
    links.until_open(PATIENCE).await?;
    let began = Instant::now();
    links.until(|of| of.with_two * 100 >= nodes * 99, PATIENCE).await?;
    let back_p99 = began.elapsed();
    let of = links.until(|of| of.with_two == nodes && of.organisations == nodes, PATIENCE).await?;
    let broker_rss_after = machine::memory(broker.id().context("the broker has ended")?)?;

    let report = Report {
        nodes,
        processes: processes.len(),
        attach_s: attach.as_secs_f64(),
        broker_rss_mb: megabytes(broker_rss.max(broker_rss_after)),
        node_rss_mb: megabytes(node_rss),
        idle_cpu_percent: 100.0 * idle.as_secs_f64() / IDLE.as_secs_f64(),
        after_restart_s_p99: back_p99.as_secs_f64(),
        after_restart_s_all: began.elapsed().as_secs_f64(),
        links: of.links,
        machine: machine::describe(),
    };
    console::line(&if options.json { report.to_json()? } else { report.to_table() });
    Ok(report.faults().is_empty())
}

fn start(program: Program, config: &Path) -> anyhow::Result<Child> {
    Command::new(program.executable()?)
        .args(["run", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} cannot be started", program.name()))
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
