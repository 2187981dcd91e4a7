//! Standard output, for commands whose reader may have gone away.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use crate::failure::{Failure, Kind};

/// Print it all. A reader that went away is no failure.
pub(crate) fn text(text: &str) -> Result<ExitCode, Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Enforcement, format!("standard output: {error}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// One object as one line.
pub(crate) fn json_line(out: &mut String, object: &impl Serialize) {
    out.push_str(&serde_json::to_string(object).unwrap_or_default());
    out.push('\n');
}
