//! Server-sent events, as they come in pieces and as they go on.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream>

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// One event, and the bytes that it came as. Put together, the bytes of all events are the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) raw: Bytes,
    /// Its `event` field.
    pub(crate) name: Option<String>,
    /// Its `data` fields, joined; none if it has none and so says nothing.
    pub(crate) data: Option<String>,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SseError {
    #[error("an event is larger than {0} bytes")]
    TooLarge(usize),
    #[error("an event is not UTF-8")]
    Utf8,
    #[error("an event has a line within a line, for clients that end lines at other characters")]
    Hidden,
    #[error("an event has a line that is neither a comment nor a field of an event stream")]
    Line,
}

/// Cuts a stream into its events.
#[derive(Debug)]
pub(crate) struct Reader {
    buffer: BytesMut,
    /// Up to here no end of a line is left unseen.
    scanned: usize,
    /// Where the line begins that is looked at.
    line: usize,
    /// Whether nothing has been cut off yet: only there a byte order mark means nothing.
    first: bool,
    most: usize,
}

impl Reader {
    /// No event is larger than `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Self { buffer: BytesMut::new(), scanned: 0, line: 0, first: true, most }
    }

    pub(crate) fn push(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// How many bytes wait for their event to be whole.
    pub(crate) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// The next event that is whole.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, SseError> {
        while let Some(found) =
            self.buffer.get(self.scanned..).and_then(|rest| memchr2(b'\r', b'\n', rest))
        {
            let end = self.scanned.saturating_add(found);
            let after = match (self.buffer.get(end), self.buffer.get(end.saturating_add(1))) {
                // If a line feed follows, it belongs to this end.
                (Some(b'\r'), None) => {
                    self.scanned = end;
                    return self.unfinished();
                }
                (Some(b'\r'), Some(b'\n')) => end.saturating_add(2),
                _ => end.saturating_add(1),
            };
            let marked = self.first && self.line == 0 && self.buffer.starts_with(BOM);
            let begin = if marked { BOM.len() } else { self.line };
            self.scanned = after;
            self.line = after;
            if begin == end {
                return self.cut(after).map(Some);
            }
        }
        self.scanned = self.buffer.len();
        self.unfinished()
    }

    /// What is left at the end of the stream. Some clients read an event that no blank line ends.
    pub(crate) fn finish(&mut self) -> Result<Option<Event>, SseError> {
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.cut(self.buffer.len()).map(Some)
    }

    fn unfinished(&self) -> Result<Option<Event>, SseError> {
        if self.buffer.len() > self.most {
            return Err(SseError::TooLarge(self.most));
        }
        Ok(None)
    }

    fn cut(&mut self, length: usize) -> Result<Event, SseError> {
        if length > self.most {
            return Err(SseError::TooLarge(self.most));
        }
        let raw = self.buffer.split_to(length).freeze();
        let skipped = if self.first && raw.starts_with(BOM) { BOM.len() } else { 0 };
        self.scanned = 0;
        self.line = 0;
        self.first = false;
        let text = std::str::from_utf8(raw.get(skipped..).unwrap_or_default());
        let text = text.map_err(|_| SseError::Utf8)?;
        if hides(text) {
            return Err(SseError::Hidden);
        }
        let (name, data) = fields(text)?;
        Ok(Event { raw, name, data })
    }
}

/// Whether a client that takes more characters for ends of lines than there are (Python's `splitlines`
/// does) would find a field where there is none.
fn hides(text: &str) -> bool {
    const ENDS: [char; 9] =
        ['\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}', '\u{0}'];
    // All others begin with one of these bytes.
    let rare = |byte: u8| byte < 0x1f && !matches!(byte, b'\r' | b'\n' | b'\t');
    if !text.bytes().any(|byte| rare(byte) || matches!(byte, 0xc2 | 0xe2)) {
        return false;
    }
    let mut pieces = text.split(ENDS).skip(1);
    pieces.any(|piece| piece.starts_with("data") || piece.starts_with("event"))
}

/// The event's name and its data.
///
/// The standard has a client pass over a line that is no field. Real ones do not agree on what that is: the
/// JavaScript clients of Anthropic and OpenAI take a byte order mark off the front of every line, and
/// Google's takes off every blank and reads all that follows `data:` up to the next empty line. Such a line
/// is therefore an error, which also leaves no text that is an event stream and JSON at the same time.
fn fields(text: &str) -> Result<(Option<String>, Option<String>), SseError> {
    let mut name = None;
    let mut data: Option<String> = None;
    let mut rest = text;
    while !rest.is_empty() {
        // Between the two bytes of one end there is an empty line, which says nothing.
        let end = memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = (!value.is_empty()).then(|| value.to_owned()),
            "data" => match &mut data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => data = Some(value.to_owned()),
            },
            // An empty one is the end of the event, or a comment.
            "" | "id" | "retry" => {}
            _ => return Err(SseError::Line),
        }
    }
    Ok((name, data))
}

