//! Nodes as a program: `weald-node run --config FILE`.

mod configuration;
mod load;
mod open;
mod organisation;
#[cfg(test)]
mod page;
mod policies;
mod source;
mod status;

use std::process::ExitCode;

use clap::Parser;
use weald_process::Command;

use crate::configuration::Configuration;

/// The node of an organisation of a Weald federation, or of several: verifies what is asked about a person,
/// decides again by the organisation's own policies, reads its system (read only), releases the minimum, writes it
/// down and signs it.
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
