//! A federation of eight organisations on one machine, and what it shows to whom.

mod ask;
mod details;
mod json;
mod options;
mod patient;
mod show;
mod stay;
mod story;
mod terminal;
mod trail;
mod world;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::options::Options;
use crate::world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr).init();
    match run(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            terminal::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// True if everything came out as it should.
async fn run(options: Options) -> anyhow::Result<bool> {
    weald_tests::silence::decline()?;
    let world = World::build(&options).await?;
    if options.stay {
        stay::stay(world, &options).await?;
        Ok(true)
    } else if options.json {
        json::one_view(world, &options).await?;
        Ok(true)
    } else {
        story::tell(world).await
    }
}

/// What is logged: `RUST_LOG`, else what could not be used of somebody's bundles.
fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("weald_node::source=warn"))
}
