//! The standard streams: a table for people, lines between processes.

use std::io::Write as _;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};

/// Prints a line. A reader that has gone away costs nothing.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Says how far it has come, where a table is not disturbed by it.
pub(crate) fn progress(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says what went wrong, whole chain.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "load: {error:#}");
}

/// What the process that started this one says, line by line, until it is to end.
pub(crate) fn orders() -> Lines<BufReader<Stdin>> {
    BufReader::new(tokio::io::stdin()).lines()
}
