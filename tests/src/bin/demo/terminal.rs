//! The terminal: lines of a fixed width. A reader that has gone away (`| head`) costs nothing.

use std::io::Write as _;

/// Columns.
pub(crate) const WIDTH: usize = 110;

/// Prints a line.
pub(crate) fn line(text: &str) {
    // Whoever reads may have enough; what the demo is to find out does not depend on it.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a heading.
pub(crate) fn heading(text: &str) {
    line(&format!("\n\u{2550}\u{2550} {text} {}", "\u{2550}".repeat(WIDTH.saturating_sub(text.chars().count() + 4))));
}

/// Prints a text in whole words, indented, over as many lines as it takes: nothing is cut off.
pub(crate) fn wrap(indent: usize, text: &str) {
    let mut row = String::new();
    for word in text.split_whitespace() {
        if !row.is_empty() && indent + row.chars().count() + 1 + word.chars().count() > WIDTH {
            line(&format!("{:indent$}{row}", ""));
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    if !row.is_empty() {
        line(&format!("{:indent$}{row}", ""));
    }
}

/// Says what went wrong, whole chain.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(std::io::stderr().lock(), "demo: {error:#}");
}
