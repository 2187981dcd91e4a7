//! Encodings, peeled: each layer is a text of its own that knows where it came from.

use std::{cell::OnceCell, ops::Range};

use super::{
    checks::{self, digit},
    find::Text,
    near::{SHORT, append, next_of},
};

/// The shortest run of base64 and of hexadecimal digits that is looked into: no key that is known is
/// shorter.
const LEAST_BASE64: usize = 24;
const LEAST_HEX: usize = 32;
/// Runs up to this length are read from each place that they might begin at: a tool writes what it
/// encodes from its beginning, but a word may stand directly before it.
const MOST_SHIFTED: usize = 16 * 1024;
/// How much of a run is one piece: where a byte came from is found by going through a piece. Whole groups of
/// digits.
const PIECE: usize = 4096;
/// Lines of at least this length may go on in the next one.
const LEAST_LINE: usize = 40;

/// A text that was encoded.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) text: Vec<u8>,
    pub(super) joins: Vec<usize>,
    /// Whether something that is no text may be around.
    pub(super) rough: bool,
    pieces: Vec<Piece>,
    /// Of escapes: the lines that have any, and their pieces once they are asked for.
    lines: Vec<Range<usize>>,
    escaped: OnceCell<Vec<Piece>>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Three bytes of four digits.
    Base64,
    /// A byte of two digits.
    Hex,
    /// What is not encoded stands for itself.
    Escapes,
}

/// A part of a layer: where it begins in it, and in the text around it.
#[derive(Debug, Clone, Copy)]
struct Piece {
    inner: usize,
    outer: usize,
    /// Bytes around that stand for one byte; 0: each for itself.
    length: usize,
}

/// All layers of a text, each made when it is looked at: one is almost as large as the text.
pub(super) fn layers(text: Text<'_>) -> impl Iterator<Item = Layer> {
    let (long, short) = runs(text.bytes);
    let base64 = (0..4).filter_map(move |shift| base64(text, &long, &short, shift));
    let hex = (0..2).filter_map(move |shift| hex(text.bytes, shift));
    std::iter::once_with(move || escapes(text)).flatten().chain(base64).chain(hex)
}

impl Layer {
    fn new(kind: Kind) -> Self {
        let rough = kind != Kind::Escapes;
        let (text, joins, pieces) = Default::default();
        let (lines, escaped) = Default::default();
        Self { text, joins, rough, pieces, lines, escaped, kind }
    }

    /// Where a part of the layer is in the text around it.
    pub(super) fn outer(&self, around: &[u8], start: usize, end: usize) -> (usize, usize) {
        (self.place(around, start, false), self.place(around, end.saturating_sub(1), true))
    }

    /// Where a byte of the layer begins in the text around it, or where it ends.
    fn place(&self, around: &[u8], inner: usize, end: bool) -> usize {
        let pieces = match self.kind {
            Kind::Escapes => self.escaped.get_or_init(|| self.escaped_pieces(around)),
            Kind::Base64 | Kind::Hex => &self.pieces,
        };
        let index = pieces.partition_point(|piece| piece.inner <= inner).saturating_sub(1);
        let Some(piece) = pieces.get(index) else { return 0 };
        let byte = inner.saturating_sub(piece.inner);
        let (first, last) = match self.kind {
            Kind::Escapes if piece.length == 0 => {
                return piece.outer.saturating_add(byte).saturating_add(usize::from(end));
            }
            Kind::Escapes => {
                return piece.outer.saturating_add(if end { piece.length } else { 0 });
            }
            // The digits that have a part of the byte.
            Kind::Base64 => {
                (byte.saturating_mul(8) / 6, byte.saturating_mul(8).saturating_add(7) / 6)
            }
            Kind::Hex => (byte.saturating_mul(2), byte.saturating_mul(2).saturating_add(1)),
        };
        let wanted = if end { last } else { first };
        if self.kind == Kind::Hex {
            // Its digits follow each other.
            let at = piece.outer.saturating_add(wanted).saturating_add(usize::from(end));
            return at.min(around.len());
        }
        let rest = around.get(piece.outer..).unwrap_or_default();
        let mut skip = false;
        let mut digits = rest.iter().enumerate().filter(|(_, byte)| {
            // The letter of `\n` is no digit.
            let counts = !skip && digit(**byte).is_some();
            skip = **byte == b'\\';
            counts
        });
        let at =
            digits.nth(wanted).map_or(rest.len(), |(at, _)| at.saturating_add(usize::from(end)));
        piece.outer.saturating_add(at.min(rest.len()))
    }
}

/// Runs of base64: longer ones and shorter ones.
type Runs = Vec<Range<usize>>;

