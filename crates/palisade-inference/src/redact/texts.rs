use std::{
    borrow::Cow,
    ops::{ControlFlow, Range},
};

use super::near::{append, next_of};

/// The most strings that a body may have to be searched.
const MOST_STRINGS: usize = 1 << 21;

/// The most bytes without an escape that are given in one piece.
const PIECE: usize = 4096;

/// Keys whose values are words of the conversation. What is written one after the other in them is read
/// as one text.
const PROSE: &[&[u8]] = &[
    b"text",
    b"content",
    b"thinking",
    b"input",
    b"output",
    b"arguments",
    b"instructions",
    b"system",
];

/// Why a body cannot be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsearchable {
    /// It is no JSON.
    #[error("the body is no JSON that can be searched for secrets")]
    Json,
    /// It has too many strings.
    #[error("the body has more than {MOST_STRINGS} strings, too many to be searched for secrets")]
    Strings,
}

/// The strings of a body of JSON.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// What is said, in one piece.
    pub(crate) prose: Buffer,
    /// All others, keys too, each by itself.
    pub(crate) rest: Buffer,
}

/// Strings one after the other, as a receiver reads them.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    pub(crate) text: Vec<u8>,
    /// Where one begins that goes on with the one before.
    pub(crate) joins: Vec<usize>,
    strings: Vec<Segment>,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    /// Where it begins in the text.
    start: usize,
    /// Where it is in the body, without its quotes.
    raw: usize,
    raw_end: usize,
    /// Whether it has escapes.
    escaped: bool,
    /// Which result of a tool it is a part of; 0: of none.
    tool: u32,
}

/// How far a string was gone through.
#[derive(Debug, Default)]
pub(crate) struct Cursor {
    /// Which string.
    string: usize,
    /// Up to where in the body, from its beginning, and in the text.
    raw: usize,
    done: usize,
}

/// An object or array that is open.
#[derive(Debug, Clone, Copy)]
struct Frame {
    object: bool,
    /// The kind of the key that its values stand behind; of an array, the one that it stands behind.
    key: Key,
    /// Whether it holds a result of a tool.
    tool: bool,
    /// Strings of the two buffers before it.
    before: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Prose,
    Type,
    Role,
    Response,
    Other,
}

impl Texts {
    pub(crate) fn of(body: &[u8]) -> Result<Self, Unsearchable> {
        let mut texts = Self::default();
        texts.prose.text.reserve(body.len());
        let mut frames: Vec<Frame> = Vec::new();
        let mut at_key = false;
        let mut place = 0;
        let mut tools = 0_u32;
        while let Some(byte) = body.get(place) {
            place = place.saturating_add(1);
            match byte {
                b'{' | b'[' => {
                    let object = *byte == b'{';
                    let outer = frames.last();
                    let key = outer.map_or(Key::Other, |outer| outer.key);
                    frames.push(Frame {
                        object,
                        key: if object { Key::Other } else { key },
                        tool: key == Key::Response,
                        before: (texts.prose.strings.len(), texts.rest.strings.len()),
                    });
                    at_key = object;
                }
                b'}' | b']' => {
                    if let Some(frame) = frames.pop().filter(|frame| frame.tool) {
                        tools = tools.saturating_add(1);
                        texts.prose.of_a_tool(frame.before.0, tools);
                        texts.rest.of_a_tool(frame.before.1, tools);
                    }
                    at_key = false;
                }
                b',' => at_key = frames.last().is_some_and(|frame| frame.object),
                b':' => at_key = false,
                b'"' => {
                    let (end, escaped) = string_end(body, place).ok_or(Unsearchable::Json)?;
                    let raw = body.get(place..end).unwrap_or_default();
                    let key = frames.last().map_or(Key::Other, |frame| frame.key);
                    if let (Some(frame), true) = (frames.last_mut(), at_key) {
                        frame.key = kind_of_key(raw);
                    } else if let Some(frame) = frames.last_mut() {
                        frame.tool |= tells_of_a_tool(key, raw);
                    }
                    let prose = key == Key::Prose && !at_key;
                    let buffer = if prose { &mut texts.prose } else { &mut texts.rest };
                    buffer.push(raw, place, escaped, prose);
                    place = end.saturating_add(1);
                }
                _ => {}
            }
            if texts.prose.strings.len().saturating_add(texts.rest.strings.len()) > MOST_STRINGS {
                return Err(Unsearchable::Strings);
            }
        }
        Ok(texts)
    }

