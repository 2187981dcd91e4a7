//! Reports in the forms that people and programs read.

mod markdown;
mod sarif;
mod terminal;

pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::terminal;

use crate::Report;

/// A report as one line of JSON, with an end of line.
pub fn json(report: &Report) -> String {
    let mut line = serde_json::to_string(report).unwrap_or_default();
    line.push('\n');
    line
}