fn runs(text: &[u8]) -> (Runs, Runs) {
    let (mut long, mut short) = (Vec::new(), Vec::new());
    let mut place = 0_usize;
    while place < text.len() {
        // Most places of a text are in words: look where a run would have its last digit at least.
        let far = place.saturating_add(LEAST_BASE64 - 1);
        if far >= text.len() {
            break;
        }
        let back = text
            .get(place..=far)
            .unwrap_or_default()
            .iter()
            .rposition(|byte| digit(*byte).is_none());
        if let Some(back) = back {
            place = place.saturating_add(back).saturating_add(1);
            continue;
        }
        let end = run_end(text, place);
        let run = place..end;
        if run.len() > MOST_SHIFTED {
            long.push(run)
        } else {
            short.push(run)
        }
        place = end.saturating_add(1);
    }
    (long, short)
}

/// Where a run of base64 ends, over the ends of long lines.
fn run_end(text: &[u8], start: usize) -> usize {
    let mut line = start;
    let mut place = start;
    loop {
        let rest = text.get(place..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| digit(**byte).is_some()).count();
        place = place.saturating_add(digits);
        let rest = rest.get(digits..).unwrap_or_default();
        let wrap = [&b"\r\n"[..], b"\n", b"\\r\\n", b"\\n"]
            .into_iter()
            .find(|wrap| rest.starts_with(wrap));
        let Some(wrap) = wrap.filter(|_| place.saturating_sub(line) >= LEAST_LINE) else {
            return place;
        };
        let next = place.saturating_add(wrap.len());
        if text.get(next).is_none_or(|byte| digit(*byte).is_none()) {
            return place;
        }
        place = next;
        line = next;
    }
}

fn base64(text: Text<'_>, long: &Runs, short: &Runs, shift: usize) -> Option<Layer> {
    let mut layer = Layer::new(Kind::Base64);
    let runs = short.iter().chain(long.iter().filter(|_| shift == 0));
    for run in runs {
        let outer = run.start.saturating_add(shift);
        layer.separate();
        layer.pieces.push(Piece { inner: layer.text.len(), outer, length: 0 });
        let bytes = text.bytes.get(outer..run.end).unwrap_or_default();
        let begun = layer.text.len();
        let whole = checks::base64_whole(bytes, &mut layer.text);
        layer.pieces.extend((1..=whole / PIECE).map(|number| {
            let digits = number.saturating_mul(PIECE);
            let inner = begun.saturating_add(digits / 4 * 3);
            Piece { inner, outer: outer.saturating_add(digits), length: 0 }
        }));
        let rest = outer.saturating_add(whole);
        let mut next = layer.text.len();
        let bytes = bytes.get(whole..).unwrap_or_default();
        let (mut bits, mut held, mut skip) = (0_u32, 0_u32, false);
        for (place, byte) in bytes.iter().enumerate() {
            if skip {
                skip = false;
                continue;
            }
            if held == 0 && layer.text.len() >= next {
                let outer = rest.saturating_add(place);
                layer.pieces.push(Piece { inner: layer.text.len(), outer, length: 0 });
                next = layer.text.len().saturating_add(PIECE);
            }
            let Some(value) = digit(*byte) else {
                skip = *byte == b'\\';
                continue;
            };
            bits = (bits << 6) | u32::from(value);
            held += 6;
            if held >= 8 {
                held -= 8;
                layer.text.push(u8::try_from((bits >> held) & 0xff).unwrap_or(0));
            }
        }
    }
    (!layer.pieces.is_empty()).then_some(layer)
}

impl Layer {
    /// What came from another place does not go on here.
    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(b'\n');
        }
    }
}

fn hex(text: &[u8], shift: usize) -> Option<Layer> {
    let mut layer = Layer::new(Kind::Hex);
    let mut place = 0_usize;
    while place.saturating_add(LEAST_HEX) <= text.len() {
        let window = text.get(place..place.saturating_add(LEAST_HEX)).unwrap_or_default();
        if let Some(back) = window.iter().rposition(|byte| !byte.is_ascii_hexdigit()) {
            place = place.saturating_add(back).saturating_add(1);
            continue;
        }
        let rest = text.get(place..).unwrap_or_default();
        let run = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        layer.separate();
        layer.pieces.push(Piece {
            inner: layer.text.len(),
            outer: place.saturating_add(shift),
            length: 0,
        });
        let digits = rest.get(shift..run).unwrap_or_default();
        layer.text.extend(digits.chunks_exact(2).map(|pair| match pair {
            [high, low] => nibble(*high) << 4 | nibble(*low),
            _ => 0,
        }));
        place = place.saturating_add(run).saturating_add(1);
    }
    (!layer.pieces.is_empty()).then_some(layer)
}

