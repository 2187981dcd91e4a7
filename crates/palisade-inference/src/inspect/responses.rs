//! OpenAI Responses. <https://platform.openai.com/docs/api-reference/responses-streaming>

mod item;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use palisade_core::ToolInput;
use serde_json::{Value, json};

use self::item::{Key, asked, input_field, is_passive, key, message};
use super::{
    Asked, Held, MOST_PARTS, Outlet, Ruling, Stream, Unreadable, Whole, chat::words, kind,
    may_be_call, number, set, shown, text, value,
};
use crate::{
    observe::Usage,
    sse::{Event, encoded},
};

/// A response that comes as events. An item is told of up to three times: as it is added, when it is done,
/// and in the whole response at the end. Clients take it from any of them, so all must agree.
#[derive(Debug, Default)]
pub(crate) struct ResponseStream {
    held: Held,
    /// Items that are held, in their order.
    items: Vec<Item>,
    /// Items of a whole response that no event told of before.
    unseen: Vec<Value>,
    /// All items by index.
    seen: HashSet<u64>,
    last: Option<u64>,
    decided: HashMap<Key, Fate>,
    /// The number of the next event, once events have come and gone.
    numbers: Option<u64>,
}

#[derive(Debug)]
struct Item {
    index: u64,
    added: Option<Value>,
    done: Option<Value>,
    /// The input, as far as it came in parts.
    partial: String,
    trouble: Option<&'static str>,
}

/// What stands in place of an item from now on.
#[derive(Debug, Clone)]
enum Fate {
    Same,
    Input(ToolInput),
    Message(Value),
}

impl Item {
    /// Compares what was told at the end with what was told before.
    fn settle(&mut self) {
        let Some(done) = &self.done else { return };
        let Some(field) = input_field(done) else { return };
        let whole = text(done, field).unwrap_or_default();
        let differs = |told: &str| !told.is_empty() && told != whole;
        if differs(&self.partial) {
            self.trouble = Some("its input comes in two versions");
        }
        if let Some(added) = &self.added {
            let same = |key| added.get(key) == done.get(key);
            if !["type", "name", "call_id", "namespace"].into_iter().all(same)
                || differs(text(added, field).unwrap_or_default())
            {
                self.trouble = Some("it ends as another call than it began");
            }
        }
    }
}

impl Stream for ResponseStream {
    fn event(&mut self, event: Event, out: &mut Outlet) -> Result<(), Unreadable> {
        let Some(value) = value(&event)? else { return self.other(event, None, out) };
        let kind = kind(&event, &value)?;
        for told in ["response", "item"].into_iter().filter_map(|key| value.get(key)) {
            out.ids.extend(known_by(told).map(str::to_owned));
        }
        match kind {
            "response.output_item.added" => self.added(event, value, out),
            "response.output_item.done" => self.done(event, value, out),
            _ if value.get("response").is_some_and(Value::is_object) => {
                self.response(event, value, out)
            }
            "error" | "keepalive" => self.other(event, Some(value), out),
            _ => match kind.strip_prefix("response.").and_then(|rest| rest.split_once('.')) {
                Some(("content_part", _)) if value.get("part").is_some_and(may_be_call) => {
                    Err(Unreadable::Format("a message has calls in its content"))
                }
                Some(("content_part" | "output_text" | "refusal" | "audio", _)) => {
                    self.other(event, Some(value), out)
                }
                Some((part, _)) if part.starts_with("reasoning") => {
                    self.other(event, Some(value), out)
                }
                Some((part, step)) if is_of_call(part) => {
                    let step = step.to_owned();
                    self.part(event, value, &step)
                }
                _ => {
                    out.left_out.push(shown(kind));
                    Ok(())
                }
            },
        }
    }

