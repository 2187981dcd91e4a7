//! Anthropic Messages. <https://docs.anthropic.com/en/docs/build-with-claude/streaming>

use std::collections::HashMap;

use bytes::Bytes;
use palisade_core::{ToolCall, ToolInput, ToolSeen};
use serde_json::{Value, json};

use super::{
    Asked, Held, MOST_PARTS, Outlet, Ruling, ServerTool, Stream, Unreadable, Whole, kind, number,
    object, set, shown, text, value,
};
use crate::{
    observe::Usage,
    sse::{Event, encoded},
};

/// A message that comes as events.
#[derive(Debug, Default)]
pub(crate) struct MessageStream {
    held: Held,
    /// Blocks that are held, in their order.
    blocks: Vec<Block>,
    /// All blocks of the message by index, and whether each is still open.
    seen: HashMap<u64, bool>,
    started: bool,
    outcome: Outcome,
    usage: Usage,
}

#[derive(Debug)]
struct Block {
    index: u64,
    start: Value,
    /// The input, as far as it came in parts.
    partial: String,
    open: bool,
}

/// What became of the calls in a message.
#[derive(Debug, Default, Clone, Copy)]
struct Outcome {
    released: bool,
    replaced: bool,
}

impl Outcome {
    fn note(&mut self, block: &Value, ruling: &Ruling) {
        match ruling {
            Ruling::Replace(_) => self.replaced = true,
            Ruling::Release | Ruling::Change(_) => {
                self.released |= text(block, "type") == Some("tool_use");
            }
        }
    }

    /// The reason to stop, if another one has to stand there now.
    fn stop_reason(self, told: Option<&str>) -> Option<&'static str> {
        let waits = matches!(told, Some("tool_use" | "pause_turn"));
        (self.replaced && !self.released && waits).then_some("end_turn")
    }
}

impl Stream for MessageStream {
    fn event(&mut self, event: Event, out: &mut Outlet) -> Result<(), Unreadable> {
        let Some(value) = value(&event)? else { return self.held.pass_or_hold(event, None, out) };
        match kind(&event, &value)? {
            "content_block_start" => self.start(event, value, out),
            "content_block_delta" => self.delta(event, value, out),
            "content_block_stop" => self.stop(event, value, out),
            "message_start" => {
                let message = value.get("message").unwrap_or(&Value::Null);
                let empty =
                    message.get("content").and_then(Value::as_array).is_some_and(Vec::is_empty);
                if self.started || !empty {
                    return Err(Unreadable::Format("a message begins with content, or twice"));
                }
                self.started = true;
                out.ids.extend(container(message).map(str::to_owned));
                self.count(message.get("usage"), out);
                self.held.pass_or_hold(event, Some(value), out)
            }
            "message_delta" => {
                let delta = value.get("delta").unwrap_or(&Value::Null);
                // Clients that take all of it for the message's would have blocks that nobody saw begin.
                if delta.get("content").is_some_and(|content| !content.is_null()) {
                    return Err(Unreadable::Format("a message gets content beside its blocks"));
                }
                out.ids.extend(container(delta).map(str::to_owned));
                self.count(value.get("usage"), out);
                if !self.held.is_empty() {
                    return Err(Unreadable::Ended);
                }
                self.message_delta(event, value, out)
            }
            "ping" | "error" | "message_stop" => self.held.pass_or_hold(event, Some(value), out),
            other => {
                out.left_out.push(shown(other));
                Ok(())
            }
        }
    }