    /// What tools gave back, as far as it is text. What stands in one result behind keys of words is one
    /// text; what stands elsewhere in it is one for itself.
    pub(crate) fn results(&self) -> Vec<ToolText<'_>> {
        let mut results: Vec<ToolText<'_>> = Vec::new();
        let mut last = 0;
        for (text, place, tool) in self.prose.of_tools() {
            match results.last_mut() {
                Some(result) if tool == last => {
                    result.parts.push(text);
                    result.places.push(place);
                }
                _ => results.push(ToolText { parts: vec![text], places: vec![place] }),
            }
            last = tool;
        }
        let rest = self.rest.of_tools();
        results.extend(
            rest.map(|(text, place, _)| ToolText { parts: vec![text], places: vec![place] }),
        );
        results
    }
}

/// A text that a tool gave back, and where it stands in the body.
#[derive(Debug)]
pub(crate) struct ToolText<'a> {
    /// One after the other they are the text.
    parts: Vec<&'a [u8]>,
    pub(crate) places: Vec<Range<usize>>,
}

impl ToolText<'_> {
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        match *self.parts {
            [only] => only.into(),
            _ => self.parts.concat().into(),
        }
    }
}

fn kind_of_key(raw: &[u8]) -> Key {
    match raw {
        b"type" => Key::Type,
        b"role" => Key::Role,
        b"functionResponse" | b"function_response" => Key::Response,
        _ if PROSE.contains(&raw) => Key::Prose,
        // One that is written with escapes: what is said may stand behind it.
        _ if raw.contains(&b'\\') => Key::Prose,
        _ => Key::Other,
    }
}

fn tells_of_a_tool(key: Key, value: &[u8]) -> bool {
    match key {
        Key::Type => value.ends_with(b"tool_result") || value.ends_with(b"call_output"),
        Key::Role => matches!(value, b"tool" | b"function"),
        Key::Prose | Key::Response | Key::Other => false,
    }
}

/// Where the quote is that ends a string, and whether there is an escape before it.
fn string_end(body: &[u8], start: usize) -> Option<(usize, bool)> {
    let mut place = start;
    let mut escaped = false;
    loop {
        let next = place.checked_add(next_of(body.get(place..)?, b'"', b'\\')?)?;
        if body.get(next) == Some(&b'"') {
            return Some((next, escaped));
        }
        escaped = true;
        place = next.checked_add(2)?;
    }
}

impl Buffer {
    fn push(&mut self, raw: &[u8], place: usize, escaped: bool, goes_on: bool) {
        if raw.is_empty() {
            return;
        }
        if goes_on {
            if !self.text.is_empty() {
                self.joins.push(self.text.len());
            }
        } else {
            self.text.push(b'\n');
        }
        let start = self.text.len();
        let raw_end = place.saturating_add(raw.len());
        self.strings.push(Segment { start, raw: place, raw_end, escaped, tool: 0 });
        if escaped {
            unescaped(raw, &mut self.text);
        } else {
            self.text.extend_from_slice(raw);
        }
    }

    fn of_a_tool(&mut self, first: usize, number: u32) {
        for string in self.strings.iter_mut().skip(first) {
            string.tool = number;
        }
    }

    /// The texts that tools gave back, each with where it stands in the body, and of which result it is.
    fn of_tools(&self) -> impl Iterator<Item = (&[u8], Range<usize>, u32)> {
        self.strings.iter().enumerate().filter(|(_, string)| string.tool > 0).map(
            |(index, string)| {
                let text = self.text.get(string.start..self.end(index)).unwrap_or_default();
                (text, string.raw..string.raw_end, string.tool)
            },
        )
    }

    /// Where the text of a string ends.
    fn end(&self, index: usize) -> usize {
        let next = self.strings.get(index.saturating_add(1));
        let next = next.map_or(self.text.len(), |next| next.start);
        // Strings that are apart have a line feed between them.
        if self.joins.binary_search(&next).is_ok() || next == self.text.len() {
            next
        } else {
            next.saturating_sub(1)
        }
    }

