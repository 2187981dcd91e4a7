use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use super::{HttpPath, LONGEST, reading, reading::Reading};
use crate::glob::{fold, glob};

/// A glob over paths: `*` stands for any characters of one name (a name of its own has at least one), `**` as a
/// whole name for any number of names, none included. Written decoded, from the root.
///
/// A slash that is no separator is written `%2f`, as in npm's `/@scope%2fname`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    /// With `%2f` as a character.
    whole: Form,
    /// With `%2f` as a slash; `None` if there is none.
    split: Option<Form>,
}

/// A pattern for one reading of `%2f`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    parts: Vec<Part>,
    closed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`.
    Any,
    /// A name with the same in the form that ignores case.
    Name { exact: String, folded: String },
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathPatternError {
    /// Not from the root.
    #[error("it does not begin with `/`")]
    Relative,
    /// Over 16 KiB.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// `?`, `#`.
    #[error("it has a query or a fragment")]
    Query,
    /// `%` and not `%2f`.
    #[error("it has a percent-encoding; write the character itself (only a slash is `%2f`)")]
    Encoded,
    /// `\`, a control character, one with several forms.
    #[error("it has a character that no path can have: a request with it is always refused")]
    Character,
    /// `;`.
    #[error("it has a `;`; parameters of a name are not compared, so leave them out")]
    Parameter,
    /// `//`.
    #[error("it has two slashes behind each other")]
    Empty,
    /// `.`, `..`.
    #[error("it has a dot segment: a request with one is always refused")]
    Dots,
    /// `a**`.
    #[error("`**` stands for whole names; within a name write `*`")]
    Stars,
}

impl PathPattern {
    /// Whether every reading of a path is meant: what a permission needs. Case counts, and so does
    /// a slash at the end, except behind a `**`.
    pub fn allows(&self, path: &HttpPath) -> bool {
        path.readings.iter().all(|reading| self.form(reading.split).takes(reading, false))
    }

    /// Whether some reading of a path may be meant: what a denial needs. Neither case nor a slash at
    /// the end counts.
    pub fn denies(&self, path: &HttpPath) -> bool {
        path.readings
            .iter()
            .any(|reading| self.whole.takes(reading, true) || self.form(true).takes(reading, true))
    }

    /// Whether each path that `other` allows is allowed by this, as far as it is plain to see.
    pub fn covers(&self, other: &Self) -> bool {
        self == other
            || (self.whole.covers(&other.whole) && self.form(true).covers(other.form(true)))
    }

    fn form(&self, split: bool) -> &Form {
        self.split.as_ref().filter(|_| split).unwrap_or(&self.whole)
    }
}

impl Form {
    fn new(text: &str) -> Result<Self, PathPatternError> {
        let mut names: Vec<&str> = text.split('/').skip(1).collect();
        let closed = names.last().is_some_and(|name| name.is_empty());
        if closed {
            names.pop();
        }
        let parts: Result<Vec<Part>, _> = names.into_iter().map(Part::new).collect();
        Ok(Self { parts: parts?, closed })
    }

    fn takes(&self, reading: &Reading, any: bool) -> bool {
        let open = self.parts.last() == Some(&Part::Any) && !self.closed;
        (any || open || self.closed == reading.closed)
            && stars(&self.parts, &reading.segments, |part, name| part.takes(name, any))
    }

    fn covers(&self, other: &Self) -> bool {
        let open = self.parts.last() == Some(&Part::Any) && !self.closed;
        let other_open = other.parts.last() == Some(&Part::Any) && !other.closed;
        (open || (!other_open && self.closed == other.closed))
            && stars(&self.parts, &other.parts, Part::covers)
    }
}

impl Part {
    fn new(name: &str) -> Result<Self, PathPatternError> {
        match name {
            "**" => return Ok(Part::Any),
            "" => return Err(PathPatternError::Empty),
            _ if name.contains("**") => return Err(PathPatternError::Stars),
            _ if reading::is_dots(name) => return Err(PathPatternError::Dots),
            _ => {}
        }
        let exact = name.replace(SLASH, "/");
        Ok(Part::Name { folded: fold(&exact), exact })
    }

    fn takes(&self, name: &str, any: bool) -> bool {
        match self {
            Part::Any => false,
            // Between two slashes there is no name.
            Part::Name { .. } if name.is_empty() => false,
            Part::Name { folded, .. } if any => glob(folded, &fold(name)),
            Part::Name { exact, .. } => glob(exact, name),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Part::Any, _) | (Part::Name { .. }, Part::Any) => false,
            // A star of the other one is a character which only a star here can take.
            (Part::Name { exact, .. }, Part::Name { exact: other, .. }) => {
                exact == other || glob(exact, other)
            }
        }
    }
}

/// `%2f` while a pattern is read: no pattern has this character.
const SLASH: char = '\u{1}';

impl FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(PathPatternError::TooLong);
        }
        if !text.starts_with('/') {
            return Err(PathPatternError::Relative);
        }
        if text.contains(['?', '#']) {
            return Err(PathPatternError::Query);
        }
        if text.contains(';') {
            return Err(PathPatternError::Parameter);
        }
        if text.contains('\\') || text.chars().any(char::is_control) {
            return Err(PathPatternError::Character);
        }
        reading::plain(text).map_err(|_| PathPatternError::Character)?;
        let read = text.replace("%2f", "\u{1}").replace("%2F", "\u{1}");
        if read.contains('%') {
            return Err(PathPatternError::Encoded);
        }
        let split = read.contains(SLASH).then(|| Form::new(&read.replace(SLASH, "/")));
        Ok(Self { text: text.to_owned(), whole: Form::new(&read)?, split: split.transpose()? })
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for PathPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Whether the parts stand for these items, in order. With one place to come back to: a later `**` makes an
/// earlier one's choice no worse, so this is at most quadratic.
fn stars<T>(parts: &[Part], items: &[T], takes: impl Fn(&Part, &T) -> bool) -> bool {
    let (mut part, mut item) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (parts.get(part), items.get(item)) {
            (Some(Part::Any), _) => {
                back = Some((part + 1, item));
                part += 1;
            }
            (Some(here), Some(there)) if takes(here, there) => {
                part += 1;
                item += 1;
            }
            (None, None) => return true,
            _ => match &mut back {
                Some((after, tried)) if *tried < items.len() => {
                    *tried += 1;
                    (part, item) = (*after, *tried);
                }
                _ => return false,
            },
        }
    }
}
