use std::rc::Rc;

/// Where a value comes from: indices into the origins of the analysis, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Taint(Vec<u32>);

/// More origins than this say no more than these.
const MOST_ORIGINS: usize = 32;

impl Taint {
    pub(crate) fn one(origin: u32) -> Self {
        Self(vec![origin])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn origins(&self) -> &[u32] {
        &self.0
    }

    pub(crate) fn join(&mut self, other: &Self) {
        for origin in &other.0 {
            if self.0.len() >= MOST_ORIGINS {
                return;
            }
            if let Err(at) = self.0.binary_search(origin) {
                self.0.insert(at, *origin);
            }
        }
    }
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Bytes that are no UTF-8 stand as the characters U+0000 to U+00FF.
    Text(String),
    /// Something that is not known.
    Hole,
}

/// What a handle is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handle {
    /// An open file; its target is the path.
    File,
    /// A connection; its target is the host.
    Connection,
}

/// What is known of a value.
#[derive(Debug, Clone, Default)]
pub(crate) enum Known {
    #[default]
    Nothing,
    Number(i64),
    Text(Rc<[Piece]>),
    List(Rc<[Value]>),
    Map(Rc<[(Value, Value)]>),
    /// The qualified name of what it refers to: `os.environ`, `requests.Session().post`.
    Path(Rc<str>),
    /// A function of a unit.
    Function(usize, u32),
    Handle(Handle, Rc<Value>),
}

/// A value of the program, as far as it is known without running it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Value {
    pub(crate) known: Known,
    pub(crate) taint: Taint,
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Known::Text(Rc::from([Piece::Text(text.into())])).into()
    }

    pub(crate) fn path(path: &str) -> Self {
        Known::Path(path.into()).into()
    }

    pub(crate) fn number(number: i64) -> Self {
        Known::Number(number).into()
    }

    pub(crate) fn list(values: Vec<Self>) -> Self {
        let mut taint = Taint::default();
        for value in &values {
            taint.join(&value.taint);
        }
        Self { known: Known::List(values.into()), taint }
    }

    pub(crate) fn tainted(taint: Taint) -> Self {
        Self { known: Known::Nothing, taint }
    }

    #[must_use]
    pub(crate) fn with(mut self, taint: &Taint) -> Self {
        self.taint.join(taint);
        self
    }

    /// The whole text, if all of it is known.
    pub(crate) fn known_text(&self) -> Option<String> {
        match &self.known {
            Known::Text(pieces) => match pieces.as_ref() {
                [Piece::Text(text)] => Some(text.clone()),
                [] => Some(String::new()),
                pieces => pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Text(text) => Some(text.as_str()),
                        Piece::Hole => None,
                    })
                    .collect(),
            },
            Known::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The text with a mark in place of what is not known; `None` if nothing of it is.
    pub(crate) fn pattern(&self, hole: &str) -> Option<String> {
        match &self.known {
            Known::Text(pieces) => {
                let known = pieces.iter().any(|piece| matches!(piece, Piece::Text(_)));
                known.then(|| {
                    pieces
                        .iter()
                        .map(|piece| match piece {
                            Piece::Text(text) => text.as_str(),
                            Piece::Hole => hole,
                        })
                        .collect()
                })
            }
            Known::Number(number) => Some(number.to_string()),
            Known::Handle(_, target) => target.pattern(hole),
            _ => None,
        }
    }

    /// Its pieces in a larger text.
    pub(crate) fn pieces(&self) -> Vec<Piece> {
        match &self.known {
            Known::Text(pieces) => pieces.to_vec(),
            Known::Number(number) => vec![Piece::Text(number.to_string())],
            _ => vec![Piece::Hole],
        }
    }

    pub(crate) fn as_path(&self) -> Option<&str> {
        match &self.known {
            Known::Path(path) => Some(path),
            _ => None,
        }
    }

    pub(crate) fn elements(&self) -> Option<&[Self]> {
        match &self.known {
            Known::List(values) => Some(values),
            _ => None,
        }
    }

    /// The entry of this name, if the value is a map that has it.
    pub(crate) fn entry(&self, name: &str) -> Option<&Self> {
        match &self.known {
            Known::Map(entries) => entries
                .iter()
                .rev()
                .find(|(key, _)| key.known_text().is_some_and(|key| key == name))
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.known, Known::Nothing)
    }
}

impl From<Known> for Value {
    fn from(known: Known) -> Self {
        Self { known, taint: Taint::default() }
    }
}

/// Joins values to one text.
pub(crate) fn concat(values: &[Value]) -> Value {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut taint = Taint::default();
    for value in values {
        taint.join(&value.taint);
        for piece in value.pieces() {
            match (pieces.last_mut(), piece) {
                (Some(Piece::Text(last)), Piece::Text(text)) => last.push_str(&text),
                (Some(Piece::Hole), Piece::Hole) => {}
                (_, piece) => pieces.push(piece),
            }
        }
    }
    Value { known: Known::Text(pieces.into()), taint }
}

/// One of several values: what is known is that of the first of which something is.
pub(crate) fn either(values: Vec<Value>) -> Value {
    let mut taint = Taint::default();
    let mut known = Known::Nothing;
    for value in values {
        taint.join(&value.taint);
        if matches!(known, Known::Nothing) {
            known = value.known;
        }
    }
    Value { known, taint }
}

/// The bytes that a text stands for.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    let narrow: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    narrow.unwrap_or_else(|| text.as_bytes().to_vec())
}

/// The text that stands for bytes.
pub(crate) fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|bad| bad.into_bytes().into_iter().map(char::from).collect())
}
