//! What is said of a panic: where, and nothing of what it says, which may be about a person.

use std::io::Write as _;
use std::panic::{PanicHookInfo, set_hook};

/// From now on a panic is logged with its place alone.
pub(crate) fn say_only_where() {
    set_hook(Box::new(say));
}

fn say(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or_default();
    if tracing::dispatcher::has_been_set() {
        tracing::error!(place, thread, "a fault of the program: please report the place");
    } else {
        // Nothing is left to be done if standard error is gone too.
        let _ = writeln!(std::io::stderr(), "a fault of the program at {place}: please report the place");
    }
}