    /// The bytes of the body that a part of the text stands for: a piece for each string. Who asks for several
    /// parts, in their order, gives the same cursor: no string is then gone through twice.
    pub(crate) fn raw(
        &self,
        body: &[u8],
        part: Range<usize>,
        cursor: &mut Cursor,
    ) -> Vec<Range<usize>> {
        let first = self.strings.partition_point(|string| string.start <= part.start);
        let mut pieces = Vec::new();
        for index in first.saturating_sub(1)..self.strings.len() {
            let Some(string) = self.strings.get(index).filter(|it| it.start < part.end) else {
                break;
            };
            let from = part.start.max(string.start).saturating_sub(string.start);
            let to = part.end.min(self.end(index)).saturating_sub(string.start);
            if from >= to {
                continue;
            }
            if !string.escaped {
                pieces.push(string.raw.saturating_add(from)..string.raw.saturating_add(to));
                continue;
            }
            let raw = body.get(string.raw..string.raw_end).unwrap_or_default();
            if cursor.string != index || cursor.done > from {
                *cursor = Cursor { string: index, raw: 0, done: 0 };
            }
            let (base, mut done, mut start, mut end) = (cursor.raw, cursor.done, None, 0);
            unescape(raw.get(base..).unwrap_or_default(), |bytes, span| {
                let span = base.saturating_add(span.start)..base.saturating_add(span.end);
                let next = done.saturating_add(bytes.len());
                if next > from && done < to {
                    let plain = span.len() == bytes.len();
                    let skip = if plain { from.saturating_sub(done) } else { 0 };
                    start.get_or_insert(span.start.saturating_add(skip));
                    end = if plain && next > to {
                        span.start.saturating_add(to.saturating_sub(done))
                    } else {
                        span.end
                    };
                }
                if next <= to {
                    (cursor.raw, cursor.done) = (span.end, next);
                }
                done = next;
                if next < to { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            });
            if let Some(start) = start {
                pieces.push(string.raw.saturating_add(start)..string.raw.saturating_add(end));
            }
        }
        pieces
    }
}

/// Gives the text of a JSON string in pieces, each with the place that it came from: some bytes without an
/// escape, or one escape.
fn unescape(raw: &[u8], mut give: impl FnMut(&[u8], Range<usize>) -> ControlFlow<()>) {
    let mut place = 0;
    while let Some(rest) = raw.get(place..).filter(|rest| !rest.is_empty()) {
        let near = rest.get(..PIECE).unwrap_or(rest);
        let plain = next_of(near, b'\\', b'\\').unwrap_or(near.len());
        let mut utf8 = [0; 4];
        let (bytes, length) = match plain {
            0 => escape(rest, &mut utf8),
            plain => (near.get(..plain).unwrap_or_default(), plain),
        };
        let end = place.saturating_add(length);
        if give(bytes, place..end).is_break() {
            return;
        }
        place = end;
    }
}

/// Adds the text of a JSON string.
fn unescaped(raw: &[u8], text: &mut Vec<u8>) {
    let mut place = 0;
    while let Some(rest) = raw.get(place..).filter(|rest| !rest.is_empty()) {
        let plain = next_of(rest, b'\\', b'\\').unwrap_or(rest.len());
        append(text, rest, plain);
        place = place.saturating_add(plain);
        let Some(rest) = rest.get(plain..).filter(|rest| !rest.is_empty()) else { return };
        let mut utf8 = [0; 4];
        let (bytes, length) = escape(rest, &mut utf8);
        match bytes {
            [byte] => text.push(*byte),
            bytes => text.extend_from_slice(bytes),
        }
        place = place.saturating_add(length);
    }
}

/// What the escape stands for that a text begins with, and how long it is.
fn escape<'a>(text: &'a [u8], utf8: &'a mut [u8; 4]) -> (&'a [u8], usize) {
    let simple: &[u8] = match text.get(1) {
        Some(b'n') => b"\n",
        Some(b'r') => b"\r",
        Some(b't') => b"\t",
        Some(b'b') => b"\x08",
        Some(b'f') => b"\x0c",
        Some(b'u') => {
            let (character, length) = unicode(text);
            return (character.encode_utf8(utf8).as_bytes(), length);
        }
        Some(_) => text.get(1..2).unwrap_or_default(),
        None => b"\\",
    };
    (simple, text.len().min(2))
}

