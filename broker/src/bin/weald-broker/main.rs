//! The broker as a program: `weald-broker run --config FILE`.

mod configuration;
mod load;
mod open;
#[cfg(test)]
mod page;
mod status;

use std::process::ExitCode;

use clap::Parser;
use weald_process::Command;

use crate::configuration::Configuration;

/// A broker of a Weald federation: asks the organisations that hold something about a person, checks what they
/// sign, and puts it side by side for the viewer app that asked. Stores nothing of a record.
///
/// All settings are in one TOML file. docs/configuration.md lists them, with an example to start from.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 stopped as told, or all is well; 1 could not go on, or something is not well; 2 wrong command line; \
                  69 and 76 the process that was asked does not answer; 78 wrong configuration."
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    weald_process::main::<Configuration>(&Arguments::parse().command)
}
