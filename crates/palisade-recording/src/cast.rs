use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::RecordingError;

/// Something that the terminal showed, as asciicast v2 has it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Moment {
    /// How it begins: columns, rows, and when that was, in seconds since 1970.
    Begin {
        /// Columns.
        width: u16,
        /// Rows.
        height: u16,
        /// When.
        timestamp: u64,
    },
    /// What was printed, so many seconds later.
    Output(f64, String),
    /// The window became so large, so many seconds later.
    Resize(f64, u16, u16),
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u8,
    width: u16,
    height: u16,
    timestamp: u64,
}

/// The line that a recording begins with.
pub(crate) fn head(width: u16, height: u16, timestamp: u64) -> String {
    let head = Head { version: 2, width, height, timestamp };
    serde_json::to_string(&head).unwrap_or_default() + "\n"
}

/// A line of it.
pub(crate) fn line(seconds: f64, kind: &str, data: &str) -> String {
    let seconds = (seconds * 1_000_000.0).round() / 1_000_000.0;
    serde_json::to_string(&(seconds, kind, data)).unwrap_or_default() + "\n"
}

/// What whole lines of a recording say.
///
/// # Errors
/// One is none.
pub fn moments(lines: &str) -> Result<Vec<Moment>, RecordingError> {
    lines.lines().filter(|line| !line.is_empty()).map(moment).collect()
}

fn moment(line: &str) -> Result<Moment, RecordingError> {
    let form = |_| RecordingError::Form;
    if line.starts_with('{') {
        let head: Head = serde_json::from_str(line).map_err(form)?;
        let Head { version, width, height, timestamp } = head;
        return match version {
            2 => Ok(Moment::Begin { width, height, timestamp }),
            _ => Err(RecordingError::Form),
        };
    }
    let (seconds, kind, data): (f64, String, Value) = serde_json::from_str(line).map_err(form)?;
    let data = data.as_str().ok_or(RecordingError::Form)?;
    match kind.as_str() {
        "o" => Ok(Moment::Output(seconds, data.to_owned())),
        "r" => {
            let (width, height) = data.split_once('x').ok_or(RecordingError::Form)?;
            let number = |text: &str| text.parse().map_err(|_| RecordingError::Form);
            Ok(Moment::Resize(seconds, number(width)?, number(height)?))
        }
        _ => Err(RecordingError::Form),
    }
}