fn nibble(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

/// Escapes and percent signs that stand for characters that a key has, in the lines that have any.
fn escapes(text: Text<'_>) -> Option<Layer> {
    let bytes = text.bytes;
    let mut layer = Layer::new(Kind::Escapes);
    let (mut done, mut from) = (0_usize, 0_usize);
    while let Some(found) = bytes.get(from..).and_then(|rest| next_of(rest, b'\\', b'%')) {
        let place = from.saturating_add(found);
        if !tells(bytes, place) {
            from = place.saturating_add(1);
            continue;
        }
        let start = bytes.get(done..place).and_then(|before| memchr::memrchr(b'\n', before));
        let start = start.map_or(done, |at| done.saturating_add(at).saturating_add(1));
        let end = memchr::memchr(b'\n', bytes.get(place..).unwrap_or_default());
        let end = end.map_or(bytes.len(), |at| place.saturating_add(at));
        layer.lines.push(start..end);
        (done, from) = (end, end);
    }
    let (first, last) = (layer.lines.first()?.start, layer.lines.last()?.end);
    layer.text.reserve(last.saturating_sub(first).saturating_add(SHORT));
    for line in std::mem::take(&mut layer.lines) {
        layer.separate();
        let first = text.joins.partition_point(|join| *join < line.start);
        let mut joins = text.joins.get(first..).unwrap_or_default().iter().peekable();
        steps(bytes, line.clone(), |place, length, decoded| {
            let after = place.saturating_add(length);
            while let Some(join) = joins.next_if(|join| **join < after) {
                let inner = if decoded.is_some() { 0 } else { join.saturating_sub(place) };
                layer.joins.push(layer.text.len().saturating_add(inner));
            }
            match decoded {
                Some(byte) => layer.text.push(byte),
                None => append(&mut layer.text, bytes.get(place..).unwrap_or_default(), length),
            }
        });
        layer.lines.push(line);
    }
    Some(layer)
}

/// Goes through a line: gives each run of bytes that stand for themselves, and each that is encoded with
/// what it stands for; where it begins and how long it is.
fn steps(bytes: &[u8], line: Range<usize>, mut give: impl FnMut(usize, usize, Option<u8>)) {
    let mut place = line.start;
    while let Some(rest) = bytes.get(place..line.end).filter(|rest| !rest.is_empty()) {
        let plain = next_of(rest, b'\\', b'%').unwrap_or(rest.len());
        let step = if plain == 0 { decoded(bytes, place) } else { None };
        let length = match step {
            Some((_, length)) => length.min(rest.len()),
            None => plain.max(1),
        };
        give(place, length, step.map(|(byte, _)| byte));
        place = place.saturating_add(length);
    }
}

impl Layer {
    /// Where the parts of an unescaped text come from. Nearly no text has anything in it that this is asked
    /// for, and it may be larger than the text: it is made once, when it is.
    fn escaped_pieces(&self, around: &[u8]) -> Vec<Piece> {
        let (mut pieces, mut inner) = (Vec::new(), 0_usize);
        for line in &self.lines {
            inner = inner.saturating_add(usize::from(inner > 0));
            steps(around, line.clone(), |outer, length, decoded| {
                let encoded = decoded.is_some();
                pieces.push(Piece { inner, outer, length: if encoded { length } else { 0 } });
                inner = inner.saturating_add(if encoded { 1 } else { length });
            });
        }
        pieces
    }
}

/// Whether what stands encoded here is a character that a key has, or an encoding of its own.
fn tells(text: &[u8], place: usize) -> bool {
    match decoded(text, place) {
        Some((b'\\', length)) => {
            let next = place.checked_add(length).and_then(|next| text.get(next));
            matches!(next, Some(b'u' | b'x' | b'/' | b'n' | b'r'))
        }
        Some((byte, _)) => {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'+' | b'=' | b'%')
        }
        None => false,
    }
}

/// What stands encoded here, and how long it is: `%41`, `\u0041`, `\x41`, `\/`, `\n`.
fn decoded(text: &[u8], place: usize) -> Option<(u8, usize)> {
    let hex = |from: usize, digits: usize| {
        let text =
            text.get(place.checked_add(from)?..place.checked_add(from)?.checked_add(digits)?)?;
        if !text.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let value = text.iter().fold(0_u32, |sum, digit| sum << 4 | u32::from(nibble(*digit)));
        // Keys have no other characters than those of one byte.
        Some(u8::try_from(value).unwrap_or(b'?'))
    };
    match (text.get(place)?, text.get(place.checked_add(1)?)?) {
        (b'%', _) => Some((hex(1, 2)?, 3)),
        (b'\\', b'u') => Some((hex(2, 4)?, 6)),
        (b'\\', b'x') => Some((hex(2, 2)?, 4)),
        (b'\\', b'n') => Some((b'\n', 2)),
        (b'\\', b'r') => Some((b'\r', 2)),
        (b'\\', b't') => Some((b'\t', 2)),
        (b'\\', other @ (b'/' | b'"' | b'\\' | b'\'')) => Some((*other, 2)),
        _ => None,
    }
}
