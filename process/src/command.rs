//! What both programs can be told to do.

use std::path::PathBuf;

use clap::Subcommand;

/// What a program is told to do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Serve until SIGTERM or SIGINT.
    ///
    /// Checks the whole configuration first. If anything is wrong, nothing is opened: every fault is written to
    /// standard error as FILE:LINE:COLUMN, the field, what is wrong and the remedy, and the exit code is 78.
    /// On SIGTERM or SIGINT no more connections are accepted, requests that run have 10 seconds to end,
    /// and the exit code is 0.
    Run {
        /// The configuration, a TOML file. Relative paths in it are relative to its folder.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
    /// Ask the process that runs how it does: who is connected, since when, and what is wrong.
    ///
    /// Asks the process that was started with this configuration, on this machine, at the address of its table
    /// `metrics`; nothing is sent anywhere else, and nothing is changed. Prints tables with whoever is in trouble
    /// first, then each trouble with its remedy. Nothing of it is about a person. docs/status.md explains every
    /// column, every word and the JSON.
    ///
    /// Exit codes: 0 all is well; 1 something is not, and was printed; 69 nothing answers: the process does not run;
    /// 76 something else answers there; 78 wrong configuration, or one without the table `metrics`.
    Status {
        /// The configuration with which the process was started, a TOML file.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// Print one JSON document of the form `weald-status/1` instead.
        #[arg(long)]
        json: bool,
    },
    /// Look at a configuration without serving.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// What can be done with a configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Check a configuration and everything that it points at, and say what would be served.
    ///
    /// Checks all that `run` checks, but opens no port and writes nothing, so that it can be used beside a
    /// program that runs. Exit code 0 if `run` would start with it, else 78.
    Validate {
        /// The configuration, a TOML file. Relative paths in it are relative to its folder.
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
    },
}
