use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};

use super::{
    Translation,
    answer::{finish_reason, stop_reason, usage_of_completion, usage_of_message},
    items, text,
};
use crate::{
    inspect::set,
    reading::MOST_EVENT,
    sse::{Event, Reader, encoded},
    strict_json,
};

/// Says a stream of events in the other format. What it gets was inspected before, so that it is as its
/// format demands.
pub(crate) struct Translator {
    reader: Reader,
    said: Box<dyn Said>,
    out: BytesMut,
}

trait Said: Send {
    fn event(&mut self, value: &Value, out: &mut BytesMut);

    /// The stream is over. Called once or more often.
    fn end(&mut self, out: &mut BytesMut);
}

impl Translator {
    pub(crate) fn new(translation: Translation) -> Self {
        let said: Box<dyn Said> = match translation {
            Translation::ToChat => Box::new(Message::default()),
            Translation::ToMessages => Box::new(Chunks::default()),
        };
        Self { reader: Reader::new(MOST_EVENT), said, out: BytesMut::new() }
    }

    /// What these bytes say. They were read once already.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Bytes {
        self.reader.push(bytes);
        while let Ok(Some(event)) = self.reader.next() {
            self.event(&event);
        }
        self.out.split().freeze()
    }

    /// What is to be said at the end of a whole stream.
    pub(crate) fn finish(&mut self) -> Bytes {
        if let Ok(Some(event)) = self.reader.finish() {
            self.event(&event);
        }
        self.said.end(&mut self.out);
        self.out.split().freeze()
    }

    fn event(&mut self, event: &Event) {
        match event.data.as_deref() {
            Some("[DONE]") => self.said.end(&mut self.out),
            Some(data) => {
                if let Ok(value) = strict_json::parse(data) {
                    self.said.event(&value, &mut self.out);
                }
            }
            None => {}
        }
    }
}

/// Chunks of a completion, said as a message.
#[derive(Default)]
struct Message {
    started: bool,
    over: bool,
    text_open: bool,
    blocks: u64,
    /// Id, name and arguments, by index.
    calls: BTreeMap<u64, (String, String, String)>,
    finish: Option<String>,
    usage: Value,
}

fn put(event: &Value, out: &mut BytesMut) {
    out.extend_from_slice(&encoded(text(event, "type"), event));
}

impl Said for Message {
    fn event(&mut self, value: &Value, out: &mut BytesMut) {
        if value.get("error").is_some_and(|error| !error.is_null()) {
            self.over = true;
            return put(&Translation::ToChat.error(value), out);
        }
        if !self.started {
            self.started = true;
            let message = json!({
                "id": text(value, "id").unwrap_or("msg_palisade"), "type": "message",
                "role": "assistant", "model": value.get("model"), "content": [],
                "stop_reason": null, "stop_sequence": null,
                "usage": usage_of_message(&Value::Null),
            });
            put(&json!({"type": "message_start", "message": message}), out);
        }
        if let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) {
            self.usage = usage.clone();
        }
        for choice in items(value, "choices") {
            let delta = choice.get("delta").unwrap_or(&Value::Null);
            if let Some(words) = text(delta, "content").filter(|words| !words.is_empty()) {
                self.words(words, out);
            }
            for (position, part) in items(delta, "tool_calls").iter().enumerate() {
                let index = part.get("index").and_then(Value::as_u64).unwrap_or(position as u64);
                let (id, name, arguments) = self.calls.entry(index).or_default();
                let function = part.get("function").unwrap_or(&Value::Null);
                let keep = |slot: &mut String, told: Option<&str>| {
                    if let Some(told) = told.filter(|_| slot.is_empty()) {
                        *slot = told.into();
                    }
                };
                keep(id, text(part, "id"));
                keep(name, text(function, "name"));
                arguments.push_str(text(function, "arguments").unwrap_or_default());
            }
            if let Some(finish) = text(choice, "finish_reason") {
                self.finish = Some(finish.into());
            }
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if !self.started || std::mem::replace(&mut self.over, true) {
            return;
        }
        self.close(out);
        for (id, name, arguments) in std::mem::take(&mut self.calls).into_values() {
            let block = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
            let index = self.blocks;
            put(
                &json!({"type": "content_block_start", "index": index, "content_block": block}),
                out,
            );
            let delta = json!({"type": "input_json_delta", "partial_json": arguments});
            put(&json!({"type": "content_block_delta", "index": index, "delta": delta}), out);
            put(&json!({"type": "content_block_stop", "index": index}), out);
            self.blocks = self.blocks.saturating_add(1);
        }
        let delta =
            json!({"stop_reason": stop_reason(self.finish.as_deref()), "stop_sequence": null});
        let usage = usage_of_message(&self.usage);
        put(&json!({"type": "message_delta", "delta": delta, "usage": usage}), out);
        put(&json!({"type": "message_stop"}), out);
    }
}

