//! Processes that this one starts: itself again, under another subcommand.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;

/// The longest that a process is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running process, which is told and tells in lines. It is killed when this is dropped.
pub(crate) struct Process {
    name: String,
    process: tokio::process::Child,
    orders: ChildStdin,
    reports: mpsc::UnboundedReceiver<String>,
}

/// How a process shares the CPUs with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Like any other.
    Equal,
    /// Only what others leave (`SCHED_IDLE`, sched(7)): whoever else wakes runs at once. For peers: they stand for
    /// other machines, and their own work must not be taken from what is measured. A mere low priority keeps a CPU
    /// for milliseconds after another has woken, which is as long as a view.
    Leftover,
}

impl Process {
    /// Starts this binary again.
    ///
    /// # Errors
    ///
    /// When it cannot be started; `chrt` must be installed for [`Share::Leftover`].
    pub(crate) fn start(subcommand: &[&str], folder: &Path, share: Share) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("the path of this binary")?;
        let mut command = match share {
            Share::Equal => Command::new(own),
            Share::Leftover => {
                let mut idle = Command::new("chrt");
                idle.args(["--idle", "0"]).arg(own);
                idle
            }
        };
        command.args(subcommand).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let name = subcommand.join(" ");
        let mut process = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let orders = process.stdin.take().context("a pipe to the process")?;
        let out = process.stdout.take().context("a pipe from the process")?;
        Ok(Process { name, process, orders, reports: listen(out) })
    }

    /// Its number.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().with_context(|| format!("{} has ended", self.name))
    }

    /// Says a line to it.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub(crate) async fn tell(&mut self, order: &str) -> anyhow::Result<()> {
        let written = self.orders.write_all(format!("{order}\n").as_bytes()).await;
        written.with_context(|| format!("{} takes no orders", self.name))
    }

    /// The next line that it says.
    ///
    /// # Errors
    ///
    /// When it ends without a word, or says nothing for a minute.
    pub(crate) async fn hear(&mut self) -> anyhow::Result<String> {
        match tokio::time::timeout(PATIENCE, self.reports.recv()).await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => bail!("{} ended too early", self.name),
            Err(_) => bail!("{} said nothing for {} s", self.name, PATIENCE.as_secs()),
        }
    }

    /// A line that it has said already, if there is one.
    pub(crate) fn heard(&mut self) -> Option<String> {
        self.reports.try_recv().ok()
    }

    /// Ends its standard input, which ends it; gives its last line.
    ///
    /// # Errors
    ///
    /// When it fails, or does not end within a minute.
    pub(crate) async fn end(self) -> anyhow::Result<Option<String>> {
        let Process { name, mut process, orders, mut reports } = self;
        drop(orders);
        let ended = async {
            let mut last = None;
            while let Some(line) = reports.recv().await {
                last = Some(line);
            }
            anyhow::Ok((process.wait().await?, last))
        };
        let (status, last) =
            tokio::time::timeout(PATIENCE, ended).await.with_context(|| format!("{name} does not end"))??;
        if status.success() { Ok(last) } else { bail!("{name} failed: {status}") }
    }
}

fn listen(out: ChildStdout) -> mpsc::UnboundedReceiver<String> {
    let (said, reports) = mpsc::unbounded_channel();
    let mut lines = BufReader::new(out).lines();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if said.send(line).is_err() {
                return;
            }
        }
    });
    reports
}
