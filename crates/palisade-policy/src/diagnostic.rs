use std::fmt;

use serde::Serialize;

use crate::{at::Place, text::plain};

/// What is wrong with a policy, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The document: its path, or a profile's name.
    pub file: String,
    /// The line, from 1; 0 for the document as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 for the document as a whole.
    pub column: usize,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The line's text, escaped, and cut round the column.
    pub excerpt: String,
    /// What to do.
    pub help: String,
    /// The column in `excerpt`, from 0.
    #[serde(skip)]
    caret: usize,
}

/// All that was found wrong, each document's in the order of its lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(Vec<Diagnostic>);

/// The most of a line that is shown, and how much of that stands before the column.
const WIDEST: usize = 100;
const BEFORE: usize = 60;

impl Diagnostic {
    /// One about a place in a document's text.
    pub(crate) fn at(
        file: &str,
        text: &str,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let line = place.line.checked_sub(1).and_then(|index| text.lines().nth(index));
        let (excerpt, caret) = cut(line.unwrap_or_default(), place.column.saturating_sub(1));
        Self {
            file: file.to_owned(),
            line: place.line,
            column: place.column,
            message: message.into(),
            excerpt,
            help: help.into(),
            caret,
        }
    }

    /// One about a document as a whole.
    pub(crate) fn of(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::at(file, "", Place::default(), message, help)
    }

    /// The beginning of the line in which it is shown.
    pub fn place(&self) -> String {
        let file: String = self.file.chars().map(plain).collect();
        match (self.line, self.column) {
            (0, _) => file,
            (line, column) => format!("{file}:{line}:{column}"),
        }
    }
}

/// The part of a line round a column, and where the column is in it.
fn cut(line: &str, column: usize) -> (String, usize) {
    let length = line.chars().count();
    let column = column.min(length);
    let start = if column < WIDEST - 10 { 0 } else { column - BEFORE };
    let mut part: String = line.chars().skip(start).take(WIDEST).map(plain).collect();
    if start > 0 {
        part.insert(0, '…');
    }
    if length > start + WIDEST {
        part.push('…');
    }
    (part, column - start + usize::from(start > 0))
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printed = |text: &str| text.chars().map(plain).collect::<String>();
        writeln!(out, "{}: {}", self.place(), printed(&self.message))?;
        if self.line > 0 {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            writeln!(out, " {number} | {}", self.excerpt)?;
            writeln!(out, " {margin} | {}^", " ".repeat(self.caret))?;
        }
        write!(out, "  help: {}", printed(&self.help))
    }
}

impl Diagnostics {
    /// What was found. `Err` unless it is nothing.
    pub(crate) fn unless_empty(mut found: Vec<Diagnostic>) -> Result<(), Self> {
        if found.is_empty() {
            return Ok(());
        }
        // Documents stay in their order; one that comes back later stays where it is.
        for of_one in found.chunk_by_mut(|one, next| one.file == next.file) {
            of_one.sort_by_key(|found| (found.line, found.column));
        }
        Err(Self(found))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, one) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            one.fmt(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_column_of_a_long_line() {
        let text = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let found = Diagnostic::at("f", &text, Place { line: 1, column: 501 }, "m", "h");
        assert_eq!(found.excerpt.chars().nth(found.caret), Some('X'));
        assert!(found.excerpt.chars().count() <= WIDEST + 2);
        let found = Diagnostic::at("f", "ab", Place { line: 1, column: 99 }, "m", "h");
        assert_eq!(found.caret, 2);
    }

    #[test]
    fn nothing_that_is_printed_steers_a_terminal() {
        let found = Diagnostic::at(
            "f\u{1b}[2J",
            "x\u{202e}\u{1b}[31m",
            Place { line: 1, column: 1 },
            "m\u{7}\u{9b}",
            "h\u{1b}]0;\u{2066}",
        );
        assert!(found.to_string().chars().all(|c| c == '\n' || plain(c) == c), "{found}");
    }
}
