//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::member::Misdeed;
use crate::peer::Act;
use crate::slow_peers::Kind;

/// Measures a federation on this machine under load.
#[derive(Debug, Parser)]
#[command(name = "load", version, max_term_width = 100)]
pub(crate) struct Options {
    /// What to measure
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// How many nodes attach to one broker, how soon they are back after it was away, and what memory it takes
    Attach(Attach),
    /// What views cost while the largest answers pass on the same links, of nodes that have dialled in
    LargeAnswers(LargeAnswers),
    /// What a hostile peer costs another's view, against an ordinary viewer that takes the same CPU time
    SlowPeers(SlowPeers),
    /// A federation, until the standard input ends
    #[command(hide = true)]
    Federation {
        /// Its nodes dial in, and have more to say than fits
        #[arg(long)]
        attached: bool,
        /// Where others find what they need of it
        folder: PathBuf,
    },
    /// A peer of a federation, until the standard input ends
    #[command(hide = true)]
    Peer {
        /// What it does
        act: Act,
        /// The federation's folder
        folder: PathBuf,
    },
    /// A member's node that means others ill, until the standard input ends
    #[command(hide = true)]
    Member {
        /// What it does
        act: Misdeed,
        /// The federation's folder
        folder: PathBuf,
    },
}

/// Options of `attach`.
#[derive(Debug, Args)]
pub(crate) struct Attach {
    /// Organisations, each with a node that dials in
    #[arg(long, default_value_t = 800, value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) nodes: u16,

    /// Print a JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `large-answers`.
#[derive(Debug, Args)]
pub(crate) struct LargeAnswers {
    /// Pairs of phases, whose order alternates
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=1000))]
    pub(crate) pairs: u32,

    /// Length of one phase
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub(crate) seconds: std::time::Duration,

    /// Print a JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `slow-peers`.
#[derive(Debug, Args)]
pub(crate) struct SlowPeers {
    /// Pairs of phases for each kind of peer, whose order alternates
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(3..=1000))]
    pub(crate) pairs: u32,

    /// Length of one phase
    #[arg(long, default_value = "2", value_parser = seconds)]
    pub(crate) seconds: std::time::Duration,

    /// Only this kind; repeatable
    #[arg(long = "kind", value_name = "KIND")]
    pub(crate) kinds: Vec<Kind>,

    /// Print a JSON document instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

fn seconds(text: &str) -> Result<std::time::Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds, such as 2 or 0.5".to_owned())?;
    if (0.2..=600.0).contains(&seconds) {
        Ok(std::time::Duration::from_secs_f64(seconds))
    } else {
        Err("from 0.2 to 600 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_has_a_length_that_can_be_measured() {
        assert_eq!(seconds("0.5").unwrap(), std::time::Duration::from_millis(500));
        for wrong in ["", "two", "0", "-1", "NaN", "inf", "601"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_measurement_has_defaults() {
        let options = Options::try_parse_from(["load", "slow-peers"]).unwrap();
        let Command::SlowPeers(options) = options.command else { panic!("another command") };
        assert_eq!((options.pairs, options.seconds.as_secs(), options.json), (10, 2, false));
        assert!(options.kinds.is_empty());
    }

    #[test]
    fn too_few_pairs_for_a_median_are_refused() {
        assert!(Options::try_parse_from(["load", "slow-peers", "--pairs", "2"]).is_err());
    }
}