impl Message {
    fn words(&mut self, words: &str, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.text_open, true) {
            let block = json!({"type": "text", "text": ""});
            put(
                &json!({"type": "content_block_start", "index": self.blocks, "content_block": block}),
                out,
            );
        }
        let delta = json!({"type": "text_delta", "text": words});
        put(&json!({"type": "content_block_delta", "index": self.blocks, "delta": delta}), out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if std::mem::replace(&mut self.text_open, false) {
            put(&json!({"type": "content_block_stop", "index": self.blocks}), out);
            self.blocks = self.blocks.saturating_add(1);
        }
    }
}

/// Events of a message, said as chunks.
#[derive(Default)]
struct Chunks {
    id: Value,
    model: Value,
    over: bool,
    /// The open call: its index among calls, and whether anything of its input was said.
    call: Option<(u64, bool)>,
    calls: u64,
    texts: u64,
    usage: Value,
}

impl Chunks {
    fn chunk(&self, delta: &Value, finish: Option<&str>) -> Value {
        json!({
            "id": self.id, "object": "chat.completion.chunk", "created": 0, "model": self.model,
            "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}],
        })
    }

    fn put(&self, delta: &Value, out: &mut BytesMut) {
        out.extend_from_slice(&encoded(None, &self.chunk(delta, None)));
    }

    fn arguments(&self, index: u64, part: &str, out: &mut BytesMut) {
        let call = json!({"index": index, "function": {"arguments": part}});
        self.put(&json!({"tool_calls": [call]}), out);
    }

    fn count(&mut self, told: Option<&Value>) {
        let Some(Value::Object(told)) = told else { return };
        if !self.usage.is_object() {
            self.usage = json!({});
        }
        if let Value::Object(usage) = &mut self.usage {
            usage.extend(told.clone());
        }
    }
}

impl Said for Chunks {
    fn event(&mut self, value: &Value, out: &mut BytesMut) {
        match text(value, "type") {
            Some("message_start") => {
                let message = value.get("message").unwrap_or(&Value::Null);
                self.id = message.get("id").cloned().unwrap_or_default();
                self.model = message.get("model").cloned().unwrap_or_default();
                self.count(message.get("usage"));
                self.put(&json!({"role": "assistant", "content": ""}), out);
            }
            Some("content_block_start") => {
                let block = value.get("content_block").unwrap_or(&Value::Null);
                match text(block, "type") {
                    Some("tool_use") => {
                        let index = self.calls;
                        self.calls = self.calls.saturating_add(1);
                        let function = json!({"name": text(block, "name"), "arguments": ""});
                        let call = json!({"index": index, "id": text(block, "id"), "type": "function", "function": function});
                        self.put(&json!({"tool_calls": [call]}), out);
                        let begun = block.get("input").and_then(Value::as_object);
                        let begun = begun.filter(|input| !input.is_empty()).cloned();
                        if let Some(input) = &begun {
                            self.arguments(index, &Value::Object(input.clone()).to_string(), out);
                        }
                        self.call = Some((index, begun.is_some()));
                    }
                    Some("text") => {
                        if self.texts > 0 {
                            self.put(&json!({"content": "\n\n"}), out);
                        }
                        self.texts = self.texts.saturating_add(1);
                        if let Some(words) = text(block, "text").filter(|words| !words.is_empty()) {
                            self.put(&json!({ "content": words }), out);
                        }
                    }
                    _ => {}
                }
            }
            Some("content_block_delta") => {
                let delta = value.get("delta").unwrap_or(&Value::Null);
                if let Some(words) = text(delta, "text") {
                    self.put(&json!({ "content": words }), out);
                }
                if let (Some(part), Some((index, _))) = (text(delta, "partial_json"), self.call)
                    && !part.is_empty()
                {
                    self.arguments(index, part, out);
                    self.call = Some((index, true));
                }
            }
            Some("content_block_stop") => {
                if let Some((index, false)) = self.call.take() {
                    self.arguments(index, "{}", out);
                }
            }
            Some("message_delta") => {
                self.count(value.get("usage"));
                let stop = value.get("delta").and_then(|delta| text(delta, "stop_reason"));
                let mut last = self.chunk(&json!({}), Some(finish_reason(stop)));
                set(&mut last, "usage", usage_of_completion(&self.usage));
                out.extend_from_slice(&encoded(None, &last));
            }
            Some("message_stop") => self.end(out),
            Some("error") => {
                self.over = true;
                out.extend_from_slice(&encoded(None, &Translation::ToMessages.error(value)));
            }
            _ => {}
        }
    }

    fn end(&mut self, out: &mut BytesMut) {
        if !std::mem::replace(&mut self.over, true) {
            out.extend_from_slice(b"data: [DONE]\n\n");
        }
    }
}
