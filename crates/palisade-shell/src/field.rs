use std::fmt;

/// A piece of an argument.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Piece {
    /// This very text.
    Text(String),
    /// Text that is not known, without a break between words.
    Any,
    /// Any number of words that are not known, none included.
    AnyWords,
    /// What `*` or `?` becomes: words that each begin with what stands before, and have no `/` here.
    Names,
}

/// One argument of a command, as far as it can be known before the command runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Field {
    pieces: Vec<Piece>,
}

impl Field {
    /// An argument that is known.
    pub fn text(text: impl Into<String>) -> Self {
        Self { pieces: vec![Piece::Text(text.into())] }
    }

    /// A pattern for names of files, as a program reads it: `*`, `?` and brackets stand for what is not known.
    pub fn pattern(text: &str) -> Self {
        let mut out = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(['*', '?', '[']) {
            let (before, from) = rest.split_at(at);
            out.push_text(before);
            out.push(Piece::Names);
            let end = if from.starts_with('[') { from.find(']').unwrap_or(0) } else { 0 };
            rest = from.get(end + 1..).unwrap_or_default();
        }
        out.push_text(rest);
        out
    }

    /// A text in which `$NAME`, `${NAME}` and `%NAME%` stand for what is not known.
    pub fn with_variables(text: &str) -> Self {
        let mut out = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '%']) {
            let (before, from) = rest.split_at(at);
            out.push_text(before);
            out.push(Piece::Any);
            let name = from.get(1..).unwrap_or_default();
            let end = match from.chars().next() {
                Some('%') => name.find('%').map(|end| end + 1),
                _ if name.starts_with('{') => name.find('}').map(|end| end + 1),
                _ => name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')),
            };
            rest = name.get(end.unwrap_or(name.len())..).unwrap_or_default();
        }
        out.push_text(rest);
        out
    }

    /// The same somewhere below a folder that is not known.
    #[must_use]
    pub fn behind_anything(&self) -> Self {
        let mut out = Self { pieces: vec![Piece::Any] };
        out.push_text("/");
        out.extend(self);
        out
    }

    /// The same with this text behind it.
    #[must_use]
    pub fn with(&self, text: &str) -> Self {
        let mut out = self.clone();
        out.push_text(text);
        out
    }

    /// An argument of which nothing is known, not even that it is one.
    pub fn unknown() -> Self {
        Self { pieces: vec![Piece::AnyWords] }
    }

    /// The pieces, in their order. No two texts follow each other.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The argument, if all of it is known.
    pub fn known(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The known text that it begins with.
    pub fn start(&self) -> &str {
        match self.pieces.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether it may be several arguments, or none.
    pub fn may_split(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::AnyWords | Piece::Names))
    }

    /// Whether words that begin in any way may stand in it.
    pub fn is_open(&self) -> bool {
        self.pieces.contains(&Piece::AnyWords)
    }

    /// The same without so much text at its start; `None` if that is not there.
    pub fn after(&self, start: &str) -> Option<Self> {
        let rest = self.start().strip_prefix(start)?;
        let mut out = Self::default();
        out.push_text(rest);
        for piece in self.pieces.iter().skip(1) {
            out.push(piece.clone());
        }
        Some(out)
    }

    /// The same as far as this character, which does not count; `None` if it is not there.
    pub fn before(&self, end: char) -> Option<Self> {
        let mut out = Self::default();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => match text.split_once(end) {
                    Some((text, _)) => {
                        out.push_text(text);
                        return Some(out);
                    }
                    None => out.push_text(text),
                },
                piece => out.push(piece.clone()),
            }
        }
        None
    }

    pub(crate) fn push(&mut self, piece: Piece) {
        match (piece, self.pieces.last_mut()) {
            (Piece::Text(text), Some(Piece::Text(last))) => last.push_str(&text),
            (Piece::Text(text), _) if text.is_empty() => {}
            (piece, _) => self.pieces.push(piece),
        }
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        self.push(Piece::Text(text.to_owned()));
    }

    pub(crate) fn extend(&mut self, other: &Field) {
        for piece in &other.pieces {
            self.push(piece.clone());
        }
    }

    /// Several arguments as one text, with a space between them, as `eval` joins them.
    pub(crate) fn joined(fields: &[Field]) -> Field {
        let mut out = Field::default();
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                out.push_text(" ");
            }
            out.extend(field);
        }
        out
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::Any | Piece::AnyWords | Piece::Names => f.write_str("…")?,
            }
        }
        Ok(())
    }
}