/// The character of `\uXXXX`, of two of them for one beyond the first plane, and its length.
fn unicode(text: &[u8]) -> (char, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from.saturating_add(4))?;
        u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    let Some(first) = unit(2) else { return (char::REPLACEMENT_CHARACTER, text.len().min(2)) };
    if let Some(character) = char::from_u32(first) {
        return (character, 6);
    }
    let second = (text.get(6..8) == Some(b"\\u")).then(|| unit(8)).flatten();
    match second {
        Some(second) if (0xd800..0xdc00).contains(&first) && (0xdc00..0xe000).contains(&second) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
        }
        _ => (char::REPLACEMENT_CHARACTER, 6),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_said_is_one_text_and_all_else_is_apart() {
        let body = r#"{"system":"ab","messages":[{"role":"user","content":[{"type":"text","text":"cd"},{"type":"text","text":"\u0065f"}]},
            {"role":"tool","content":"g\nh"}],"tools":[{"name":"x"}]}"#;
        let texts = Texts::of(body.as_bytes()).unwrap();
        assert_eq!(texts.prose.text, b"abcdefg\nh");
        assert_eq!(texts.prose.joins, [2, 4, 6]);
        let rest = String::from_utf8(texts.rest.text.clone()).unwrap();
        assert!(rest.contains("\nname\nx") && !rest.contains("cd"), "{rest}");
        let raw = |range| -> Vec<&str> {
            texts
                .prose
                .raw(body.as_bytes(), range, &mut Cursor::default())
                .into_iter()
                .map(|span| &body[span])
                .collect()
        };
        assert_eq!(raw(3..6), ["d", "\\u0065f"]);
        assert_eq!(raw(5..9), ["f", "g\\nh"]);
        assert_eq!(raw(7..8), ["\\n"]);
        let tools: Vec<_> = texts.prose.of_tools().map(|(text, ..)| text).collect();
        assert_eq!(tools, [b"g\nh"]);
    }

    #[test]
    fn results_of_tools_are_known_whatever_the_order_of_keys() {
        for body in [
            r#"{"messages":[{"content":[{"content":[{"text":"R","type":"text"}],"type":"tool_result"},{"type":"text","text":"x"}]}]}"#,
            r#"{"input":[{"output":"R","type":"function_call_output"},{"content":"x"}]}"#,
            r#"{"messages":[{"content":"R","role":"tool"},{"role":"user","content":"x"}]}"#,
            r#"{"contents":[{"parts":[{"functionResponse":{"response":{"content":"R"}}},{"text":"x"}]}]}"#,
        ] {
            let texts = Texts::of(body.as_bytes()).unwrap();
            let found: Vec<_> = texts.prose.of_tools().map(|(text, ..)| text).collect();
            assert_eq!(found, [b"R"], "{body}");
        }
    }

    #[test]
    fn what_ends_early_is_no_body() {
        assert_eq!(Texts::of(br#"{"a":"b"#).unwrap_err(), Unsearchable::Json);
        assert_eq!(Texts::of(br#"{"a":"b\"#).unwrap_err(), Unsearchable::Json);
        let many = format!("[{}]", "\"a\",".repeat(MOST_STRINGS + 1));
        assert_eq!(Texts::of(many.as_bytes()).unwrap_err(), Unsearchable::Strings);
    }

    proptest! {
        /// Both ways to undo escapes agree.
        #[test]
        fn escapes_are_undone_the_same_way(raw in "(\\\\[nrtbfu\"/\\\\x]|\\\\u[0-9a-fd]{4}|[a-zé]{0,20}){0,30}\\\\?") {
            let mut text = Vec::new();
            unescaped(raw.as_bytes(), &mut text);
            let mut pieces = Vec::new();
            unescape(raw.as_bytes(), |bytes, _| {
                pieces.extend_from_slice(bytes);
                ControlFlow::Continue(())
            });
            prop_assert_eq!(text, pieces);
        }

        #[test]
        fn never_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(texts) = Texts::of(&body) {
                let length = texts.prose.text.len();
                drop(texts.prose.raw(&body, 0..length, &mut Cursor::default()));
            }
        }

        #[test]
        fn reads_as_serde_does(texts in prop::collection::vec(any::<String>(), 1..6)) {
            let body = serde_json::json!({"content": texts}).to_string();
            let read = Texts::of(body.as_bytes()).unwrap();
            prop_assert_eq!(String::from_utf8(read.prose.text.clone()).unwrap(), texts.concat());
            // Every part has a place in the body, and the place has the part.
            let mut cursor = Cursor::default();
            for end in 0..read.prose.text.len() {
                let pieces = read.prose.raw(body.as_bytes(), end..end + 1, &mut cursor);
                prop_assert_eq!(pieces.len(), 1);
                let anew = read.prose.raw(body.as_bytes(), end..end + 1, &mut Cursor::default());
                prop_assert_eq!(pieces, anew);
            }
        }
    }
}
