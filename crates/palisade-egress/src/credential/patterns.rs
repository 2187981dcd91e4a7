use std::fmt;

use zeroize::{Zeroize, Zeroizing};

use super::forms::Forms;

/// The shortest text that is looked for. A shorter one stands in ordinary words.
pub(crate) const SHORTEST: usize = 8;
/// Entries of the table of shifts, a power of two.
const SHIFTS: usize = 4096;
/// What stands in place of a text that no placeholder can replace.
const FILLERS: &[u8] = b"*#~^!.";

/// Texts to look for in a stream, each with what takes its place and whose it is.
///
/// What replaces a text has its length. And it is such that, put in place of texts in any stream, it
/// makes no text of the list: not alone, nor with what stands before or behind it. Where a
/// placeholder would, asterisks take its place.
pub(crate) struct Patterns {
    list: Vec<Pattern>,
    /// How far to go on when these two bytes end a window of [`SHORTEST`] bytes (Wu and Manber, 1994).
    shifts: Zeroizing<Vec<u8>>,
    /// Whether a text begins with this byte.
    first: Zeroizing<Vec<bool>>,
    longest: usize,
}

struct Pattern {
    text: Zeroizing<Vec<u8>>,
    instead: Zeroizing<Vec<u8>>,
    /// The index of the credential.
    whose: usize,
}

/// What was found in some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The pattern of this number is at this place.
    At(usize, usize),
    /// From this place on it may be that one begins: what follows decides.
    Perhaps(usize),
    /// Nothing, whatever follows.
    Nothing,
}

impl Patterns {
    /// Look for the forms of `secrets`; each with its placeholder.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = (&'a Forms, &'a Forms)>) -> Self {
        let mut list: Vec<Pattern> = Vec::new();
        for (whose, (secret, placeholder)) in secrets.into_iter().enumerate() {
            for (text, instead) in secret.iter().zip(placeholder.iter()) {
                if text.len() < SHORTEST || list.iter().any(|known| *known.text == text) {
                    continue;
                }
                list.push(Pattern {
                    text: Zeroizing::new(text.to_vec()),
                    instead: Zeroizing::new(instead.to_vec()),
                    whose,
                });
            }
        }
        make_safe(&mut list);
        let window = SHORTEST.saturating_sub(1);
        let mut shifts = Zeroizing::new(vec![u8::try_from(window).unwrap_or(1); SHIFTS]);
        let mut first = Zeroizing::new(vec![false; 256]);
        for pattern in &list {
            for (at, pair) in pattern.text.windows(2).take(window).enumerate() {
                let shift = u8::try_from(window.saturating_sub(at.saturating_add(1))).unwrap_or(0);
                if let [one, two] = pair
                    && let Some(entry) = shifts.get_mut(slot(*one, *two))
                {
                    *entry = shift.min(*entry);
                }
            }
            if let Some(entry) =
                pattern.text.first().and_then(|byte| first.get_mut(usize::from(*byte)))
            {
                *entry = true;
            }
        }
        let longest = list.iter().map(|pattern| pattern.text.len()).max().unwrap_or(0);
        Self { list, shifts, first, longest }
    }

    pub(crate) fn instead(&self, number: usize) -> &[u8] {
        self.list.get(number).map(|pattern| pattern.instead.as_slice()).unwrap_or_default()
    }

    /// The length of the pattern.
    pub(crate) fn length(&self, number: usize) -> usize {
        self.list.get(number).map_or(1, |pattern| pattern.text.len())
    }

    pub(crate) fn whose(&self, number: usize) -> usize {
        self.list.get(number).map_or(usize::MAX, |pattern| pattern.whose)
    }

    /// The first one that begins at or behind `from`; of those that begin there, the shortest. What it is
    /// does not depend on how much of the stream is there, only whether it can be told.
    pub(crate) fn find(&self, bytes: &[u8], from: usize) -> Found {
        let whole = self.find_whole(bytes, from);
        let until = whole.map_or(bytes.len(), |(_, at)| at);
        match (self.begins(bytes, from, until), whole) {
            (Some(at), _) => Found::Perhaps(at),
            (None, Some((number, at))) => Found::At(number, at),
            (None, None) => Found::Nothing,
        }
    }

    /// One that is in it, be it in other case: names of headers have none.
    pub(crate) fn in_name(&self, name: &[u8]) -> Option<usize> {
        self.list.iter().position(|it| {
            let length = it.text.len().max(1);
            name.windows(length).any(|part| part.eq_ignore_ascii_case(&it.text))
        })
    }

    fn find_whole(&self, bytes: &[u8], from: usize) -> Option<(usize, usize)> {
        if self.list.is_empty() {
            return None;
        }
        let mut start = from;
        while let Some(window) = bytes.get(start..start.checked_add(SHORTEST)?) {
            let [.., one, two] = window else { return None };
            match self.shifts.get(slot(*one, *two)) {
                Some(0) => {
                    if let Some(number) = self.at(bytes.get(start..)?) {
                        return Some((number, start));
                    }
                    start = start.checked_add(1)?;
                }
                Some(shift) => start = start.checked_add(usize::from(*shift))?,
                None => return None,
            }
        }
        None
    }

    /// The shortest one that these bytes begin with.
    fn at(&self, bytes: &[u8]) -> Option<usize> {
        let here = self.list.iter().enumerate().filter(|(_, it)| bytes.starts_with(&it.text));
        here.min_by_key(|(_, it)| it.text.len()).map(|(number, _)| number)
    }

    /// The first place before `until` from which all bytes are the beginning of a longer text.
    fn begins(&self, bytes: &[u8], from: usize, until: usize) -> Option<usize> {
        let last = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        (from.max(last)..until).find(|&start| {
            let Some(rest) = bytes.get(start..) else { return false };
            let known = rest.first().and_then(|byte| self.first.get(usize::from(*byte)));
            known == Some(&true)
                && self
                    .list
                    .iter()
                    .any(|it| it.text.len() > rest.len() && it.text.starts_with(rest))
        })
    }
}

