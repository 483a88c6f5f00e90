//! A federation of eight organisations on one machine, and what it shows to whom.

mod ask;
mod details;
mod json;
mod options;
mod patient;
mod show;
mod stay;
mod story;
mod trail;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use crate::options::Options;
use crate::world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    match run(options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            show::complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// True if everything came out as it should.
async fn run(options: Options) -> anyhow::Result<bool> {
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