    fn ruled(&mut self, rulings: Vec<Ruling>, out: &mut Outlet) -> Result<(), Unreadable> {
        let blocks = std::mem::take(&mut self.blocks);
        let mut fates: HashMap<u64, (Ruling, bool)> = HashMap::new();
        for (block, ruling) in blocks.iter().zip(rulings) {
            self.outcome.note(&block.start, &ruling);
            fates.insert(block.index, (ruling, false));
        }
        for (event, value) in self.held.take() {
            let fate = value.as_ref().and_then(|value| fates.get_mut(&number(value, "index")?));
            let (Some(value), Some((ruling, written))) = (value, fate) else {
                out.pass(&event.raw);
                continue;
            };
            match ruling {
                Ruling::Release => out.pass(&event.raw),
                Ruling::Replace(text) => {
                    if !std::mem::replace(written, true) {
                        write_text(number(&value, "index").unwrap_or_default(), text, out);
                    }
                }
                Ruling::Change(input) => match text(&value, "type") {
                    Some("content_block_start") => write_start(event, value, out),
                    Some("content_block_stop") => {
                        write_input(number(&value, "index").unwrap_or_default(), input, out);
                        out.pass(&event.raw);
                    }
                    _ => {}
                },
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Outlet) -> Result<(), Unreadable> {
        if self.held.is_empty() { Ok(()) } else { Err(Unreadable::Ended) }
    }

    fn held(&self) -> usize {
        self.held.weight()
    }

    fn idle(&self) -> Bytes {
        Bytes::from_static(b"event: ping\ndata: {\"type\":\"ping\"}\n\n")
    }

    fn error(&self, message: &str) -> Bytes {
        let error = json!({"type": "error", "error": {"type": "api_error", "message": message}});
        encoded(Some("error"), &error)
    }
}

impl MessageStream {
    fn start(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let index = index(&value)?;
        let Some(block) = value.get("content_block").filter(|block| block.is_object()) else {
            return Err(Unreadable::Format("a block begins without a block"));
        };
        // The official clients count the blocks as they begin, and find the parts of one by its index.
        if self.seen.len() >= MOST_PARTS || index != self.seen.len() as u64 {
            return Err(Unreadable::Format("a block begins out of order, or there are too many"));
        }
        self.seen.insert(index, true);
        if is_passive(block) {
            return self.held.pass_or_hold(event, Some(value), out);
        }
        let start = block.clone();
        self.blocks.push(Block { index, start, partial: String::new(), open: true });
        self.held.push(event, Some(value))
    }

    fn delta(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let index = index(&value)?;
        if self.seen.get(&index) != Some(&true) {
            return Err(Unreadable::Format("a part of a block that is not open"));
        }
        let delta = value.get("delta").unwrap_or(&Value::Null);
        let block = self.blocks.iter_mut().find(|block| block.index == index);
        match (text(delta, "type"), block) {
            (Some("input_json_delta"), Some(block)) => {
                let Some(part) = text(delta, "partial_json") else {
                    return Err(Unreadable::Format("a part of an input without a text"));
                };
                block.partial.push_str(part);
                self.held.push(event, Some(value))
            }
            (
                Some("text_delta" | "citations_delta" | "thinking_delta" | "signature_delta"),
                None,
            ) => self.held.pass_or_hold(event, Some(value), out),
            // What it belongs to is ruled on as a whole.
            (Some(_), Some(block)) if text(&block.start, "type") != Some("tool_use") => {
                self.held.push(event, Some(value))
            }
            (Some("compaction_delta"), None) => self.held.pass_or_hold(event, Some(value), out),
            _ => Err(Unreadable::Format("a part of a kind that its block does not have")),
        }
    }

    fn stop(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let index = index(&value)?;
        match self.seen.get_mut(&index) {
            Some(open) if *open => *open = false,
            _ => return Err(Unreadable::Format("the end of a block that is not open")),
        }
        let Some(block) = self.blocks.iter_mut().find(|block| block.index == index) else {
            return self.held.pass_or_hold(event, Some(value), out);
        };
        block.open = false;
        self.held.push(event, Some(value))?;
        if self.blocks.iter().all(|block| !block.open) {
            out.asked =
                self.blocks.iter().map(|block| asked(&block.start, &block.partial)).collect();
        }
        Ok(())
    }

    fn message_delta(
        &mut self,
        event: Event,
        mut value: Value,
        out: &mut Outlet,
    ) -> Result<(), Unreadable> {
        let told = value.get("delta").and_then(|delta| text(delta, "stop_reason"));
        match self.outcome.stop_reason(told) {
            None => out.pass(&event.raw),
            Some(reason) => {
                if let Some(slot) = value.pointer_mut("/delta/stop_reason") {
                    *slot = reason.into();
                }
                out.pass(&encoded(Some("message_delta"), &value));
            }
        }
        Ok(())
    }

    fn count(&mut self, told: Option<&Value>, out: &mut Outlet) {
        if let Some(told) = told {
            add(&mut self.usage, told);
            out.usage = Some(self.usage);
        }
    }
}

/// A message that comes at once.
#[derive(Debug)]
pub(crate) struct WholeMessage;

impl Whole for WholeMessage {
    fn asked(&self, body: &Value) -> Result<Vec<Asked>, Unreadable> {
        let content = body.get("content").and_then(Value::as_array);
        let content = content.ok_or(Unreadable::Format("a message has no list of content"))?;
        Ok(content
            .iter()
            .filter(|block| !is_passive(block))
            .map(|block| asked(block, ""))
            .collect())
    }

    fn ruled(&self, mut body: Value, rulings: &[Ruling]) -> Value {
        let mut outcome = Outcome::default();
        let mut rulings = rulings.iter();
        for block in body.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
            if is_passive(block) {
                continue;
            }
            let Some(ruling) = rulings.next() else { continue };
            outcome.note(block, ruling);
            match (ruling, block.as_object_mut()) {
                (Ruling::Change(ToolInput::Object(input)), Some(block)) => {
                    block.insert("input".into(), Value::Object(input.clone()));
                }
                (Ruling::Replace(text), _) => *block = json!({"type": "text", "text": text}),
                _ => {}
            }
        }
        if let Some(reason) = outcome.stop_reason(text(&body, "stop_reason")) {
            set(&mut body, "stop_reason", reason);
        }
        body
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let mut usage = Usage::default();
        add(&mut usage, body.get("usage")?);
        Some(usage)
    }

    fn ids(&self, body: &Value) -> Vec<String> {
        container(body).map(str::to_owned).into_iter().collect()
    }
}

/// The container that code of this answer ran in, by which a later request may name it.
fn container(told: &Value) -> Option<&str> {
    text(told.get("container")?, "id")
}

/// Later events tell sums, and leave out what they do not change.
fn add(usage: &mut Usage, told: &Value) {
    let set = |slot: &mut u64, key| {
        if let Some(told) = number(told, key) {
            *slot = told;
        }
    };
    set(&mut usage.input, "input_tokens");
    set(&mut usage.output, "output_tokens");
    set(&mut usage.cache_read, "cache_read_input_tokens");
    set(&mut usage.cache_write, "cache_creation_input_tokens");
}

/// Whether a block only says something.
fn is_passive(block: &Value) -> bool {
    matches!(text(block, "type"), Some("text" | "thinking" | "redacted_thinking" | "compaction"))
}

fn asked(block: &Value, partial: &str) -> Asked {
    let kind = text(block, "type").unwrap_or("(no type)");
    let name = text(block, "name");
    match kind {
        "tool_use" => {
            let id = text(block, "id").map(str::to_owned);
            let (Some(name), Some(_)) = (name, &id) else {
                let name = name.unwrap_or("(no name)").to_owned();
                return Asked::Unreadable { name, id, why: "it has no name or no id".into() };
            };
            let name = name.to_owned();
            let begun = block.get("input").unwrap_or(&Value::Null);
            let is_begun = begun.as_object().is_some_and(|fields| !fields.is_empty());
            let input = match begun {
                _ if is_begun && !partial.is_empty() => Err("its input comes twice".into()),
                Value::Object(fields) if partial.is_empty() => {
                    Ok(ToolInput::Object(fields.clone()))
                }
                Value::Object(_) | Value::Null => object(partial),
                Value::String(text) if text.is_empty() => object(partial),
                _ => Err("its input is not an object".into()),
            };
            match input {
                Ok(input) => Asked::Call(ToolCall { name, input, id, seen: ToolSeen::Answer }),
                Err(why) => Asked::Unreadable { name, id, why },
            }
        }
        "server_tool_use" => {
            let name = name.unwrap_or("(no name)");
            Asked::AtProvider { tool: ServerTool::named(name), kind: shown(name) }
        }
        other => Asked::AtProvider { tool: ServerTool::of_part(other), kind: shown(other) },
    }
}

fn index(value: &Value) -> Result<u64, Unreadable> {
    number(value, "index").ok_or(Unreadable::Format("an event has no `index`"))
}

fn kind_of(event: &Value) -> Option<&str> {
    text(event, "type")
}

fn write_text(index: u64, text: &str, out: &mut Outlet) {
    for event in [
        json!({"type": "content_block_start", "index": index, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": index, "delta": {"type": "text_delta", "text": text}}),
        json!({"type": "content_block_stop", "index": index}),
    ] {
        out.pass(&encoded(kind_of(&event), &event));
    }
}

/// The start of a block whose input comes after it.
fn write_start(event: Event, mut value: Value, out: &mut Outlet) {
    match value.pointer_mut("/content_block/input") {
        Some(input) if input.as_object().is_none_or(|fields| !fields.is_empty()) => {
            *input = json!({});
            out.pass(&encoded(Some("content_block_start"), &value));
        }
        _ => out.pass(&event.raw),
    }
}

fn write_input(index: u64, input: &ToolInput, out: &mut Outlet) {
    let text = match input {
        ToolInput::Object(fields) => Value::Object(fields.clone()).to_string(),
        ToolInput::Text(text) => text.clone(),
    };
    let delta = json!({"type": "input_json_delta", "partial_json": text});
    let event = json!({"type": "content_block_delta", "index": index, "delta": delta});
    out.pass(&encoded(Some("content_block_delta"), &event));
}

#[cfg(test)]
mod tests;
