//! Reports in the forms that people and programs read.

mod markdown;
mod sarif;
mod terminal;

pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::terminal;

use crate::Report;

/// A text of somebody's as it can be printed: what a terminal would obey is escaped, and it is cut. Unlike
/// [`palisade_core::shown`] it leaves quotes and backslashes, so that what is escaped already is not once more.
pub fn plain(text: &str, most: usize) -> String {
    let mut out = String::new();
    for c in text.chars().take(most) {
        match c {
            '\\' | '"' | '\'' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// A report as one line of JSON, with an end of line.
pub fn json(report: &Report) -> String {
    let mut line = serde_json::to_string(report).unwrap_or_default();
    line.push('\n');
    line
}
