//! Bytes to text. What steers a terminal or hides from a reader is refused before anything else:
//! a policy must be what it looks like.

use crate::{
    at::Place,
    diagnostic::{Diagnostic, Diagnostics},
};

/// No policy is longer.
pub(crate) const MOST_BYTES: usize = 1 << 20;
/// The most characters that are complained about one by one.
const MOST_SHOWN: usize = 10;

/// The text of a document, or each place that keeps it from being one.
pub(crate) fn of<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Diagnostics> {
    if bytes.len() > MOST_BYTES {
        return Err(Diagnostic::of(
            file,
            format!("the policy is longer than {} KiB", MOST_BYTES >> 10),
            "split it, and name the parts in `extends`",
        )
        .into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(file, bytes, error))?;
    let found: Vec<Diagnostic> = text
        .split('\n')
        .enumerate()
        .filter_map(|(index, line)| in_line(file, text, index + 1, line))
        .take(MOST_SHOWN)
        .collect();
    Diagnostics::unless_empty(found)?;
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(Diagnostic::of(file, "the policy is empty", "begin with `palisade: 1`").into());
    }
    Ok(text)
}

fn not_utf8(file: &str, bytes: &[u8], error: std::str::Utf8Error) -> Diagnostics {
    let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let in_line = before.get(line_start..).unwrap_or_default();
    let place = Place {
        line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
        column: String::from_utf8_lossy(in_line).chars().count() + 1,
    };
    let help = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16; save it as UTF-8",
        [b'\x7f', b'E', b'L', b'F', ..] => "it is a program; name a policy",
        _ => "save it as UTF-8",
    };
    let shown = String::from_utf8_lossy(bytes);
    Diagnostic::at(file, &shown, place, "the text is not UTF-8", help).into()
}

/// The first character of a line that no policy has.
fn in_line(file: &str, text: &str, number: usize, line: &str) -> Option<Diagnostic> {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let line = if number == 1 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
    let at = |column: usize| Place { line: number, column: column + 1 };
    let bad = line.chars().enumerate().find(|(_, c)| is_bad(*c));
    if let Some((column, c)) = bad {
        let (message, help) = match c {
            '\0' => ("there is a NUL character".to_owned(), "remove it"),
            '\r' => {
                ("a line ends with CR alone".to_owned(), "end each line with LF, or with CR and LF")
            }
            c if reorders(c) => (
                format!(
                    "U+{:04X} shows the text in another order than it is read in",
                    u32::from(c)
                ),
                "remove it",
            ),
            c if c.is_control() => {
                (format!("there is the control character U+{:04X}", u32::from(c)), "remove it")
            }
            c => (format!("there is the invisible character U+{:04X}", u32::from(c)), "remove it"),
        };
        return Some(Diagnostic::at(file, text, at(column), message, help));
    }
    let indent = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
    let tab = indent.enumerate().find(|(_, c)| *c == '\t').map(|(column, _)| column);
    if let Some(column) = tab.filter(|_| !line.trim().is_empty()) {
        let message = "the line is indented with a tab";
        return Some(Diagnostic::at(file, text, at(column), message, "indent with blanks"));
    }
    None
}

fn is_bad(c: char) -> bool {
    (c.is_control() && c != '\t') || is_invisible(c)
}

/// A character that shows the text in another order than it is read in ("trojan source").
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A character that nobody sees. Joiners (U+200C, U+200D) are not among them: scripts and emoji
/// need them.
pub fn is_invisible(c: char) -> bool {
    reorders(c)
        || matches!(
            c,
            '\u{ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
                | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// What is printed must not steer a terminal, and one character must be one column.
pub(crate) fn plain(c: char) -> char {
    if c == '\t' {
        ' '
    } else if is_bad(c) {
        '\u{fffd}'
    } else {
        c
    }
}
