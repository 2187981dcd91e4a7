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
    let mut line = printable(&serde_json::to_string(report).unwrap_or_default());
    line.push('\n');
    line
}

/// The same JSON without a character that a terminal obeys or nobody sees. Those stand in strings alone, where they can be
/// written so.
fn printable(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && c != '\u{7f}' || !c.is_control() && !crate::hidden::is_hidden(c) {
            printable.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                printable.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn no_character_of_json_steers_a_terminal_or_is_unseen() {
        let text = "a\u{9b}31m\u{7f}\u{202e}b\u{e0041}\u{e9}\u{1b}\n";
        let json = serde_json::to_string(text).unwrap();
        let printed = printable(&json);
        assert!(
            !printed.chars().any(|c| c.is_control() || crate::hidden::is_hidden(c)),
            "{printed}"
        );
        assert!(printed.contains('\u{e9}'));
        assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
    }
}
