//! Marks that stood for secrets in a prompt, turned back in what the client gets: a command with a mark in it
//! would fail. Nothing that leaves is touched by this; the next prompt is redacted as the one before was.
//!
//! Only what the client had sent itself comes back ([`Marks::secret`]). A mark may be cut between two events of a stream: what
//! may be the beginning of one is held until it is known. Thoughts stay as they came, since they are signed.

use std::{borrow::Cow, sync::Arc};

use bytes::{Bytes, BytesMut};
use serde_json::Value;

use crate::{
    endpoint::Wire,
    reading::MOST_EVENT,
    redact::Marks,
    sse::{Event, Reader, SseError},
};

const OPENS: &str = "[palisade:";
/// No mark is longer.
const LONGEST: usize = 64;
/// Texts that are signed, or names.
const LEFT: [&str; 6] =
    ["thinking", "signature", "encrypted_content", "thoughtSignature", "id", "name"];
/// What calls of tools are made of, and all that is below.
const CALLS: [&str; 7] =
    ["arguments", "partial_json", "input", "args", "action", "operation", "code"];

/// Turns marks back.
#[derive(Debug, Clone)]
pub(crate) struct Restorer {
    marks: Arc<Marks>,
}

/// The same for a stream of events.
pub(crate) struct Restoring {
    restorer: Restorer,
    wire: Wire,
    reader: Reader,
    held: Option<Held>,
}

/// The end of a text that may be the beginning of a mark.
struct Held {
    /// The event that it came in.
    name: Option<String>,
    event: Value,
    place: Place,
    text: String,
}

/// Where the text of an event is, and which text it goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    pointer: String,
    /// Whether it is what a call of a tool is made of.
    call: bool,
    /// What distinguishes it from other texts of the stream.
    of: String,
}

impl Restorer {
    pub(crate) fn new(marks: Arc<Marks>) -> Self {
        Self { marks }
    }

