//! What a process writes while it runs: lines on standard error.

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, fmt};

use crate::configuration::{Key, Table};

const LEVEL: Key = Key::new("level", "\"info\"");
const FORMAT: Key = Key::new("format", "\"text\"");

/// How much is written, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    level: Level,
    format: Format,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { level: Level::INFO, format: Format::Text }
    }
}

impl LogSettings {
    /// Its table.
    pub const TABLE: Key = Key::new("log", "{ level = \"info\" }");
    /// The keys of its table.
    pub const KEYS: &'static [Key] = &[LEVEL, FORMAT];

    /// Reads the table, in which nothing has to stand.
    pub fn read(table: &Table<'_>) -> Self {
        let levels = [
            ("error", Level::ERROR),
            ("warn", Level::WARN),
            ("info", Level::INFO),
            ("debug", Level::DEBUG),
            ("trace", Level::TRACE),
        ];
        let formats = [("text", Format::Text), ("json", Format::Json)];
        let usual = LogSettings::default();
        LogSettings {
            level: table.word_if_any(LEVEL, &levels).map_or(usual.level, |level| level.value),
            format: table.word_if_any(FORMAT, &formats).map_or(usual.format, |format| format.value),
        }
    }

    /// Begins to write. From `debug` on only our own crates say more: libraries would write what passes
    /// through them.
    ///
    /// # Errors
    ///
    /// When this process writes logs already.
    pub(crate) fn begin(self) -> Result<(), TryInitError> {
        let others = LevelFilter::from_level(self.level.min(Level::INFO));
        let of_ours = Targets::new().with_default(others).with_target("weald", self.level);
        let lines = fmt::layer().with_writer(io::stderr);
        let registry = tracing_subscriber::registry();
        match self.format {
            Format::Text => registry.with(lines.with_ansi(io::stderr().is_terminal()).with_filter(of_ours)).try_init(),
            Format::Json => registry.with(lines.json().with_filter(of_ours)).try_init(),
        }
    }
}