    fn ruled(&mut self, rulings: Vec<Ruling>, out: &mut Outlet) -> Result<(), Unreadable> {
        let mut rulings = rulings.into_iter();
        let items = std::mem::take(&mut self.items);
        let mut fates = HashMap::new();
        let mut changed = self.numbers.is_some();
        for (item, ruling) in items.into_iter().zip(&mut rulings) {
            let fate = fate(item.index, item.done.as_ref(), ruling);
            changed |= !matches!(fate, Fate::Same);
            if let Some(key) = item.done.as_ref().and_then(key) {
                self.decided.insert(key, fate.clone());
            }
            fates.insert(item.index, (fate, false));
        }
        let unseen = std::mem::take(&mut self.unseen);
        for (number, (item, ruling)) in unseen.iter().zip(&mut rulings).enumerate() {
            // Far from every index of the stream.
            let index = 1_000_000u64.saturating_add(number as u64);
            let fate = fate(index, Some(item), ruling);
            if let Some(key) = key(item) {
                self.decided.insert(key, fate);
            }
        }
        let events = self.held.take();
        if changed && self.numbers.is_none() {
            let values = events.iter().filter_map(|(_, value)| value.as_ref());
            self.numbers = values.filter_map(|value| number(value, "sequence_number")).next();
        }
        for (event, value) in events {
            let Some(value) = value else {
                out.pass(&event.raw);
                continue;
            };
            let fate = number(&value, "output_index").and_then(|index| fates.get_mut(&index));
            match fate {
                Some((Fate::Message(message), written)) => {
                    if !std::mem::replace(written, true) {
                        let message = message.clone();
                        let index = number(&value, "output_index").unwrap_or_default();
                        self.write_message(index, &message, out);
                    }
                }
                Some((Fate::Input(input), _)) => {
                    let input = input.clone();
                    self.write_changed(value, &input, out);
                }
                Some((Fate::Same, _)) => self.write(&event, value, out),
                None => self.respond(event, value, out),
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

    fn error(&self, message: &str) -> Bytes {
        let response = json!({
            "id": "resp_palisade", "object": "response", "status": "failed", "output": [],
            "error": {"code": "server_error", "message": message},
        });
        let failed = json!({"type": "response.failed", "sequence_number": self.numbers.unwrap_or(0), "response": response});
        encoded(Some("response.failed"), &failed)
    }
}

/// The calls of the API's own, whose steps have events of their own.
fn is_of_call(part: &str) -> bool {
    part.contains("_call") || part.starts_with("mcp_") || part.starts_with("code_interpreter")
}

fn fate(index: u64, item: Option<&Value>, ruling: Ruling) -> Fate {
    match ruling {
        Ruling::Release => Fate::Same,
        Ruling::Change(input) if item.and_then(input_field).is_some() => Fate::Input(input),
        Ruling::Change(_) => Fate::Message(message(
            index,
            "[Palisade] A call was not permitted as it was, and one of its kind cannot be changed.",
        )),
        Ruling::Replace(text) => Fate::Message(message(index, &text)),
    }
}

impl ResponseStream {
    fn other(
        &mut self,
        event: Event,
        value: Option<Value>,
        out: &mut Outlet,
    ) -> Result<(), Unreadable> {
        if !self.held.is_empty() {
            return self.held.push(event, value);
        }
        match value {
            Some(value) => self.write(&event, value, out),
            None => out.pass(&event.raw),
        }
        Ok(())
    }

    fn added(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let (index, item) = placed(&value)?;
        if !self.is_next(index) {
            return Err(Unreadable::Format("an item is out of order, or there are too many"));
        }
        if is_passive(item) {
            return self.other(event, Some(value), out);
        }
        let added = Some(item.clone());
        let trouble = self.interrupts();
        self.items.push(Item { index, added, done: None, partial: String::new(), trouble });
        self.held.push(event, Some(value))
    }

    fn done(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let (index, item) = placed(&value)?;
        match self.items.iter().position(|item| item.index == index) {
            Some(at) => {
                let open = self.items.get_mut(at).filter(|item| item.done.is_none());
                let open = open.ok_or(Unreadable::Format("an item is done twice"))?;
                open.done = Some(item.clone());
                open.settle();
            }
            None if is_passive(item) => {
                if !self.seen.contains(&index) && !self.is_next(index) {
                    return Err(Unreadable::Format("an item is out of order"));
                }
                return self.other(event, Some(value), out);
            }
            // Some servers do not say that an item begins.
            None if self.is_next(index) => {
                let done = Some(item.clone());
                let partial = String::new();
                let trouble = self.interrupts();
                self.items.push(Item { index, added: None, done, partial, trouble });
            }
            None => return Err(Unreadable::Format("a call ends what did not begin as one")),
        }
        self.held.push(event, Some(value))?;
        self.ask(out);
        Ok(())
    }

    /// Whether an item comes after all others. Some clients count the items as they begin.
    fn is_next(&mut self, index: u64) -> bool {
        let next = self.last.is_none_or(|last| index > last) && self.seen.len() < MOST_PARTS;
        if next {
            self.last = Some(index);
            self.seen.insert(index);
        }
        next
    }

    /// What is wrong with a call that begins before another one is done, and with that one. Some clients add
    /// all parts to the call that began last.
    fn interrupts(&mut self) -> Option<&'static str> {
        let mut trouble = None;
        for open in self.items.iter_mut().filter(|item| item.done.is_none()) {
            trouble = Some("its parts are mixed with those of another call");
            open.trouble = trouble;
        }
        trouble
    }

    fn ask(&self, out: &mut Outlet) {
        if self.items.iter().all(|item| item.done.is_some()) {
            out.asked = self
                .items
                .iter()
                .filter_map(|item| Some(asked(item.done.as_ref()?, item.trouble)))
                .collect();
        }
    }

    /// A part of a call, or a step of one.
    fn part(&mut self, event: Event, value: Value, step: &str) -> Result<(), Unreadable> {
        let index = number(&value, "output_index");
        let open = self.items.iter_mut().find(|item| Some(item.index) == index);
        let Some(open) = open.filter(|item| item.done.is_none()) else {
            return Err(Unreadable::Format("a part of a call that is not open"));
        };
        let (field, item) = match &open.added {
            Some(item) => (input_field(item), item),
            None => return Err(Unreadable::Format("a part of a call that did not begin")),
        };
        let id = text(&value, "item_id");
        if id.is_some() && text(item, "id").is_some() && id != text(item, "id") {
            return Err(Unreadable::Format("a part of one call names another"));
        }
        match (step, field) {
            ("delta", Some(_)) => open.partial.push_str(text(&value, "delta").unwrap_or_default()),
            ("done", Some(field)) => {
                let whole = text(&value, field).unwrap_or_default();
                if open.partial.is_empty() {
                    open.partial = whole.into();
                } else if open.partial != whole {
                    open.trouble = Some("its input comes in two versions");
                }
                if text(&value, "name").is_some_and(|name| text(item, "name") != Some(name)) {
                    open.trouble = Some("it has two names");
                }
            }
            _ => {}
        }
        self.held.push(event, Some(value))
    }

    /// An event with the response as it is by then.
    fn response(&mut self, event: Event, value: Value, out: &mut Outlet) -> Result<(), Unreadable> {
        let response = value.get("response").unwrap_or(&Value::Null);
        if let Some(usage) = response.get("usage").and_then(usage) {
            out.usage = Some(usage);
        }
        let items = match response.get("output") {
            None | Some(Value::Null) => &[][..],
            Some(Value::Array(items)) if items.len() <= MOST_PARTS => items,
            Some(_) => return Err(Unreadable::Format("a response's output is no list of items")),
        };
        let unseen: Vec<Value> = items
            .iter()
            .filter(|item| !is_passive(item))
            .filter(|item| key(item).is_none_or(|key| !self.decided.contains_key(&key)))
            .cloned()
            .collect();
        if !self.items.is_empty() {
            return Err(Unreadable::Ended);
        }
        if self.decided.len().saturating_add(unseen.len()) > MOST_PARTS {
            return Err(Unreadable::Format("there are too many calls"));
        }
        if unseen.is_empty() {
            self.respond(event, value, out);
            return Ok(());
        }
        out.asked = unseen.iter().map(|item| asked(item, None)).collect();
        self.unseen = unseen;
        self.held.push(event, Some(value))
    }

    /// Writes an event, and in a response in it the items as they were sent.
    fn respond(&mut self, event: Event, mut value: Value, out: &mut Outlet) {
        let output = value.pointer_mut("/response/output").and_then(Value::as_array_mut);
        let mut changed = false;
        for item in output.into_iter().flatten() {
            if is_passive(item) {
                continue;
            }
            match key(item).and_then(|key| self.decided.get(&key)) {
                Some(Fate::Same) => {}
                Some(Fate::Input(input)) => {
                    put_input(item, input);
                    changed = true;
                }
                Some(Fate::Message(message)) => {
                    *item = message.clone();
                    changed = true;
                }
                // Nothing is in a response that was not asked for.
                None => {
                    *item = message(0, "[Palisade] An item of this response was left out.");
                    changed = true;
                }
            }
        }
        if changed {
            self.emit(value, out);
        } else {
            self.write(&event, value, out);
        }
    }

    /// Writes an event as it came, but for its number if others have come or gone.
    fn write(&mut self, event: &Event, value: Value, out: &mut Outlet) {
        match (self.numbers, number(&value, "sequence_number")) {
            (Some(_), Some(_)) => self.emit(value, out),
            _ => out.pass(&event.raw),
        }
    }

    fn emit(&mut self, mut value: Value, out: &mut Outlet) {
        if let (Some(next), Some(fields)) = (self.numbers, value.as_object_mut()) {
            fields.insert("sequence_number".into(), next.into());
            self.numbers = Some(next.saturating_add(1));
        }
        out.pass(&encoded(text(&value, "type"), &value));
    }

    fn write_message(&mut self, index: u64, message: &Value, out: &mut Outlet) {
        let id = message.get("id");
        let part = message.pointer("/content/0").unwrap_or(&Value::Null);
        let words = part.get("text");
        let mut begun = message.clone();
        set(&mut begun, "content", json!([]));
        set(&mut begun, "status", "in_progress");
        let mut empty = part.clone();
        set(&mut empty, "text", "");
        for event in [
            json!({"type": "response.output_item.added", "output_index": index, "item": begun}),
            json!({"type": "response.content_part.added", "item_id": id, "output_index": index, "content_index": 0, "part": empty}),
            json!({"type": "response.output_text.delta", "item_id": id, "output_index": index, "content_index": 0, "delta": words, "logprobs": []}),
            json!({"type": "response.output_text.done", "item_id": id, "output_index": index, "content_index": 0, "text": words, "logprobs": []}),
            json!({"type": "response.content_part.done", "item_id": id, "output_index": index, "content_index": 0, "part": part}),
            json!({"type": "response.output_item.done", "output_index": index, "item": message}),
        ] {
            self.emit(event, out);
        }
    }

    fn write_changed(&mut self, mut value: Value, input: &ToolInput, out: &mut Outlet) {
        let kind = text(&value, "type").unwrap_or_default().to_owned();
        if kind.ends_with(".delta") {
            return;
        }
        if kind == "response.output_item.added" {
            if let Some(item) = value.get_mut("item")
                && let Some(field) = input_field(item)
            {
                set(item, field, "");
            }
        } else if let Some(item) = value.get_mut("item") {
            put_input(item, input);
        } else if let Some(start) = kind.strip_suffix(".done") {
            let mut delta = value.clone();
            if let Some(delta) = delta.as_object_mut() {
                for key in ["arguments", "input", "name"] {
                    delta.shift_remove(key);
                }
                delta.insert("type".into(), format!("{start}.delta").into());
                delta.insert("delta".into(), words(input).into());
            }
            self.emit(delta, out);
            for field in ["arguments", "input"] {
                if value.get(field).is_some() {
                    set(&mut value, field, words(input));
                }
            }
        }
        self.emit(value, out);
    }
}

/// A response that comes at once.
#[derive(Debug)]
pub(crate) struct WholeResponse;

impl Whole for WholeResponse {
    fn asked(&self, body: &Value) -> Result<Vec<Asked>, Unreadable> {
        let output = body.get("output").and_then(Value::as_array);
        let output = output.ok_or(Unreadable::Format("a response has no list of output"))?;
        Ok(output.iter().filter(|item| !is_passive(item)).map(|item| asked(item, None)).collect())
    }

    fn ruled(&self, mut body: Value, rulings: &[Ruling]) -> Value {
        let mut rulings = rulings.iter();
        let output = body.get_mut("output").and_then(Value::as_array_mut);
        for (index, item) in output.into_iter().flatten().enumerate() {
            if is_passive(item) {
                continue;
            }
            let Some(ruling) = rulings.next() else { continue };
            match fate(index as u64, Some(item), ruling.clone()) {
                Fate::Same => {}
                Fate::Input(input) => put_input(item, &input),
                Fate::Message(message) => *item = message,
            }
        }
        body
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        usage(body.get("usage")?)
    }

    fn ids(&self, body: &Value) -> Vec<String> {
        let items = body.get("output").and_then(Value::as_array).into_iter().flatten();
        let told = std::iter::once(body).chain(items);
        told.flat_map(known_by).map(str::to_owned).collect()
    }
}

/// What an answer or an item is known by at the provider, and the container that it was made in.
fn known_by(told: &Value) -> impl Iterator<Item = &str> {
    let place = told.get("environment").and_then(|place| text(place, "container_id"));
    [text(told, "id"), text(told, "container_id"), place].into_iter().flatten()
}

fn placed(value: &Value) -> Result<(u64, &Value), Unreadable> {
    let index = number(value, "output_index");
    let item = value.get("item").filter(|item| item.is_object());
    index.zip(item).ok_or(Unreadable::Format("an item has no place"))
}

fn put_input(item: &mut Value, input: &ToolInput) {
    if let Some(field) = input_field(item) {
        set(item, field, words(input));
    }
}

fn usage(told: &Value) -> Option<Usage> {
    let all = number(told, "input_tokens")?;
    let details = told.get("input_tokens_details");
    let cached = details.and_then(|details| number(details, "cached_tokens")).unwrap_or_default();
    Some(Usage {
        input: all.saturating_sub(cached),
        output: number(told, "output_tokens").unwrap_or_default(),
        cache_read: cached.min(all),
        cache_write: 0,
    })
}

#[cfg(test)]
mod tests;
