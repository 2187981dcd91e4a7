//! Tool calls in answers: each is held until it is whole, decided, and then let go as it came or
//! replaced by a text that says why not.
//!
//! A [`Stream`] is one answer of events and a [`Whole`] one of JSON, in one wire format. They do no I/O:
//! they take events, give bytes, and ask ([`Asked`]) what a [`Judge`] rules on ([`Ruling`]). The order of
//! a stream is kept: what comes after the first byte of a call waits for it.

mod anthropic;
mod chat;
mod gemini;
mod judge;
mod responses;
mod server_tool;

use bytes::{Bytes, BytesMut};
use palisade_core::{ToolCall, ToolInput};
use serde_json::Value;

pub(crate) use anthropic::{MessageStream, WholeMessage};
pub(crate) use chat::{ChatStream, WholeChat};
pub(crate) use gemini::{GeminiStream, WholeGemini};
pub(crate) use judge::{Judge, not_named};
pub(crate) use responses::{ResponseStream, WholeResponse};
pub use server_tool::ServerTool;

use crate::{
    model_field::BodyError,
    observe::Usage,
    sse::{Event, SseError},
    strict_json,
};

/// How many bytes of one answer are held at a time.
pub(crate) const MOST_HELD: usize = 16 << 20;
/// How large an answer may be that does not stream.
pub(crate) const MOST_WHOLE: usize = 64 << 20;
/// How many parts (blocks, items) an answer may have.
const MOST_PARTS: usize = 4096;

/// What an answer holds that has to be ruled on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Asked {
    /// A call of a tool that the agent runs.
    Call(ToolCall),
    /// One that has no single reading.
    Unreadable { name: String, id: Option<String>, why: String },
    /// Something of a tool that runs at the provider.
    AtProvider { tool: Option<ServerTool>, kind: String },
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ruling {
    /// It goes on as it came.
    Release,
    /// It goes on with another input.
    Change(ToolInput),
    /// This text stands in its place.
    Replace(String),
}

/// How many of these were not let go.
pub(crate) fn denied(rulings: &[Ruling]) -> usize {
    rulings.iter().filter(|ruling| matches!(ruling, Ruling::Replace(_))).count()
}

