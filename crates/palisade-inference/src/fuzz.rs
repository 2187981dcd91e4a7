//! Ways in for `palisade-fuzz` to what is private here and reads bytes from outside. No part of the interface.

use palisade_core::ToolInput;
use serde_json::Value;

use crate::{
    body::Budget,
    endpoint,
    hosted::Frames,
    inspect::{Asked, Outlet, Ruling},
    model_field::ModelField,
    reading::Reading,
    scrub::Scrubber,
    sse::Reader,
    strict_json,
    translate::{Translation, Translator},
    websocket::{Decoder, Memory, Message, Said, Wish, read},
};

/// A wire format of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Chat Completions.
    Chat,
    /// OpenAI's Responses.
    Responses,
    /// Gemini's.
    Gemini,
}

impl Wire {
    fn inner(self) -> endpoint::Wire {
        match self {
            Wire::Messages => endpoint::Wire::Messages,
            Wire::Chat => endpoint::Wire::Chat,
            Wire::Responses => endpoint::Wire::Responses,
            Wire::Gemini => endpoint::Wire::Gemini,
        }
    }
}

/// What came of an answer.
#[derive(Debug, Default, PartialEq)]
pub struct Answered {
    /// The bytes that went on.
    pub out: Vec<u8>,
    /// All that was asked: the name of a tool and, where it has one reading, its input.
    pub asked: Vec<(String, Option<String>)>,
    /// Why it was not read on.
    pub error: Option<String>,
}

/// What is given in place of the input of a tool with `change` in its name.
pub const CHANGED: &str = "changed by a hook";

/// Denies tools with `bad` in their name, and what has no single reading or runs at the provider; changes the input of those
/// with `change`.
fn rule(asked: &Asked) -> Ruling {
    let Asked::Call(call) = asked else { return Ruling::Replace("not permitted".into()) };
    if call.name.contains("bad") {
        return Ruling::Replace("not \"permitted\"\n".into());
    }
    if call.name.contains("change") {
        return Ruling::Change(match call.input {
            ToolInput::Object(_) => {
                ToolInput::Object([("to".to_owned(), CHANGED.into())].into_iter().collect())
            }
            ToolInput::Text(_) => ToolInput::Text(CHANGED.into()),
        });
    }
    Ruling::Release
}

fn shown(asked: &Asked) -> (String, Option<String>) {
    match asked {
        Asked::Call(call) => {
            let input = match &call.input {
                ToolInput::Object(fields) => serde_json::to_string(fields).ok(),
                ToolInput::Text(text) => Some(text.clone()),
            };
            (call.name.clone(), input)
        }
        Asked::Unreadable { name, .. } => (name.clone(), None),
        Asked::AtProvider { kind, .. } => (kind.clone(), None),
    }
}

/// Sends an answer of events through in these pieces.
pub fn stream(wire: Wire, pieces: &[&[u8]]) -> Answered {
    let mut answered = Answered::default();
    let Some(stream) = wire.inner().stream() else { return answered };
    let mut reading = Reading::new(stream, &Budget::new(64 << 20));
    let ends = std::iter::once(None);
    for piece in pieces.iter().map(Some).chain(ends) {
        match piece {
            Some(piece) => reading.push(piece),
            None => reading.end(),
        }
        loop {
            let mut out = Outlet::default();
            let mut read = reading.advance(&mut out);
            let rulings: Vec<Ruling> = out.asked.iter().map(rule).collect();
            let asks = !rulings.is_empty();
            answered.asked.extend(out.asked.drain(..).map(|one| shown(&one)));
            if asks && read.is_ok() {
                read = reading.ruled(rulings, &mut out);
            }
            answered.out.extend_from_slice(&out.bytes);
            if let Err(why) = read {
                answered.error = Some(why.to_string());
                return answered;
            }
            if !asks {
                break;
            }
        }
    }
    answered
}

/// The same for an answer of JSON.
pub fn whole(wire: Wire, body: &[u8]) -> Answered {
    let mut answered = Answered::default();
    let Some(reader) = wire.inner().whole() else { return answered };
    let text = std::str::from_utf8(body).map_err(|error| error.to_string());
    let value = text.and_then(|text| strict_json::parse(text).map_err(|error| error.to_string()));
    let read = value.and_then(|value| {
        let asked = reader.asked(&value).map_err(|error| error.to_string())?;
        Ok((value, asked))
    });
    match read {
        Err(why) => answered.error = Some(why),
        Ok((value, asked)) => {
            let _usage = reader.usage(&value);
            let rulings: Vec<Ruling> = asked.iter().map(rule).collect();
            answered.asked = asked.iter().map(shown).collect();
            answered.out = reader.ruled(value, &rulings).to_string().into_bytes();
        }
    }
    answered
}

