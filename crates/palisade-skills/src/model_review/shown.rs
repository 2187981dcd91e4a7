use std::fmt::Write as _;

/// Bytes of one piece: so many fit into what any model of today reads at once.
const PIECE: usize = 48 * 1024;
/// Bytes of a line that stands in one piece.
const LINE: usize = 16 * 1024;
/// Characters of a path.
const PATH: usize = 300;
/// Characters of an excerpt, at least and at most, unless it is a whole line.
const LEAST: usize = 4;
const MOST: usize = 1000;

/// A file that a model is to be shown, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its path in the package.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// What a model is shown: lines with their numbers, of which none can be taken for ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    files: Vec<File>,
    /// Lines that were left out, since there is a bound.
    left_out: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    path: String,
    /// The path as it is shown.
    name: String,
    lines: Vec<String>,
}

impl Shown {
    /// Of these texts, the first first, so many bytes as they are shown, in whole lines.
    pub fn of(texts: Vec<Text>, most: usize) -> Self {
        let mut shown = Self::default();
        let mut left = most;
        for Text { path, text } in texts {
            let name = palisade_core::shown(&path, PATH);
            let mut lines = Vec::new();
            for line in text.lines() {
                let line = view(line);
                // Once one is left out, those behind it are too: else it would seem that nothing is between.
                match left.checked_sub(line.len().saturating_add(1)) {
                    Some(rest) if shown.left_out == 0 => {
                        left = rest;
                        lines.push(line);
                    }
                    _ => shown.left_out = shown.left_out.saturating_add(1),
                }
            }
            if !lines.is_empty() {
                shown.files.push(File { path, name, lines });
            }
        }
        shown
    }

    /// How many lines were left out.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The pieces in which it is shown. Each line of a text stands behind its number, so no text can hold a line that is
    /// the boundary, or names a file.
    pub fn pieces(&self) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        for file in &self.files {
            let head = format!("File: {}\n", file.name);
            let mut headed = false;
            for (number, line) in (1_usize..).zip(&file.lines) {
                for part in parts(line) {
                    if piece.len().saturating_add(part.len()) > PIECE && !piece.is_empty() {
                        pieces.push(std::mem::take(&mut piece));
                        headed = false;
                    }
                    if !std::mem::replace(&mut headed, true) {
                        piece.push_str(&head);
                    }
                    writeln!(piece, "{number}| {part}").unwrap_or_default();
                }
            }
        }
        if !piece.is_empty() {
            pieces.push(piece);
        }
        pieces
    }

    /// Whether this stands in that line of that file: then its path in the package, the column, and what stands there.
    pub(super) fn stands(
        &self,
        file: &str,
        line: u32,
        excerpt: &str,
    ) -> Option<(&str, u32, String)> {
        let excerpt = view(excerpt.trim());
        let enough = (LEAST..=MOST).contains(&excerpt.chars().count());
        let file = self.files.iter().find(|one| one.name == file || one.path == file)?;
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let text = file.lines.get(at)?;
        if !enough && (excerpt.is_empty() || text.trim() != excerpt) {
            return None;
        }
        let before = text.get(..text.find(&excerpt)?)?.chars().count();
        let column = u32::try_from(before).ok()?.checked_add(1)?;
        Some((&file.path, column, excerpt))
    }
}

/// A line as it is shown: what does not print is escaped, so that it is seen, and steers nothing.
fn view(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            ' '..='~' => out.push(c),
            // They carry bytes as well as they choose a form.
            '\u{34f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => {
                out.extend(c.escape_unicode());
            }
            // What is joined to the letter before is no less a letter.
            _ => {
                let mut pair = ['a'; 2];
                pair[1] = c;
                let pair: String = pair.iter().collect();
                out.extend(pair.escape_debug().skip(1));
            }
        }
    }
    out
}

/// A line in parts that fit.
fn parts(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while rest.len() > LINE {
        let (part, more) = rest.split_at(rest.floor_char_boundary(LINE));
        parts.push(part);
        rest = more;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(path: &str, text: &str) -> Text {
        Text { path: path.into(), text: text.into() }
    }

    #[test]
    fn what_stands_there_is_found_and_nothing_else_is() {
        let shown =
            Shown::of(vec![text("a\u{202e}b.md", "one\n\ttwo \u{200b}x नमस्ते\r\nid\n")], 1000);
        let name = "a\\u{202e}b.md";
        assert_eq!(
            shown.pieces(),
            [format!("File: {name}\n1| one\n2| \\ttwo \\u{{200b}}x नमस्ते\n3| id\n")]
        );
        for good in ["two \u{200b}x", "two \\u{200b}x", " \\ttwo", "x नमस्ते "] {
            assert_eq!(shown.stands(name, 2, good).unwrap().0, "a\u{202e}b.md", "{good}");
        }
        assert_eq!(shown.stands(name, 1, "one").unwrap().1, 1);
        assert!(shown.stands(name, 3, "id").is_some());
        for (file, line, excerpt) in [
            ("other", 1, "one"),
            (name, 0, "one"),
            (name, 2, "one"),
            (name, 9, "one"),
            (name, u32::MAX, "one"),
            (name, 1, ""),
            (name, 2, "two"),
            (name, 2, "one\n\ttwo"),
            (name, 2, "two\u{1b}[2J"),
        ] {
            assert!(shown.stands(file, line, excerpt).is_none(), "{line} {excerpt:?}");
        }
    }

    #[test]
    fn there_is_a_bound_and_what_is_beyond_it_is_told() {
        let long = "x".repeat(3 * PIECE);
        let shown = Shown::of(vec![text("a", &long), text("b", "y\nz")], 10 * PIECE);
        let pieces = shown.pieces();
        assert!(pieces.len() >= 3 && pieces.iter().all(|piece| piece.len() < PIECE + LINE));
        assert!(pieces[1].starts_with("File: a\n1| xxx"));
        assert!(pieces.last().unwrap().ends_with("File: b\n1| y\n2| z\n"));
        let shown = Shown::of(vec![text("a", "12345\n12345"), text("b", "1\n2\n3")], 8);
        assert_eq!((shown.pieces().concat(), shown.left_out()), ("File: a\n1| 12345\n".into(), 4));
        assert_eq!(Shown::of(Vec::new(), 8).pieces(), [""; 0]);
    }

    proptest! {
        /// Whatever a package holds, no line of it is ours.
        #[test]
        fn no_text_can_pretend_to_be_a_boundary_or_a_file(
            path in "\\PC{0,20}|[a\n\r\u{2028}]{0,6}",
            body in prop::collection::vec("BOUNDARY|File: x|[ -~\r\u{b}\u{85}\u{2028}\u{2029}]{0,12}", 0..12),
        ) {
            let shown = Shown::of(vec![text(&path, &body.join("\n"))], 100_000);
            for piece in shown.pieces() {
                let lines: Vec<&str> = piece.split('\n').collect();
                let (last, lines) = lines.split_last().unwrap();
                prop_assert_eq!(*last, "");
                prop_assert!(lines[0].starts_with("File: "));
                for line in &lines[1..] {
                    let (number, _) = line.split_once("| ").unwrap();
                    prop_assert!(number.parse::<u32>().is_ok());
                }
                let odd = |c: char| c != '\n' && (c.is_control() || "\u{2028}\u{2029}".contains(c));
                prop_assert!(!piece.contains(odd));
            }
        }
    }
}
