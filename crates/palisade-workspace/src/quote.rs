//! Names and texts of an agent's choosing, as they may be printed.

use std::{fmt::Write as _, os::unix::ffi::OsStrExt, path::Path};

/// The path as git prints it: as it is if it is plain ASCII, else between quotes with C's escapes. So
/// a name holds no line end, terminal escape or bidirectional control that could show something
/// false.
pub fn quoted(path: &Path) -> String {
    match escaped(path) {
        (text, false) => text,
        (text, true) => format!("\"{text}\""),
    }
}

/// The same with something in front that belongs between the quotes (`a/`, `b/`).
pub(crate) fn quoted_behind(prefix: &str, path: &Path) -> String {
    match escaped(path) {
        (text, false) => format!("{prefix}{text}"),
        (text, true) => format!("\"{prefix}{text}\""),
    }
}

fn escaped(path: &Path) -> (String, bool) {
    let mut text = String::new();
    let mut odd = false;
    for byte in path.as_os_str().as_bytes() {
        let short = match byte {
            0x07 => "\\a",
            0x08 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0x0b => "\\v",
            0x0c => "\\f",
            b'\r' => "\\r",
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x20..=0x7e => {
                text.push(char::from(*byte));
                continue;
            }
            _ => {
                odd = true;
                // Writing to a string cannot fail.
                write!(text, "\\{byte:03o}").unwrap_or_default();
                continue;
            }
        };
        odd = true;
        text.push_str(short);
    }
    (text, odd)
}

/// A line of a file as it may go to a terminal: what is not valid text, and control, bidirectional and
/// invisible characters but the tab, are written as escapes.
pub fn readable(line: &[u8]) -> String {
    let mut text = String::new();
    for chunk in line.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\t' | '"' | '\'' | '\\' => text.push(character),
                other => text.extend(other.escape_debug()),
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn of(bytes: &[u8]) -> String {
        quoted(Path::new(OsStr::from_bytes(bytes)))
    }

    #[test]
    fn names_are_quoted_as_git_does() {
        assert_eq!(of(b"src/main.rs"), "src/main.rs");
        assert_eq!(of(b"a b"), "a b");
        assert_eq!(of(b"a\nb\x1b[2J\"\\"), r#""a\nb\033[2J\"\\""#);
        assert_eq!(of(b"\xff\xc3\xa9"), r#""\377\303\251""#);
        assert_eq!(quoted_behind("a/", Path::new("x\ty")), r#""a/x\ty""#);
    }

    #[test]
    fn lines_cannot_steer_a_terminal() {
        assert_eq!(
            readable("é\t\"x\" \u{1b}]52;c;x\u{7}\u{202e}\u{9b}".as_bytes()),
            "é\t\"x\" \\u{1b}]52;c;x\\u{7}\\u{202e}\\u{9b}"
        );
        assert_eq!(readable(b"a\xff"), "a\\xff");
    }
}
