//! From the bytes of a path to what they may mean.

use icu_normalizer::ComposingNormalizerBorrowed;

use super::{AmbiguousPath, LONGEST};

/// One way to read a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Decoded, without the slashes. With [`Reading::split`] off, one may have a `/` in it.
    pub(super) segments: Vec<String>,
    /// Whether a slash ends it. So with `/`, which has no segment.
    pub(super) closed: bool,
    /// Whether `%2f` is a slash.
    pub(super) split: bool,
}

/// How a server may read a path, besides decoding it.
#[derive(Debug, Clone, Copy, Default)]
struct Habits {
    /// `%2f` is a slash.
    split: bool,
    /// `;x` is not part of a name (RFC 3986, section 3.3; Java's servers).
    bare: bool,
    /// Dots and spaces at the end of a name do not count (Windows).
    trimmed: bool,
    /// Slashes behind each other are one.
    merged: bool,
}

/// Every reading, the literal one first.
pub(super) fn all(raw: &[u8]) -> Result<Vec<Reading>, AmbiguousPath> {
    if raw.len() > LONGEST {
        return Err(AmbiguousPath::TooLong);
    }
    let Some((b'/', below)) = raw.split_first() else { return Err(AmbiguousPath::Relative) };
    let mut segments = Vec::new();
    let mut seen = Habits::default();
    for raw in below.split(|&byte| byte == b'/') {
        let segment = decoded(raw)?;
        seen.split |= segment.contains('/');
        seen.bare |= segment.contains(';');
        seen.trimmed |= segment.split(['/', ';']).any(|part| part.ends_with(['.', ' ']));
        if segment.contains(';') && segment.contains('/') {
            return Err(AmbiguousPath::Parameter);
        }
        segments.push(segment);
    }
    let middle = segments.split_last().map_or(&[][..], |(_, middle)| middle);
    // Each of the others can leave an empty name behind.
    seen.merged = middle.iter().any(String::is_empty) || seen.split || seen.bare || seen.trimmed;
    let mut readings: Vec<Reading> = Vec::new();
    for habits in seen.combinations() {
        let reading = habits.read(&segments)?;
        if !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    Ok(readings)
}

impl Habits {
    /// Each choice among those that make a difference, none of them first.
    fn combinations(self) -> impl Iterator<Item = Habits> {
        let either = |seen: bool| [false, true].into_iter().take(if seen { 2 } else { 1 });
        either(self.split).flat_map(move |split| {
            either(self.bare).flat_map(move |bare| {
                either(self.trimmed).flat_map(move |trimmed| {
                    either(self.merged).map(move |merged| Habits { split, bare, trimmed, merged })
                })
            })
        })
    }

    fn read(self, segments: &[String]) -> Result<Reading, AmbiguousPath> {
        let mut names: Vec<&str> = Vec::new();
        for segment in segments {
            if self.split {
                names.extend(segment.split('/'));
            } else {
                names.push(segment);
            }
        }
        for name in &mut names {
            if self.bare {
                *name = name.split(';').next().unwrap_or_default();
            }
            if is_dots(name) {
                return Err(AmbiguousPath::Dots);
            }
            if self.trimmed {
                *name = name.trim_end_matches(['.', ' ']);
            }
        }
        let closed = names.last().is_some_and(|name| name.is_empty());
        if closed {
            names.pop();
        }
        if self.merged {
            names.retain(|name| !name.is_empty());
        }
        let segments = names.into_iter().map(str::to_owned).collect();
        Ok(Reading { segments, closed, split: self.split })
    }
}

/// Whether some server may read a name as that of a folder itself or of the one above.
pub(super) fn is_dots(name: &str) -> bool {
    name.contains('.') && name.chars().all(|c| matches!(c, '.' | ' '))
}

/// A segment, decoded once.
fn decoded(raw: &[u8]) -> Result<String, AmbiguousPath> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.iter();
    while let Some(&byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|&byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(AmbiguousPath::Escape);
                };
                let byte = u8::try_from(high * 16 + low).map_err(|_| AmbiguousPath::Escape)?;
                if matches!(byte, b'?' | b'#' | b';') {
                    return Err(AmbiguousPath::Delimiter);
                }
                byte
            }
            b'?' | b'#' => return Err(AmbiguousPath::Raw),
            0x21..=0x7e => byte,
            _ => return Err(AmbiguousPath::Raw),
        };
        match decoded {
            b'\\' => return Err(AmbiguousPath::Backslash),
            0..=0x1f | 0x7f => return Err(AmbiguousPath::Control),
            _ => bytes.push(decoded),
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| AmbiguousPath::NotUtf8)?;
    if encoded_still(text.as_bytes()) {
        return Err(AmbiguousPath::Twice);
    }
    plain(&text)?;
    Ok(text)
}

/// Whether another decoding would find something.
fn encoded_still(text: &[u8]) -> bool {
    text.windows(3).any(|window| match window {
        [b'%', b'u' | b'U', digit] => digit.is_ascii_hexdigit(),
        [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    })
}

/// Whether no server turns a character into another, or into none.
pub(super) fn plain(text: &str) -> Result<(), AmbiguousPath> {
    if text.is_ascii() {
        return Ok(());
    }
    if text.chars().any(char::is_control) {
        return Err(AmbiguousPath::Control);
    }
    let unseen = |c: char| {
        matches!(u32::from(c),
            0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
            // Slashes of a kind, which a narrower character set has as `/` or `\`.
            | 0x2044 | 0x2215..=0x2216 | 0x29f5 | 0x29f8..=0x29f9
            | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xfff0..=0xffff | 0xe0000..=0xe0fff)
    };
    if text.chars().any(unseen) || !ComposingNormalizerBorrowed::new_nfkc().is_normalized(text) {
        return Err(AmbiguousPath::Unicode);
    }
    Ok(())
}
