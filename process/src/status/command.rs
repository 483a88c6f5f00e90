//! `PROGRAM status --config FILE`: asks, prints, and says by its exit code whether all is well.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::ask::{AskError, ask};
use super::form::{FORM, Status};
use super::layout::page;
use super::plain;
use crate::configuration::{Faults, Place};
use crate::exit::Exit;
use crate::program::{Program, read, refuse};

/// What is looked at before the whole is read.
#[derive(Deserialize)]
struct Head {
    form: String,
    program: String,
}

/// Asks the process that runs with this configuration how it does, and prints that.
pub(crate) fn status<P: Program>(config: &Path, json: bool) -> Exit {
    let faults = Faults::default();
    let metrics = read::<P>(config, &faults).map(|(_, _, metrics)| metrics);
    let Some(metrics) = metrics.filter(|_| faults.is_empty()) else { return refuse(faults) };
    let Some(metrics) = metrics else {
        let what = "has no table `metrics`: the process can be asked nothing";
        let remedy = "write [metrics] with listen = \"127.0.0.1:9464\" into it, and start the process again";
        faults.note(&Place::file(&Arc::from(config)), what, remedy);
        return refuse(faults);
    };
    match ask(metrics.address()).and_then(|said| understand::<P>(metrics.address(), &said).map(|status| (said, status)))
    {
        Ok((said, status)) => print(&status, &said, json),
        Err(error) => fail::<P>(&error),
    }
}

fn understand<P: Program>(address: SocketAddr, said: &str) -> Result<Status<P::Status>, AskError> {
    let no_status = |what: String| AskError::no_status(address, &what);
    let malformed = |error: serde_json::Error| no_status(format!("its JSON does not hold: {error}"));
    let Head { form, program } = serde_json::from_str(said).map_err(malformed)?;
    if program != P::NAME {
        return Err(no_status(format!("it is another program than {}", P::NAME)));
    }
    if form != FORM {
        return Err(no_status(format!("it is of another version than this {}", P::NAME)));
    }
    serde_json::from_str(said).map_err(malformed)
}

fn print<P: super::Report>(status: &Status<P>, said: &str, json: bool) -> Exit {
    let text = if json { plain::json(said) } else { page(status) };
    if io::stdout().write_all(text.as_bytes()).is_err() {
        return Exit::Failed;
    }
    if status.parties.iter().all(|party| party.troubles.is_empty()) { Exit::Stopped } else { Exit::Unwell }
}

fn fail<P: Program>(error: &AskError) -> Exit {
    let name = P::NAME;
    let (exit, remedy) = match error {
        AskError::Nobody(..) => (
            Exit::Unavailable,
            format!("start {name} with this configuration; if it runs, it was started with another `metrics.listen`"),
        ),
        AskError::NoStatus(..) => (
            Exit::Protocol,
            format!("check `metrics.listen`: it must be that of the {name} that runs, of this same version"),
        ),
    };
    // Whoever reads nothing still gets the exit code.
    let _ = writeln!(io::stderr(), "{name}: {error}; {remedy}");
    exit
}