    /// A text with its marks turned back; as it was, if it has none.
    fn text<'a>(&self, text: &'a str, call: bool) -> Cow<'a, str> {
        if !text.contains(OPENS) {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(OPENS) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let end = from.bytes().take(LONGEST).position(|byte| byte == b']');
            let mark = end.and_then(|end| from.get(..=end));
            let secret = mark.and_then(|mark| Some((mark, self.marks.secret(mark)?)));
            match secret.filter(|(_, secret)| !call || is_one_word(secret)) {
                Some((mark, secret)) => {
                    out.push_str(&secret);
                    rest = from.get(mark.len()..).unwrap_or_default();
                }
                None => {
                    out.push_str(OPENS);
                    rest = from.get(OPENS.len()..).unwrap_or_default();
                }
            }
        }
        out.push_str(rest);
        Cow::Owned(out)
    }

    /// All texts of a value.
    pub(crate) fn value(&self, value: &mut Value) {
        self.below(value, "", false);
    }

    /// Whether there may be a mark in these bytes.
    pub(crate) fn may_be_in(bytes: &[u8]) -> bool {
        memchr::memmem::find(bytes, b"palisade:").is_some()
    }

    fn below(&self, value: &mut Value, key: &str, call: bool) {
        let call = call || CALLS.contains(&key);
        match value {
            Value::String(text) => {
                if !LEFT.contains(&key)
                    && let Cow::Owned(restored) = self.text(text, call)
                {
                    *text = restored;
                }
            }
            Value::Array(items) => {
                items.iter_mut().for_each(|item| self.below(item, key, call));
            }
            Value::Object(members) => {
                members.iter_mut().for_each(|(key, member)| self.below(member, key, call));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Whether a secret is one word wherever it comes to stand. Rules have decided a call with the mark in it: what takes the
/// mark's place there must not be more than a word to a shell, nor lead out of a folder. Who can have an agent read a key can
/// choose what is between its lines.
fn is_one_word(secret: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.+/=:@".contains(&byte);
    secret.bytes().all(plain) && !secret.starts_with(['-', '/']) && !secret.contains("..")
}

impl Restoring {
    pub(crate) fn new(restorer: Restorer, wire: Wire) -> Self {
        Self { restorer, wire, reader: Reader::new(MOST_EVENT), held: None }
    }

    /// The events that these bytes complete. `rest` tells that no more will come.
    pub(crate) fn push(&mut self, bytes: &Bytes, rest: bool) -> Result<Bytes, SseError> {
        self.reader.push(bytes);
        let mut out = BytesMut::new();
        while let Some(event) = self.reader.next()? {
            self.event(&event, &mut out);
        }
        if rest {
            if let Some(event) = self.reader.finish()? {
                self.event(&event, &mut out);
            }
            self.flush(&mut out);
        }
        Ok(out.freeze())
    }

    fn event(&mut self, event: &Event, out: &mut BytesMut) {
        let value = event.data.as_ref().and_then(|data| serde_json::from_str::<Value>(data).ok());
        let place = value.as_ref().and_then(|value| place(self.wire, value));
        let same = match (&self.held, &place) {
            (Some(held), Some(place)) => held.place == *place,
            _ => false,
        };
        // What is no event of the answer says nothing of where a text ends.
        let silent = event.data.is_none() || (value.is_some() && is_ping(value.as_ref()));
        if !same && !silent {
            self.flush(out);
        }
        let marked = event.data.as_deref().is_some_and(|data| data.contains('['));
        let Some(mut value) = value.filter(|_| marked || same) else {
            out.extend_from_slice(&event.raw);
            return;
        };
        let Some(place) = place else {
            let before = value.clone();
            self.restorer.value(&mut value);
            match value == before {
                true => out.extend_from_slice(&event.raw),
                false => write(event.name.as_deref(), &value, out),
            }
            return;
        };
        let Some(Value::String(text)) = value.pointer_mut(&place.pointer) else {
            out.extend_from_slice(&event.raw);
            return;
        };
        let held = self.held.take().filter(|_| same).map(|held| held.text).unwrap_or_default();
        let whole = format!("{held}{text}");
        let (known, tail) = whole.split_at(unsure(&whole));
        let restored = self.restorer.text(known, place.call);
        if held.is_empty() && tail.is_empty() && matches!(restored, Cow::Borrowed(_)) {
            out.extend_from_slice(&event.raw);
            return;
        }
        *text = restored.into_owned();
        if tail.is_empty() || !text.is_empty() || carries_more(self.wire, &value) {
            write(event.name.as_deref(), &value, out);
        }
        if !tail.is_empty() {
            let (name, text) = (event.name.clone(), tail.to_owned());
            self.held = Some(Held { name, event: value, place, text });
        }
    }

    /// What was held is no beginning of a mark.
    fn flush(&mut self, out: &mut BytesMut) {
        let Some(mut held) = self.held.take() else { return };
        let text = self.restorer.text(&held.text, held.place.call).into_owned();
        if let Some(place) = held.event.pointer_mut(&held.place.pointer) {
            *place = Value::String(text);
        }
        write(held.name.as_deref(), &held.event, out);
    }
}

fn is_ping(value: Option<&Value>) -> bool {
    value.and_then(|value| value.get("type")).and_then(Value::as_str) == Some("ping")
}

/// Whether an event is about more than its text: how it ends, what it took.
fn carries_more(wire: Wire, value: &Value) -> bool {
    match wire {
        Wire::Messages | Wire::Responses | Wire::Nothing => false,
        Wire::Chat | Wire::Gemini => {
            let ends = [
                "/choices/0/finish_reason",
                "/candidates/0/finishReason",
                "/usage",
                "/usageMetadata",
                "/choices/0/delta/role",
            ];
            ends.iter().any(|at| value.pointer(at).is_some_and(|it| !it.is_null()))
        }
    }
}

/// The text that an event adds to, if it adds to one.
fn place(wire: Wire, event: &Value) -> Option<Place> {
    let shown = |keys: &[&str]| {
        keys.iter().map(|key| event.pointer(key).unwrap_or(&Value::Null).to_string()).collect()
    };
    let at = |pointer: &str, call: bool, of: Vec<String>| {
        let text = event.pointer(pointer).is_some_and(Value::is_string);
        text.then(|| Place { pointer: pointer.to_owned(), call, of: of.join(" ") })
    };
    match wire {
        Wire::Nothing => None,
        Wire::Messages => at("/delta/text", false, shown(&["/index"]))
            .or_else(|| at("/delta/partial_json", true, shown(&["/index"]))),
        Wire::Responses => {
            let kind = event.get("type")?.as_str()?.strip_suffix(".delta")?;
            // Reasoning goes back to the provider as it came.
            if kind.contains("reasoning") {
                return None;
            }
            at(
                "/delta",
                !matches!(kind, "response.output_text" | "response.refusal"),
                shown(&["/type", "/item_id", "/content_index"]),
            )
        }
        Wire::Chat => {
            if event.pointer("/choices/1").is_some() {
                return None;
            }
            let call = "/choices/0/delta/tool_calls/0";
            let calls = event.pointer("/choices/0/delta/tool_calls/1").is_none();
            at("/choices/0/delta/content", false, shown(&["/choices/0/index"])).or_else(|| {
                let index = format!("{call}/index");
                let of = shown(&["/choices/0/index", &index]);
                at(&format!("{call}/function/arguments"), true, of).filter(|_| calls)
            })
        }
        Wire::Gemini => {
            let one =
                event.pointer("/candidates/1").or(event.pointer("/candidates/0/content/parts/1"));
            let thought = event.pointer("/candidates/0/content/parts/0/thought").is_some();
            at("/candidates/0/content/parts/0/text", false, Vec::new())
                .filter(|_| one.is_none() && !thought)
        }
    }
}

/// Where the end of a text begins that may be the beginning of a mark.
fn unsure(text: &str) -> usize {
    let Some(at) = text.rfind('[') else { return text.len() };
    let tail = text.get(at..).unwrap_or_default();
    let inner = tail.get(OPENS.len()..).unwrap_or_default();
    let begins = OPENS.starts_with(tail) || tail.starts_with(OPENS);
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-:".contains(&byte);
    let open = begins && tail.len() < LONGEST && inner.bytes().all(plain);
    if open { at } else { text.len() }
}

fn write(name: Option<&str>, value: &Value, out: &mut BytesMut) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(value.to_string().as_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "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";

    fn restorer() -> (Restorer, String) {
        let marks = Marks::keeping();
        let mark = marks.of("github-token", SECRET.as_bytes());
        (Restorer::new(Arc::new(marks)), mark)
    }

    fn delta(wire: Wire, text: &str) -> Value {
        match wire {
            Wire::Messages => {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
            }
            Wire::Chat => {
                json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
            }
            Wire::Responses => {
                json!({"type": "response.output_text.delta", "item_id": "i", "content_index": 0, "delta": text})
            }
            Wire::Gemini => json!({"candidates": [{"content": {"parts": [{"text": text}]}}]}),
            Wire::Nothing => Value::Null,
        }
    }

    fn joined(wire: Wire, stream: &[u8]) -> String {
        let mut reader = Reader::new(MOST_EVENT);
        reader.push(stream);
        let mut out = String::new();
        while let Some(event) = reader.next().unwrap() {
            let value: Value = serde_json::from_str(event.data.as_deref().unwrap()).unwrap();
            if let Some(place) = place(wire, &value) {
                out.push_str(value.pointer(&place.pointer).unwrap().as_str().unwrap());
            }
        }
        out
    }

    proptest! {
        #[test]
        fn a_mark_is_turned_back_however_it_is_cut(
            before in "[a-z\\[ ]{0,8}", after in "[a-z\\]\\[ ]{0,8}", cuts in prop::collection::vec(0_usize..60, 0..6), bytes in 1_usize..200
        ) {
            let (restorer, mark) = restorer();
            let text = format!("{before}{mark}{after}");
            for wire in [Wire::Messages, Wire::Chat, Wire::Responses, Wire::Gemini] {
                let mut at: Vec<usize> = cuts.iter().map(|cut| (*cut).min(text.len())).collect();
                at.extend([0, text.len()]);
                at.sort_unstable();
                let stream: String = at
                    .windows(2)
                    .map(|two| format!("data: {}\n\n", delta(wire, &text[two[0]..two[1]])))
                    .collect();
                let mut restoring = Restoring::new(restorer.clone(), wire);
                let mut out = Vec::new();
                for chunk in stream.as_bytes().chunks(bytes) {
                    out.extend_from_slice(&restoring.push(&Bytes::copy_from_slice(chunk), false).unwrap());
                }
                out.extend_from_slice(&restoring.push(&Bytes::new(), true).unwrap());
                prop_assert_eq!(joined(wire, &out), format!("{}{}{}", before, SECRET, after));
            }
        }

        #[test]
        fn a_stream_without_marks_passes_byte_for_byte(texts in prop::collection::vec("[a-z ,.]{0,12}", 0..6)) {
            let (restorer, _) = restorer();
            let stream: String = texts
                .iter()
                .map(|text| format!("event: x\ndata:{}\n\n: note\n\n", delta(Wire::Messages, text)))
                .collect();
            let mut restoring = Restoring::new(restorer, Wire::Messages);
            let out = restoring.push(&Bytes::from(stream.clone()), true).unwrap();
            prop_assert_eq!(&out[..], stream.as_bytes());
        }
    }

    #[test]
    fn a_call_gets_a_word_and_nothing_that_is_more_to_a_shell() {
        let marks = Marks::keeping();
        let key = "-----BEGIN KEY-----\n'\nsh /w/x\n'\n-----END KEY-----";
        let mark = marks.of("private-key", key.as_bytes());
        let token = marks.of("github-token", SECRET.as_bytes());
        let path = marks.of("aws-secret-key", b"a/../../b");
        let restorer = Restorer::new(Arc::new(marks));
        let mut value = json!({"content": [
            {"type": "thinking", "thinking": mark, "signature": "s"},
            {"type": "text", "text": mark},
            {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": format!("echo '{mark}' {token} {path}")}},
            {"function": {"arguments": json!({"command": format!("{mark}{token}")}).to_string()}},
            {"functionCall": {"args": {"all": [mark]}}},
        ]});
        restorer.value(&mut value);
        assert_eq!(value["content"][0]["thinking"], mark);
        assert_eq!(value["content"][1]["text"], key);
        let command = format!("echo '{mark}' {SECRET} {path}");
        assert_eq!(value["content"][2]["input"]["command"], command);
        let inner = value["content"][3]["function"]["arguments"].as_str().unwrap();
        let inner: Value = serde_json::from_str(inner).unwrap();
        assert_eq!(inner["command"], format!("{mark}{SECRET}"));
        assert_eq!(value["content"][4]["functionCall"]["args"]["all"][0], mark);
        for event in [
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": mark}}),
            json!({"type": "response.custom_tool_call_input.delta", "item_id": "i", "delta": mark}),
        ] {
            let wire = if event.get("index").is_some() { Wire::Messages } else { Wire::Responses };
            let mut restoring = Restoring::new(restorer.clone(), wire);
            let stream = format!("data: {event}\n\n");
            let out = restoring.push(&Bytes::from(stream), true).unwrap();
            let out = String::from_utf8_lossy(&out);
            assert!(out.contains(&mark) && !out.contains("sh /w/x"), "{out}");
        }
    }

    #[test]
    fn a_secret_of_the_operators_stays_outside() {
        let marks = Marks::keeping();
        let mark = marks.of("credential", b"the-operators-own");
        let restorer = Restorer::new(Arc::new(marks));
        assert_eq!(restorer.text(&mark, false), mark);
        assert_eq!(
            restorer.text("[palisade:github-token:9] [palisade:", false),
            "[palisade:github-token:9] [palisade:"
        );
    }
}