/// Why an answer is not passed on from here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("an event of the answer cannot be read: {0}")]
    Json(#[from] BodyError),
    #[error("the answer cannot be read: {0}")]
    Sse(#[from] SseError),
    #[error("the answer is not as its format demands: {0}")]
    Format(&'static str),
    #[error("more than {MOST_HELD} bytes of the answer belong to one tool call")]
    Held,
    #[error("too much of this and of other answers waits to be whole; try again later")]
    Crowded,
    #[error("the answer is larger than {MOST_WHOLE} bytes")]
    Large,
    #[error("the answer ended in the middle of a tool call")]
    Ended,
}

/// What a stream gives back.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    /// What may go on.
    pub(crate) bytes: BytesMut,
    /// What must be ruled on before another event is given to the stream.
    pub(crate) asked: Vec<Asked>,
    pub(crate) usage: Option<Usage>,
    /// Kinds of events that are not known, and so were left out.
    pub(crate) left_out: Vec<String>,
    /// What the answer and its items are known by at the provider.
    pub(crate) ids: Vec<String>,
}

impl Outlet {
    fn pass(&mut self, raw: &[u8]) {
        self.bytes.extend_from_slice(raw);
    }
}

/// An answer that comes as events.
pub(crate) trait Stream: Send {
    /// The next event.
    fn event(&mut self, event: Event, out: &mut Outlet) -> Result<(), Unreadable>;

    /// The rulings on all that was asked, in the same order.
    fn ruled(&mut self, rulings: Vec<Ruling>, out: &mut Outlet) -> Result<(), Unreadable>;

    /// The stream has ended. May ask once more.
    fn finish(&mut self, out: &mut Outlet) -> Result<(), Unreadable>;

    /// How many bytes of memory what waits for its end takes, about.
    fn held(&self) -> usize;

    /// An event that means nothing, for a client that has heard nothing for a while.
    fn idle(&self) -> Bytes {
        Bytes::from_static(b": a tool call is being decided\n\n")
    }

    /// The format's own event for an error.
    fn error(&self, message: &str) -> Bytes;
}

/// An answer that comes at once.
pub(crate) trait Whole: Send {
    /// All that is to be ruled on in it.
    fn asked(&self, body: &Value) -> Result<Vec<Asked>, Unreadable>;

    /// The body with these rulings, in the same order.
    fn ruled(&self, body: Value, rulings: &[Ruling]) -> Value;

    fn usage(&self, body: &Value) -> Option<Usage>;

    /// What the answer and its items are known by at a provider that stores them.
    fn ids(&self, _: &Value) -> Vec<String> {
        Vec::new()
    }
}

/// The events that wait, and how large they are.
#[derive(Debug, Default)]
struct Held {
    events: Vec<(Event, Option<Value>)>,
    bytes: usize,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Each event stands as bytes and as a value, and a short one takes more for its parts than for its text.
    fn weight(&self) -> usize {
        let parts = self.events.len().saturating_mul(512);
        self.bytes.saturating_mul(2).saturating_add(parts)
    }

    /// Passes what is no part of a call; behind one, in its order.
    fn pass_or_hold(
        &mut self,
        event: Event,
        value: Option<Value>,
        out: &mut Outlet,
    ) -> Result<(), Unreadable> {
        if self.is_empty() {
            out.pass(&event.raw);
            return Ok(());
        }
        self.push(event, value)
    }

    fn push(&mut self, event: Event, value: Option<Value>) -> Result<(), Unreadable> {
        self.bytes = self.bytes.saturating_add(event.raw.len());
        if self.bytes > MOST_HELD {
            return Err(Unreadable::Held);
        }
        self.events.push((event, value));
        Ok(())
    }

    fn take(&mut self) -> Vec<(Event, Option<Value>)> {
        self.bytes = 0;
        std::mem::take(&mut self.events)
    }
}

/// What an event says, if it says anything. Text that is not JSON is an error.
fn value(event: &Event) -> Result<Option<Value>, Unreadable> {
    match event.data.as_deref() {
        None | Some("" | "[DONE]") => Ok(None),
        Some(data) => {
            let value = strict_json::parse(data)?;
            one_spelling(&value)?;
            Ok(Some(value))
        }
    }
}

/// Where an answer has what an agent does, and what that stands in.
const PLACES: [&str; 16] = [
    "candidates",
    "choices",
    "content",
    "content_block",
    "delta",
    "function",
    "function_call",
    "index",
    "item",
    "message",
    "name",
    "output",
    "parts",
    "response",
    "tool_calls",
    "type",
];

/// Refuses an answer that has one of these places twice, in small and in capital letters: to a reader that does not tell
/// them apart, as those of Go do not, the last one counts.
pub(crate) fn one_spelling(value: &Value) -> Result<(), Unreadable> {
    match value {
        Value::Array(list) => list.iter().try_for_each(one_spelling),
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| {
            let other = |place: &&&str| key.eq_ignore_ascii_case(place) && key != **place;
            let place = PLACES.iter().find(other);
            if place.is_some_and(|place| fields.contains_key(*place)) {
                return Err(Unreadable::Format("it has a key twice, in small and capital letters"));
            }
            // What a tool is given is not the format's.
            match PLACES.contains(&key.as_str()) {
                true => one_spelling(value),
                false => Ok(()),
            }
        }),
        _ => Ok(()),
    }
}

/// Whether a part of a message could be a call in another spelling: parts only say something.
fn may_be_call(part: &Value) -> bool {
    text(part, "type").is_some_and(|kind| {
        let lower = kind.to_ascii_lowercase();
        ["tool", "call", "function"].iter().any(|word| lower.contains(word))
    })
}

/// Whether one of the parts in this field of a message could.
fn has_call(message: &Value, field: &str) -> bool {
    message.get(field).and_then(Value::as_array).is_some_and(|parts| parts.iter().any(may_be_call))
}

/// The kind of an event of a format in which it is told twice, and has to be the same both times.
fn kind<'a>(event: &Event, value: &'a Value) -> Result<&'a str, Unreadable> {
    let kind = text(value, "type").ok_or(Unreadable::Format("an event has no `type`"))?;
    match &event.name {
        Some(name) if name != kind => Err(Unreadable::Format("an event's name is not its `type`")),
        _ => Ok(kind),
    }
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

/// Arguments that come as a text of JSON. None at all is how some models call a tool that needs none.
fn object(arguments: &str) -> Result<ToolInput, String> {
    if arguments.is_empty() {
        return Ok(ToolInput::Object(serde_json::Map::new()));
    }
    match strict_json::parse(arguments) {
        Ok(Value::Object(fields)) => Ok(ToolInput::Object(fields)),
        Ok(_) => Err("its input is not an object".into()),
        Err(error) => Err(format!("its input is not read: {error}")),
    }
}

/// Sets a field of an object. What is none stays as it is.
pub(crate) fn set(value: &mut Value, key: &str, to: impl Into<Value>) {
    if let Some(fields) = value.as_object_mut() {
        fields.insert(key.into(), to.into());
    }
}

fn shown(kind: &str) -> String {
    kind.chars().take(60).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
pub(crate) mod testing;