impl fmt::Debug for Patterns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patterns").field("count", &self.list.len()).finish_non_exhaustive()
    }
}

fn slot(one: u8, two: u8) -> usize {
    ((usize::from(one) << 4) ^ usize::from(two)) & (SHIFTS - 1)
}

/// Whether the placeholder with these forms, put in place of a secret with those, could make the secret
/// of it and what stands around it.
pub(crate) fn overlaps(secret: &Forms, placeholder: &Forms) -> bool {
    let texts: Vec<&[u8]> = secret.iter().filter(|text| text.len() >= SHORTEST).collect();
    secret
        .iter()
        .zip(placeholder.iter())
        .filter(|(text, _)| text.len() >= SHORTEST)
        .any(|(text, instead)| !is_safe(text, instead, &texts))
}

fn make_safe(list: &mut [Pattern]) {
    let unsafe_ones: Vec<usize> = {
        let texts: Vec<&[u8]> = list.iter().map(|pattern| pattern.text.as_slice()).collect();
        let safe = |it: &Pattern| is_safe(&it.text, &it.instead, &texts);
        (0..).zip(list.iter()).filter(|(_, it)| !safe(it)).map(|(number, _)| number).collect()
    };
    if unsafe_ones.is_empty() {
        return;
    }
    let in_none = |byte: &u8| !list.iter().any(|pattern| pattern.text.contains(byte));
    let graphic = FILLERS.iter().copied().chain(b'!'..=b'~').find(in_none);
    // No secret has a NUL.
    let filler = graphic.unwrap_or(0);
    for number in unsafe_ones {
        if let Some(pattern) = list.get_mut(number) {
            pattern.instead.zeroize();
            pattern.instead.resize(pattern.text.len(), filler);
        }
    }
}

/// Whether `instead` can be put in place of `text` in every stream without making one of `texts`.
///
/// One that reaches into it would have to: lie in it, hold it whole, begin with its end, or end with
/// its beginning. The last does no harm if `text` begins the same: then that one stood in the stream
/// before, and was found first.
fn is_safe(text: &[u8], instead: &[u8], texts: &[&[u8]]) -> bool {
    text.len() == instead.len()
        && texts.iter().all(|other| {
            let longest = other.len().min(instead.len());
            !holds(instead, other)
                && !holds(other, instead)
                && (1..longest).all(|length| {
                    let end = instead.get(instead.len().saturating_sub(length)..);
                    let ends_before = other.get(other.len().saturating_sub(length)..);
                    let beginning = instead.get(..length);
                    end != other.get(..length)
                        && (ends_before != beginning || text.get(..length) == beginning)
                })
        })
}

fn holds(whole: &[u8], part: &[u8]) -> bool {
    part.len() <= whole.len() && memchr::memmem::find(whole, part).is_some()
}
