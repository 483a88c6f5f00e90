//! A program as a process of its own, and what it says.

use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::build::Program;
use crate::silence::{self, Channel};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process. Dropped, it is killed.
pub struct Running {
    child: Child,
    said: Arc<(Mutex<Said>, Condvar)>,
}

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    is_over: bool,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: String,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl Running {
    /// Starts a program with `run --config`.
    ///
    /// # Errors
    ///
    /// When it cannot be built or started.
    pub fn start(program: Program, config: &Path) -> anyhow::Result<Self> {
        let config = config.to_str().context("a path of a test is text")?;
        Running::with(program, &["run", "--config", config])
    }

    /// Runs a program with these arguments to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be built or started, or does not end by itself.
    pub fn to_the_end(program: Program, arguments: &[&str]) -> anyhow::Result<Ended> {
        Running::with(program, arguments)?.end()
    }

    /// Runs a program to its end as another user, who finds it in this folder: as root, who may read everything,
    /// no mode of a file counts.
    ///
    /// # Errors
    ///
    /// When it cannot be built, put there or started, or does not end by itself. Only root can.
    pub fn to_the_end_as(user: u32, program: Program, folder: &Path, arguments: &[&str]) -> anyhow::Result<Ended> {
        let (built, there) = (program.executable()?, folder.join(program.name()));
        std::fs::hard_link(&built, &there)
            .or_else(|_| std::fs::copy(&built, &there).map(drop))
            .with_context(|| format!("cannot put {} there", program.name()))?;
        let mut command = Command::new(there);
        command.uid(user).gid(user);
        Running::begin(command, program, arguments)?.end()
    }

    fn with(program: Program, arguments: &[&str]) -> anyhow::Result<Self> {
        Running::begin(Command::new(program.executable()?), program, arguments)
    }

    fn begin(mut command: Command, program: Program, arguments: &[&str]) -> anyhow::Result<Self> {
        silence::begin()?;
        let mut child = command
            .args(arguments)
            // It says nothing frightening, even to somebody who asks for it.
            .env("RUST_BACKTRACE", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.name()))?;
        let stderr = child.stderr.take().context("standard error is a pipe")?;
        let said = Arc::new((Mutex::new(Said::default()), Condvar::new()));
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            listen(BufReader::new(stderr), |line| {
                silence::hear(Channel::Output, &line);
                hear(&heard, |said| said.lines.push(line));
            });
            hear(&heard, |said| said.is_over = true);
        });
        Ok(Running { child, said })
    }

    /// Waits until a line of standard error holds these words.
    ///
    /// # Errors
    ///
    /// When it ends or says nothing of the kind in half a minute; with what it said.
    pub fn wait_until_it_says(&self, words: &str) -> anyhow::Result<()> {
        let holds = |said: &Said| said.lines.iter().any(|line| line.contains(words));
        if self.wait_until(|said| said.is_over || holds(said), holds) {
            return Ok(());
        }
        bail!("it never said \"{words}\", but:\n{}", self.stderr())
    }

    /// Tells it to stop (SIGTERM), and waits until it has.
    ///
    /// # Errors
    ///
    /// When it cannot be told, or does not stop.
    pub fn stop(self) -> anyhow::Result<Ended> {
        self.tell("TERM")?;
        self.end()
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When there is no such process.
    pub fn tell(&self, signal: &str) -> anyhow::Result<()> {
        let sent =
            Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { bail!("the process is gone") }
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    ///
    /// When it does not in half a minute; with what it said.
    pub fn end(mut self) -> anyhow::Result<Ended> {
        let is_over = |said: &Said| said.is_over;
        if !self.wait_until(is_over, is_over) {
            bail!("it does not end, and said:\n{}", self.stderr());
        }
        let mut stdout = Vec::new();
        self.child.stdout.take().context("standard output is a pipe")?.read_to_end(&mut stdout)?;
        let stdout = String::from_utf8_lossy(&stdout).into_owned();
        silence::hear(Channel::Output, &stdout);
        let code = self.child.wait()?.code();
        Ok(Ended { code, stdout, stderr: self.stderr() })
    }

    /// What it has said on standard error so far.
    pub fn stderr(&self) -> String {
        let said = self.said.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn wait_until(&self, is_enough: impl Fn(&Said) -> bool, is_good: impl Fn(&Said) -> bool) -> bool {
        let (said, more) = &*self.said;
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = more.wait_timeout_while(said, PATIENCE, |said| !is_enough(said));
        let (said, _) = waited.unwrap_or_else(PoisonError::into_inner);
        is_good(&said)
    }
}

/// Hears every line, whatever its bytes are.
fn listen(stream: impl BufRead, mut hear: impl FnMut(String)) {
    for line in stream.split(b'\n').map_while(Result::ok) {
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        hear(String::from_utf8_lossy(line).into_owned());
    }
}

fn hear(said: &(Mutex<Said>, Condvar), what: impl FnOnce(&mut Said)) {
    what(&mut said.0.lock().unwrap_or_else(PoisonError::into_inner));
    said.1.notify_all();
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already: then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_no_text_ends_nothing() {
        let mut heard = Vec::new();
        listen(&b"one\n\xff two\r\nthree"[..], |line| heard.push(line));
        assert_eq!(heard, ["one", "\u{fffd} two", "three"]);
    }
}
