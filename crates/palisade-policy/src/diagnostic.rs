use std::fmt;

use serde::Serialize;

use crate::at::Place;

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
    /// The line's text, escaped and cut.
    pub excerpt: String,
    /// What to do.
    pub help: String,
}

/// All that was found wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(Vec<Diagnostic>);

/// The most of a line that is shown.
const WIDEST: usize = 120;

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
        let excerpt = line.unwrap_or_default().chars().take(WIDEST).map(plain).collect();
        Self {
            file: file.to_owned(),
            line: place.line,
            column: place.column,
            message: message.into(),
            excerpt,
            help: help.into(),
        }
    }

    /// One about a document as a whole.
    pub(crate) fn of(file: &str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::at(file, "", Place::default(), message, help)
    }

    /// The beginning of the line in which it is shown.
    pub fn place(&self) -> String {
        match (self.line, self.column) {
            (0, _) => self.file.clone(),
            (line, column) => format!("{}:{line}:{column}", self.file),
        }
    }
}

/// What is printed to a terminal must not steer it, and one character must be one column.
fn plain(c: char) -> char {
    if c == '\t' {
        ' '
    } else if c.is_control() || is_bidi(c) {
        '\u{fffd}'
    } else {
        c
    }
}

fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message: String = self.message.chars().map(plain).collect();
        writeln!(out, "{}: {message}", self.place())?;
        if self.line > 0 {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let caret = " ".repeat(self.column.saturating_sub(1).min(WIDEST));
            writeln!(out, " {number} | {}", self.excerpt)?;
            writeln!(out, " {margin} | {caret}^")?;
        }
        write!(out, "  help: {}", self.help)
    }
}

impl Diagnostics {
    /// What was found. `Err` unless it is nothing.
    pub(crate) fn unless_empty(found: Vec<Diagnostic>) -> Result<(), Self> {
        if found.is_empty() { Ok(()) } else { Err(Self(found)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
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
