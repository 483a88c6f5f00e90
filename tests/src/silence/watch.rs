//! The watch over a process: nothing about people may be written, from its beginning to its end.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::panic::Location;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use anyhow::{anyhow, ensure};
use metrics::NoopRecorder;
use tracing::{Level, Metadata};

use super::ear::{self, Channel, Listener};
use super::recorder::{Recorder, rendered};
use super::scan::Leak;
use super::secret::Secrets;

static PROCESS: OnceLock<Result<Hearing, String>> = OnceLock::new();

/// Who listens to this process.
enum Hearing {
    Watch(Arc<Watch>),
    Other(Arc<dyn Listener>),
    Nobody,
}

/// Looks for secrets in everything as it is written.
#[derive(Default)]
struct Watch {
    recorder: Option<Recorder>,
    secrets: RwLock<Secrets>,
    /// Crates that wrote something, and their wordiest level.
    voices: RwLock<BTreeMap<String, Level>>,
}

/// Begins the watch over this process, unless it has begun or the process [declined](decline) it:
/// from now on the first secret that is written, by whatever crate at whatever level, in a metric, a
/// status or a panic, ends the process with a report to its standard error.
///
/// # Errors
///
/// When something else listens to this process, so that the watch would hear nothing.
pub fn begin() -> anyhow::Result<()> {
    begin_with(Watch::default(), NoopRecorder)
}

/// The same in a process whose metrics somebody counts, so that they are heard and go on to the recorder.
///
/// # Errors
///
/// As [`begin`], and when the watch has begun already or was declined.
pub fn begin_before<R: metrics::Recorder + Sync + 'static>(counted_by: R) -> anyhow::Result<()> {
    in_time()?;
    begin_with(Watch::default(), counted_by)
}

/// The same, and what is written is kept too.
pub(super) fn begin_beside(recorder: Recorder) -> anyhow::Result<()> {
    in_time()?;
    begin_with(Watch { recorder: Some(recorder), ..Watch::default() }, NoopRecorder)
}

fn in_time() -> anyhow::Result<()> {
    ensure!(PROCESS.get().is_none(), "the recorder comes too late: this process is watched already, or declined to be");
    Ok(())
}

fn begin_with<R: metrics::Recorder + Sync + 'static>(watch: Watch, counted_by: R) -> anyhow::Result<()> {
    let hearing = PROCESS.get_or_init(|| {
        let watch = Arc::new(watch);
        ear::listen(Arc::clone(&watch) as Arc<dyn Listener>, counted_by).map_err(|error| format!("{error:#}"))?;
        Ok(Hearing::Watch(watch))
    });
    if let Hearing::Watch(watch) =
        hearing.as_ref().map_err(|problem| anyhow!("no watch over this process: {problem}"))?
    {
        tracing::trace!("watched");
        ensure!(
            watch.heard(module_path!(), Level::TRACE),
            "the watch over this process does not hear what is said in it"
        );
    }
    Ok(())
}

/// This process shows people to whoever started it, and is not watched.
///
/// # Errors
///
/// When it is watched already.
pub fn decline() -> anyhow::Result<()> {
    PROCESS.set(Ok(Hearing::Nobody)).map_err(|_| anyhow!("this process is watched already"))
}

/// Has another listener hear this process instead of a watch.
pub(super) fn listen_instead(listener: Arc<dyn Listener>) -> anyhow::Result<()> {
    let set = PROCESS.set(Ok(Hearing::Other(Arc::clone(&listener))));
    set.map_err(|_| anyhow!("this process is listened to already"))?;
    ear::listen(listener, NoopRecorder)
}

/// Tells the watch over this process what must not be written from now on.
///
/// # Errors
///
/// When the watch cannot begin, or what it is told cannot be read.
pub fn know(tell: impl FnOnce(&mut Secrets) -> anyhow::Result<()>) -> anyhow::Result<()> {
    begin()?;
    match PROCESS.get() {
        Some(Ok(Hearing::Watch(watch))) => tell(&mut watch.secrets.write().unwrap_or_else(PoisonError::into_inner)),
        _ => Ok(()),
    }
}

/// Lets whoever listens to this process hear what came by another way: whole lines of what a child
/// process wrote, say.
pub fn hear(channel: Channel, text: &str) {
    match PROCESS.get() {
        Some(Ok(Hearing::Watch(watch))) => watch.hear(channel, text),
        Some(Ok(Hearing::Other(listener))) => listener.hear(channel, text),
        Some(Ok(Hearing::Nobody) | Err(_)) | None => {}
    }
}

/// The same for an error, in every way that somebody could print it and its causes.
pub fn hear_error(error: &(dyn Error + 'static)) {
    hear(Channel::Error, &rendered(error));
}

/// The crates that the watch over this process has heard so far, and the wordiest level of each.
pub fn voices() -> BTreeMap<String, Level> {
    match PROCESS.get() {
        Some(Ok(Hearing::Watch(watch))) => watch.voices.read().unwrap_or_else(PoisonError::into_inner).clone(),
        _ => BTreeMap::new(),
    }
}

impl Watch {
    fn heard(&self, target: &str, level: Level) -> bool {
        let voices = self.voices.read().unwrap_or_else(PoisonError::into_inner);
        voices.get(crate_of(target)).is_some_and(|wordiest| *wordiest >= level)
    }
}

impl Listener for Watch {
    fn hear(&self, channel: Channel, text: &str) {
        let leaks = self.secrets.read().unwrap_or_else(PoisonError::into_inner).search(channel, text);
        if !leaks.is_empty() {
            end(&leaks);
        }
        if let Some(recorder) = &self.recorder {
            recorder.hear(channel, text);
        }
    }

    fn spoke(&self, who: &Metadata<'_>) {
        if !self.heard(who.target(), *who.level()) {
            let mut voices = self.voices.write().unwrap_or_else(PoisonError::into_inner);
            let wordiest = voices.entry(crate_of(who.target()).to_owned()).or_insert(*who.level());
            *wordiest = (*wordiest).max(*who.level());
        }
    }

    /// An assertion of a test that fails may show what it is about: the run fails anyhow.
    fn minds(&self, panic_at: Option<&Location<'_>>) -> bool {
        !panic_at.is_some_and(|at| is_of_a_test(Path::new(at.file())))
    }
}

/// The compiler names our own files from the workspace on: `tests/tests/federation/view.rs`.
fn is_of_a_test(file: &Path) -> bool {
    file.is_relative() && file.iter().nth(1).is_some_and(|folder| folder == "tests")
}

fn crate_of(target: &str) -> &str {
    target.split("::").next().unwrap_or(target)
}

/// Nothing that a test or its harness does can catch this, and no output is held back.
fn end(leaks: &[Leak]) -> ! {
    let thread = std::thread::current();
    let mut report = format!("\nwritten down about a person, by thread {:?}:\n", thread.name().unwrap_or_default());
    for leak in leaks {
        report.push_str(&format!("  {leak}\n"));
    }
    report.push_str("this run is not silent about people, and ends here\n");
    // The process ends all the same if nobody reads.
    let _ = std::io::stderr().write_all(report.as_bytes());
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_tests_are_told_from_those_of_product_and_harness() {
        assert!(is_of_a_test(Path::new("tests/tests/federation/view.rs")));
        assert!(is_of_a_test(Path::new("node-agent/tests/sections.rs")));
        for file in ["tests/src/federation/mod.rs", "broker/src/view.rs", "/root/.cargo/registry/x-1/tests/a.rs"] {
            assert!(!is_of_a_test(Path::new(file)), "{file}");
        }
    }
}
