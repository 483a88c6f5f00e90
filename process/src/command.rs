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
