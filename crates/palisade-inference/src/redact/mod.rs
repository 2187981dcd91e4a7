//! Secrets are taken out of what goes to a model.
//!
//! A body's strings are read as its receiver reads them ([`texts`]): escapes undone, and the texts of a
//! conversation in one piece, so that no secret hides in an escape or between two blocks. In them are
//! looked for: the values that the operator named (credentials, what denied files hold), byte for byte,
//! and keys whose form says what they are ([`forms`]). The same is done to what is found encoded: base64,
//! hexadecimal digits, percent signs and further escapes are peeled, three deep ([`peel`]). What is found
//! is replaced by a mark that is the same each time ([`marks`]); every other byte stays as it was.
//!
//! All of it takes time in proportion to the body. It finds what it knows: a secret of no known form, in
//! a picture, encrypted, spelled out or split by something else than is named here passes.

mod checks;
mod find;
mod forms;
mod known;
mod marks;
mod near;
mod now;
mod peel;
mod texts;

use std::{collections::BTreeMap, sync::Arc};

pub use known::KnownSecret;
pub use texts::Unsearchable;

use find::Finder;
pub(crate) use marks::Marks;
pub(crate) use now::Redacting;
pub(crate) use texts::Texts;
use texts::{Buffer, Cursor};

use crate::bounds::Edit;

/// Looks for secrets in bodies.
#[derive(Debug)]
pub struct Redactor {
    finder: Finder,
    marks: Arc<Marks>,
}

/// What was taken out of a body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The body without it. `None`: nothing was found, and the body stays as it is, byte for byte.
    pub body: Option<Vec<u8>>,
    /// How many of each kind.
    pub found: BTreeMap<String, usize>,
}

impl Redactor {
    /// One that knows these values besides the forms of keys.
    pub fn new<'a>(known: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        Self { finder: Finder::new(known), marks: Arc::default() }
    }

    /// One that knows these values and no forms of keys.
    pub(crate) fn only<'a>(known: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        Self { finder: Finder::only(known), marks: Arc::default() }
    }

    /// Whether a body of JSON has any of them.
    pub(crate) fn is_in(&self, texts: &Texts) -> bool {
        let found = |buffer: &Buffer| !self.finder.find(&buffer.text, &buffer.joins).is_empty();
        found(&texts.prose) || found(&texts.rest)
    }

    pub(crate) fn marks(&self) -> &Arc<Marks> {
        &self.marks
    }

    /// One for other values that gives marks on as this one does.
    #[must_use]
    pub fn with<'a>(&self, known: impl IntoIterator<Item = &'a KnownSecret>) -> Self {
        Self { finder: Finder::new(known), marks: Arc::clone(&self.marks) }
    }

    /// Takes secrets out of a body of JSON.
    ///
    /// # Errors
    /// The body is no JSON that can be searched.
    pub fn redact(&self, body: &[u8]) -> Result<Redacted, Unsearchable> {
        Ok(self.redact_in(body, &Texts::of(body)?))
    }

    /// The same of a body whose texts are known.
    pub(crate) fn redact_in(&self, body: &[u8], texts: &Texts) -> Redacted {
        let mut edits = Vec::new();
        let mut found = BTreeMap::new();
        for buffer in [&texts.prose, &texts.rest] {
            self.buffer(body, buffer, &mut edits, &mut found);
        }
        if edits.is_empty() {
            return Redacted::default();
        }
        Redacted { body: Some(crate::bounds::edited(body, edits)), found }
    }

    fn buffer(
        &self,
        body: &[u8],
        buffer: &Buffer,
        edits: &mut Vec<Edit>,
        found: &mut BTreeMap<String, usize>,
    ) {
        let mut cursor = Cursor::default();
        for one in self.finder.find(&buffer.text, &buffer.joins) {
            let mark = self.marks.of(one.kind, &one.value);
            *found.entry(one.kind.to_owned()).or_insert(0) += 1;
            let mut text = Some(mark);
            // A secret that goes over several strings: the mark stands in the first, nothing in the others.
            for span in buffer.raw(body, one.start..one.end, &mut cursor) {
                edits.push(Edit { span, text: text.take().unwrap_or_default() });
            }
        }
    }

    /// Takes secrets out of plain text that may have been cut: what may be the beginning of a key at its end goes too. `None`:
    /// nothing was found.
    pub fn redact_text(&self, text: &str) -> Option<String> {
        let mut found = self.finder.find(text.as_bytes(), &[]);
        let behind = found.last().map_or(0, |last| last.end);
        found.extend(find::cut(text.as_bytes(), behind));
        if found.is_empty() {
            return None;
        }
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for one in found {
            // What is encoded is ASCII, and so is a key; of a value of the operator's any byte may be the first.
            let start = text.floor_char_boundary(one.start).max(at);
            out.push_str(text.get(at..start).unwrap_or_default());
            out.push_str(&self.marks.of(one.kind, &one.value));
            at = text.ceil_char_boundary(one.end);
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Some(out)
    }

    /// What is found in plain text, by kind. For measuring.
    pub fn kinds_in(&self, text: &[u8]) -> Vec<(&'static str, std::ops::Range<usize>)> {
        self.finder.find(text, &[]).into_iter().map(|one| (one.kind, one.start..one.end)).collect()
    }
}

/// Gives each text that is encoded in these, as deep as secrets are looked for.
pub(crate) fn each_encoded(buffer: &Buffer, give: &mut dyn FnMut(&[u8])) {
    let text = find::Text { bytes: &buffer.text, joins: &buffer.joins, rough: false };
    peeled(text, find::DEPTH, give);
}

fn peeled(text: find::Text<'_>, depth: usize, give: &mut dyn FnMut(&[u8])) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for layer in peel::layers(text) {
        give(&layer.text);
        peeled(find::Text { bytes: &layer.text, joins: &layer.joins, rough: true }, depth, give);
    }
}

#[cfg(test)]
mod tests;
