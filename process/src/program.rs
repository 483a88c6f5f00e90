//! From the command line to the exit code.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use weald_proto::env::Env;

use crate::command::{Command, ConfigCommand};
use crate::configuration::{Document, Fault, Faults, Key, Table};
use crate::exit::Exit;
use crate::log::LogSettings;
use crate::metrics::MetricsSettings;
use crate::serve::{Service, serve};
use crate::status::{Report, status};

/// What differs between broker and node. Each step notes whatever is wrong, and gives nothing if anything is.
pub trait Program: Sized {
    /// What is called what in `config validate` and in the log.
    const NAME: &'static str;
    /// The keys of the configuration, beside those that all programs have.
    const KEYS: &'static [Key];
    /// Everything that the configuration points at, read and checked.
    type Loaded;
    /// What its parties say of themselves when they are asked how they do.
    type Status: Report;

    /// Reads the configuration, and none of the files that it names.
    fn read(root: &Table<'_>) -> Option<Self>;

    /// Reads and checks whatever it names. Opens no port, and writes nothing.
    fn load(&self, env: &Env, faults: &Faults) -> Option<Self::Loaded>;

    /// What would be served, and by which versions: a line each.
    fn summary(&self, loaded: &Self::Loaded) -> Vec<String>;

    /// Opens audit logs, then ports.
    fn open(self, loaded: Self::Loaded, env: &Env, faults: &Faults) -> impl Future<Output = Option<Vec<Service>>>;
}

/// Does what the command line says.
pub fn main<P: Program>(command: &Command) -> ExitCode {
    crate::panic::say_only_where();
    let env = Env::system();
    let exit = match command {
        Command::Run { config } => run::<P>(config, &env),
        Command::Status { config, json } => status::<P>(config, *json),
        Command::Config(ConfigCommand::Validate { config }) => validate::<P>(config, &env),
    };
    exit.into()
}

fn run<P: Program>(config: &Path, env: &Env) -> Exit {
    let (program, metrics, loaded) = match prepare::<P>(config, env) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(%error, "threads cannot be started");
            return Exit::Failed;
        }
    };
    let summary = program.summary(&loaded);
    runtime.block_on(async {
        let faults = Faults::default();
        // First: whatever is opened after it is counted.
        let metrics = match metrics {
            Some(settings) => settings.open(&faults).await,
            None => None,
        };
        let services = program.open(loaded, env, &faults).await;
        match services.filter(|_| faults.is_empty()) {
            Some(services) => {
                for line in summary {
                    tracing::info!("{line}");
                }
                serve(P::NAME, services, metrics, Arc::clone(&env.clock)).await
            }
            None => refuse(faults),
        }
    })
}

fn validate<P: Program>(config: &Path, env: &Env) -> Exit {
    let (program, _, loaded) = match prepare::<P>(config, env) {
        Ok(prepared) => prepared,
        Err(exit) => return exit,
    };
    let mut text = format!("{}: {} is good\n", P::NAME, config.display());
    for line in program.summary(&loaded) {
        // Writing into a text cannot fail.
        let _ = writeln!(text, "{line}");
    }
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => Exit::Stopped,
        Err(_) => Exit::Failed,
    }
}

/// What a configuration says, and what it points at.
type Prepared<P> = (P, Option<MetricsSettings>, <P as Program>::Loaded);

/// Reads the configuration, begins to write logs as it says, and loads what it names.
fn prepare<P: Program>(config: &Path, env: &Env) -> Result<Prepared<P>, Exit> {
    let faults = Faults::default();
    let read = read::<P>(config, &faults);
    let Some((program, log, metrics)) = read.filter(|_| faults.is_empty()) else { return Err(refuse(faults)) };
    log.begin().map_err(|_| Exit::Failed)?;
    let loaded = program.load(env, &faults);
    match loaded.filter(|_| faults.is_empty()) {
        Some(loaded) => Ok((program, metrics, loaded)),
        None => Err(refuse(faults)),
    }
}

pub(crate) fn read<P: Program>(config: &Path, faults: &Faults) -> Option<(P, LogSettings, Option<MetricsSettings>)> {
    let document = Document::open(config, faults)?;
    let parsed = document.parse(faults)?;
    let keys: Vec<Key> = P::KEYS.iter().copied().chain([LogSettings::TABLE, MetricsSettings::TABLE]).collect();
    let root = Table::root(&document, &parsed, faults, &keys);
    let log = root.table_if_any(LogSettings::TABLE, LogSettings::KEYS);
    let log = log.map_or_else(LogSettings::default, |table| LogSettings::read(&table));
    let metrics = root.table_if_any(MetricsSettings::TABLE, MetricsSettings::KEYS);
    let metrics = metrics.and_then(|table| MetricsSettings::read(&table));
    Some((P::read(&root)?, log, metrics))
}

/// Prints every fault.
pub(crate) fn refuse(faults: Faults) -> Exit {
    let lines: String = faults.into_sorted().iter().map(line).collect();
    // Whoever reads nothing still gets the exit code.
    let _ = io::stderr().write_all(lines.as_bytes());
    Exit::Configuration
}

fn line(fault: &Fault) -> String {
    format!("{fault}\n")
}