/// An event: the bytes it came as, its name, its data.
pub type Event = (Vec<u8>, Option<String>, Option<String>);

/// The events of a stream in these pieces, and why it is not read on.
pub fn events(pieces: &[&[u8]]) -> (Vec<Event>, Option<String>) {
    let mut reader = Reader::new(1 << 20);
    let mut all = Vec::new();
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.next() {
                Ok(Some(event)) => all.push((event.raw.to_vec(), event.name, event.data)),
                Ok(None) => break,
                Err(error) => return (all, Some(error.to_string())),
            }
        }
    }
    match reader.finish() {
        Ok(Some(event)) => all.push((event.raw.to_vec(), event.name, event.data)),
        Ok(None) => {}
        Err(error) => return (all, Some(error.to_string())),
    }
    (all, None)
}

/// AWS' binary events as events of Messages; whether it ended within one, or why it is damaged.
pub fn frames(pieces: &[&[u8]]) -> (Vec<u8>, Result<bool, String>) {
    let (mut frames, mut out) = (Frames::default(), Vec::new());
    for piece in pieces {
        match frames.push(piece) {
            Ok(bytes) => out.extend_from_slice(&bytes),
            Err(error) => return (out, Err(error.to_string())),
        }
    }
    (out, Ok(frames.is_cut()))
}

/// A stream past the scrubber for one key. `None`: it is too short.
pub fn scrub(key: &str, pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let mut scrubber = Scrubber::new(&key.into())?;
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&scrubber.push(bytes::Bytes::copy_from_slice(piece)));
    }
    out.extend_from_slice(&scrubber.finish());
    Some(out)
}

/// The model that a body names, and the body with another one.
pub fn renamed(body: &[u8], model: &str) -> Option<(String, Vec<u8>)> {
    let field = ModelField::of(body, 128).ok()?;
    let renamed = field.renamed(body, model)?;
    Some((field.model, renamed))
}

/// A request said in the other format: of Messages as of Chat Completions, or the other way round.
pub fn translated(to_chat: bool, body: &[u8]) -> Result<Vec<u8>, String> {
    let translation = if to_chat { Translation::ToChat } else { Translation::ToMessages };
    translation.request(body, "api.example.com").map(|bytes| bytes.to_vec())
}

/// An answer of JSON said in the other format.
pub fn translated_answer(to_chat: bool, body: &Value) -> Result<Value, String> {
    let translation = if to_chat { Translation::ToChat } else { Translation::ToMessages };
    drop(translation.error(body));
    translation.answer(body)
}

/// An answer of events said in the other format.
pub fn translated_stream(to_chat: bool, pieces: &[&[u8]]) -> Vec<u8> {
    let translation = if to_chat { Translation::ToChat } else { Translation::ToMessages };
    let (mut translator, mut out) = (Translator::new(translation), Vec::new());
    for piece in pieces {
        out.extend_from_slice(&translator.push(piece));
    }
    out.extend_from_slice(&translator.finish());
    out
}

/// The request that a message of a WebSocket's client is over HTTP, if it is one, behind an answer `resp_1`.
pub fn created(message: &str) -> Option<Vec<u8>> {
    let mut memory = Memory::new(&Budget::new(1 << 20), 1 << 20);
    let said = Said { items: "{\"type\":\"message\"}".into(), ..Said::default() };
    memory.keep("resp_1".into(), said, &[]);
    match read(message, 128, &memory) {
        Ok(Wish::Create(create)) => Some(create.body),
        Ok(Wish::Processed) | Err(_) => None,
    }
}

/// The texts of a WebSocket's client, and why it is not read on.
pub fn messages(pieces: &[&[u8]]) -> (Vec<String>, Option<String>) {
    let (mut decoder, mut all) = (Decoder::new(1 << 20), Vec::new());
    for piece in pieces {
        decoder.buffer().extend_from_slice(piece);
        loop {
            match decoder.next() {
                Ok(Some(Message::Text(text))) => all.push(text),
                Ok(Some(Message::Ping(_) | Message::Pong | Message::Close)) => {}
                Ok(None) => break,
                Err(error) => return (all, Some(error.to_string())),
            }
        }
    }
    (all, None)
}
