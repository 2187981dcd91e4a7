//! Standard output, for commands whose reader may have gone away, and standard error.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::mpsc,
    thread,
    time::Duration,
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

/// How long a message may take to reach a terminal, which may be stuck.
const PATIENCE: Duration = Duration::from_secs(2);

/// A message of Palisade's on standard error, as lines. That nobody can read it is no reason to end
/// otherwise, so unlike `eprintln` this does not panic.
pub(crate) fn note(text: &str) {
    let text = format!("{}\n", shown(text));
    let write = move || io::stderr().lock().write_all(text.as_bytes()).unwrap_or_default();
    if !io::stderr().is_terminal() {
        return write();
    }
    let (written, ended) = mpsc::channel();
    let thread = thread::Builder::new().spawn(move || {
        write();
        written.send(()).unwrap_or_default();
    });
    if thread.is_ok() {
        // Else it takes no more of this process's words.
        ended.recv_timeout(PATIENCE).unwrap_or_default();
    }
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
