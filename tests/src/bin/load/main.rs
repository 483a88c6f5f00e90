//! Measures a federation under load, and under peers that mean it ill.
//!
//! Each measurement is a subcommand. Federation, peers and members run in processes of their own, which are
//! this binary again under hidden subcommands, so that the CPU time of each is its own.

mod attach;
mod console;
mod large_answers;
mod machine;
mod member;
mod options;
mod peer;
mod place;
mod process;
mod slow_peers;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::options::{Command, Options};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).init();
    match run(options.command).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            console::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// True if everything is as it should be.
async fn run(command: Command) -> anyhow::Result<bool> {
    // What listens to everything costs time, which is measured here.
    weald_tests::silence::decline()?;
    match command {
        Command::Attach(options) => attach::run(&options).await,
        Command::LargeAnswers(options) => large_answers::run(&options).await,
        Command::SlowPeers(options) => slow_peers::run(&options).await,
        Command::Federation { attached, folder } => world::run(&folder, attached).await.map(|()| true),
        Command::Peer { act, folder } => peer::run(act, &folder).await.map(|()| true),
        Command::Member { act, folder } => member::run(act, &folder).await.map(|()| true),
    }
}

/// What is logged: `RUST_LOG`, else errors. What is refused under load is counted, not told.
fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"))
}