/// An event as this crate writes one.
pub(crate) fn encoded(name: Option<&str>, data: &serde_json::Value) -> Bytes {
    match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n").into(),
        None => format!("data: {data}\n\n").into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(chunks: &[&[u8]]) -> Result<Vec<Event>, SseError> {
        let mut reader = Reader::new(4096);
        let mut events = Vec::new();
        for chunk in chunks {
            reader.push(chunk);
            while let Some(event) = reader.next()? {
                events.push(event);
            }
        }
        events.extend(reader.finish()?);
        Ok(events)
    }

    fn told(stream: &str) -> Vec<(Option<String>, Option<String>)> {
        let events = read(&[stream.as_bytes()]).unwrap();
        let all: Vec<u8> = events.iter().flat_map(|event| event.raw.to_vec()).collect();
        assert_eq!(all, stream.as_bytes());
        events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    fn pair(name: Option<&str>, data: Option<&str>) -> (Option<String>, Option<String>) {
        (name.map(str::to_owned), data.map(str::to_owned))
    }

    #[test]
    fn every_end_of_a_line_is_one() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = format!("event: a{end}data: 1{end}{end}data:2{end}data{end}: c{end}{end}");
            assert_eq!(told(&stream), [pair(Some("a"), Some("1")), pair(None, Some("2\n"))]);
        }
        assert_eq!(told("\u{feff}data: 1\n\n")[0], pair(None, Some("1")));
        assert_eq!(told("\u{feff}\ndata: 1\n\n"), [pair(None, None), pair(None, Some("1"))]);
        assert_eq!(told(": hello\n\n"), [pair(None, None)]);
        assert_eq!(
            told("data: \u{2028}x\n\ndata: y"),
            [pair(None, Some("\u{2028}x")), pair(None, Some("y")),]
        );
        assert_eq!(told("id: 1\ndata:  two\nretry: 3\n\n"), [pair(None, Some(" two"))]);
    }

    #[test]
    fn what_is_no_text_or_does_not_end_is_refused() {
        assert_eq!(read(&[b"data: \xff\n\n"]), Err(SseError::Utf8));
        assert_eq!(read(&[b": x\x0bdata: 1\n\n"]), Err(SseError::Hidden));
        assert_eq!(read(&["data: \u{2028}event: x\n\n".as_bytes()]), Err(SseError::Hidden));
        assert_eq!(read(&[&[b'x'; 5000]]), Err(SseError::TooLarge(4096)));
        assert_eq!(
            read(&[&[b'x'; 3000], &[b'\n'; 1], &[b'x'; 3000]]),
            Err(SseError::TooLarge(4096))
        );
    }

    #[test]
    fn a_line_that_some_client_takes_for_a_field_is_refused() {
        for line in [
            "\u{feff}data: 2",
            "\u{feff}event: x",
            " data: 2",
            "\tdata: 2",
            "\u{a0}data: 2",
            "\u{feff}",
            "DATA: 2",
            "data:\n{\"candidates\":[]}",
            "{\"content\":[]}",
            "dataset: 2",
        ] {
            let stream = format!("data: 1\n\n{line}\n\n");
            assert_eq!(read(&[stream.as_bytes()]), Err(SseError::Line), "{line:?}");
        }
        assert_eq!(read(&[b"{\"content\":[]}"]), Err(SseError::Line));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_events(
            stream in "\u{feff}?((data|event|id|)(: |:)(1|é|x)?(\r|\n|\r\n|\n\n)){0,20}",
            cuts in prop::collection::vec(0usize..200, 0..20),
        ) {
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.push(bytes.len());
            cuts.sort_unstable();
            let mut from = 0;
            let chunks: Vec<&[u8]> = cuts.iter().map(|to| {
                let chunk = &bytes[from..*to];
                from = *to;
                chunk
            }).collect();
            let whole = read(&[bytes]).unwrap();
            prop_assert_eq!(&read(&chunks).unwrap(), &whole);
            let all: Vec<u8> = whole.iter().flat_map(|event| event.raw.to_vec()).collect();
            prop_assert_eq!(all, bytes);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(read(&[&bytes]));
        }
    }
}
