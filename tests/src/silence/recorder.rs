//! Keeping everything that is written.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use super::scan::Leak;
use super::secret::Secrets;

/// Where something was written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Events of tracing and of `log`, with the fields of every span around them.
    Log,
    /// What panics say.
    Panic,
    /// What errors say: `Display` and `Debug`, of every cause.
    Error,
}

/// Keeps everything that this process writes from now on. There can be one in a process.
pub struct Recorder {
    log: Kept,
    panics: Kept,
    errors: Kept,
}

/// What was written until it was taken.
pub struct Recording(BTreeMap<Channel, String>);

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Recorder {
    /// Listens to every crate at trace level, and to panics, which are printed as before.
    ///
    /// # Errors
    ///
    /// When somebody else listens already.
    pub fn install() -> anyhow::Result<Self> {
        let recorder = Recorder { log: Kept::default(), panics: Kept::default(), errors: Kept::default() };
        tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("trace"))
            .with_writer(recorder.log.clone())
            // A span's fields stand at every event within it, and here for spans without any.
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_ansi(false)
            .without_time()
            .try_init()
            .map_err(|error| anyhow!("tracing has another listener: {error}"))?;
        let panics = recorder.panics.clone();
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            panics.keep(&info.to_string());
            before(info);
        }));
        Ok(recorder)
    }

    /// Renders an error in every way that somebody could print it.
    pub fn error(&self, error: &(dyn Error + 'static)) {
        let mut text = String::new();
        let mut cause = Some(error);
        while let Some(error) = cause {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{error}\n{error:#}\n{error:?}\n{error:#?}");
            cause = error.source();
        }
        self.errors.keep(&text);
    }

    /// The same for an error with its context.
    pub fn problem(&self, error: &anyhow::Error) {
        self.errors.keep(&format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
    }

    /// Renders a value as a careless log line would.
    pub fn value(&self, value: &dyn Debug) {
        self.errors.keep(&format!("{value:?}\n{value:#?}"));
    }

    /// What was written since the last time.
    pub fn take(&self) -> Recording {
        let kept = [(Channel::Log, &self.log), (Channel::Panic, &self.panics), (Channel::Error, &self.errors)];
        Recording(kept.into_iter().map(|(channel, kept)| (channel, kept.take())).collect())
    }
}

impl Recording {
    /// What was written to a channel.
    pub fn text(&self, channel: Channel) -> &str {
        self.0.get(&channel).map_or("", String::as_str)
    }

    /// The first secret of every line that has one.
    pub fn leaks(&self, secrets: &Secrets) -> Vec<Leak> {
        self.0.iter().flat_map(|(channel, text)| secrets.search(*channel, text)).collect()
    }
}

impl Kept {
    fn keep(&self, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(text.as_bytes());
        kept.push(b'\n');
    }

    fn take(&self) -> String {
        let kept = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&kept).into_owned()
    }
}

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Kept;

    fn make_writer(&'a self) -> Kept {
        self.clone()
    }
}
