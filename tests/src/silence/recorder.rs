//! Keeping everything that is written.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use super::ear::{Channel, Listener};
use super::scan::Leak;
use super::secret::Secrets;
use super::watch;

/// Keeps everything that this process writes from now on. There can be one in a process.
#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recording>>);

/// What was written until it was taken.
#[derive(Default)]
pub struct Recording(BTreeMap<Channel, String>);

impl Recorder {
    /// Keeps what is written beside the watch over this process, which begins here: for a test of what
    /// a log says, which people it says nothing of all the same.
    ///
    /// # Errors
    ///
    /// When the watch has begun already, or was declined, or cannot begin.
    pub fn beside_the_watch() -> anyhow::Result<Self> {
        let recorder = Recorder::default();
        watch::begin_beside(recorder.clone())?;
        Ok(recorder)
    }

    /// Listens instead of the watch, to every crate at trace level, to metrics and to panics, which are
    /// printed as before: for a test that looks for leaks in what was kept.
    ///
    /// # Errors
    ///
    /// When somebody else listens already.
    pub fn install() -> anyhow::Result<Self> {
        let recorder = Recorder::default();
        watch::listen_instead(Arc::new(recorder.clone()))?;
        Ok(recorder)
    }

    /// Renders an error in every way that somebody could print it.
    pub fn error(&self, error: &(dyn Error + 'static)) {
        self.hear(Channel::Error, &rendered(error));
    }

    /// The same for an error with its context.
    pub fn problem(&self, error: &anyhow::Error) {
        self.hear(Channel::Error, &format!("{error}\n{error:#}\n{error:?}\n{error:#?}"));
    }

    /// Renders a value as a careless log line would.
    pub fn value(&self, value: &dyn Debug) {
        self.hear(Channel::Error, &format!("{value:?}\n{value:#?}"));
    }

    /// What was written since the last time.
    pub fn take(&self) -> Recording {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Recorder {
    fn hear(&self, channel: Channel, text: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.0.entry(channel).or_default();
        kept.push_str(text);
        kept.push('\n');
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

/// An error and its causes in every way that somebody could print them.
pub(super) fn rendered(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        text.push_str(&format!("{error}\n{error:#}\n{error:?}\n{error:#?}\n"));
        cause = error.source();
    }
    text
}
