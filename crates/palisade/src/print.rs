//! Standard output, for commands whose reader may have gone away, and standard error.

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

/// A message of Palisade's on standard error, as lines. That nobody can read it is no reason to end
/// otherwise, so unlike `eprintln` this does not panic.
pub(crate) fn note(text: &str) {
    io::stderr().lock().write_all(format!("{}\n", shown(text)).as_bytes()).unwrap_or_default();
}

/// The same text, which steers no terminal: names of files that a hostile program made stand in
/// messages.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' | '"' | '\'' | '\\' => out.push(character),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

/// One object as one line.
pub(crate) fn json_line(out: &mut String, object: &impl Serialize) {
    out.push_str(&serde_json::to_string(object).unwrap_or_default());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_steers_no_terminal() {
        let name = "a\u{1b}]0;title\u{7}b\u{9b}31m\r\u{202e}é\n\t\"\\";
        let told = "a\\u{1b}]0;title\\u{7}b\\u{9b}31m\\r\\u{202e}é\n\t\"\\";
        assert_eq!(shown(name), told);
    }
}
