//! OpenAI Chat Completions. <https://platform.openai.com/docs/api-reference/chat-streaming>

mod rewrite;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use palisade_core::{ToolCall, ToolInput, ToolSeen};
use serde_json::{Map, Value, json};

use self::rewrite::Rewrite;
use super::{
    Asked, Held, MOST_PARTS, Outlet, Ruling, Stream, Unreadable, Whole, has_call, number, object,
    text, value,
};
use crate::{
    observe::Usage,
    sse::{Event, encoded},
};

/// A completion that comes in chunks. No chunk says that a call is whole: all calls of a choice are, once
/// it has a reason to finish.
#[derive(Debug, Default)]
pub(crate) struct ChatStream {
    held: Held,
    calls: Vec<Call>,
    /// Choices with calls that are not whole yet.
    open: HashSet<u64>,
    decided: HashSet<Place>,
    /// The call that the last part belonged to.
    last: Option<Place>,
    /// Whether clients would put the calls together in several ways: each is then written in one piece.
    untidy: bool,
    /// Whether choices with calls say which one they are.
    numbered: Option<bool>,
    /// How many calls of each choice have gone on.
    sent: HashMap<u64, u64>,
    /// The ids of all calls.
    ids: HashSet<String>,
    usage: Option<Usage>,
}

/// Where a call stands: its choice, and its index in it. The one `function_call` has none.
type Place = (u64, Option<u64>);

#[derive(Debug)]
struct Call {
    place: Place,
    id: Option<String>,
    name: Option<String>,
    /// Its arguments, or the text of a custom tool.
    input: String,
    custom: bool,
    trouble: Option<&'static str>,
}

impl Call {
    fn new(place: Place) -> Self {
        let (id, name, trouble) = (None, None, None);
        Self { place, id, name, input: String::new(), custom: false, trouble }
    }

    /// One more part of it.
    fn add(&mut self, part: &Value) {
        if let Some(id) = id_of(part) {
            match &self.id {
                Some(known) if known != id => self.trouble = Some("it has two ids"),
                _ => self.id = Some(id.into()),
            }
        }
        match part.get("type") {
            None | Some(Value::Null) => {}
            Some(kind) if kind == "function" || kind == "" => {}
            Some(kind) if kind == "custom" => self.custom = true,
            Some(_) => self.trouble = Some("it is a call of an unknown type"),
        }
        let (function, custom) = (part.get("function"), part.get("custom"));
        if function.is_some_and(Value::is_object) && custom.is_some_and(Value::is_object) {
            self.trouble = Some("it is a call of two types");
        }
        if let Some(function) = function.filter(|part| !part.is_null()) {
            self.add_named(function, "arguments");
        }
        if let Some(custom) = custom.filter(|part| !part.is_null()) {
            self.custom = true;
            self.add_named(custom, "input");
        }
    }

    fn add_named(&mut self, part: &Value, key: &str) {
        if let Some(name) = text(part, "name").filter(|name| !name.is_empty()) {
            // Some clients put the parts together, some take the last.
            if self.name.replace(name.into()).is_some() {
                self.trouble = Some("its name comes in several parts");
            }
        }
        match part.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => self.input.push_str(text),
            Some(_) => self.trouble = Some("its input is not a text"),
        }
    }

    fn asked(&self) -> Asked {
        let id = self.id.clone();
        let Some(name) = self.name.clone() else {
            let why = "it has no name".to_owned();
            return Asked::Unreadable { name: "(no name)".into(), id, why };
        };
        let input = match self.trouble {
            Some(why) => Err(why.to_owned()),
            None if self.custom => Ok(ToolInput::Text(self.input.clone())),
            None => object(&self.input),
        };
        match input {
            Ok(input) => Asked::Call(ToolCall { name, input, id, seen: ToolSeen::Answer }),
            Err(why) => Asked::Unreadable { name, id, why },
        }
    }

    /// Its choice and its index there.
    fn indexed(&self) -> Option<(u64, u64)> {
        Some((self.place.0, self.place.1?))
    }

    /// To be let go with the very input that was decided.
    fn as_decided(&self) -> Ruling {
        match self.asked() {
            Asked::Call(call) => Ruling::Change(call.input),
            _ => Ruling::Replace("[Palisade] A call was left out.".into()),
        }
    }

    /// The whole call in one part, with this input.
    fn written(&self, input: &ToolInput, index: u64) -> Value {
        let mut call = Map::new();
        call.insert("index".into(), index.into());
        call.insert("id".into(), json!(self.id));
        match input {
            ToolInput::Object(_) => {
                call.insert("type".into(), "function".into());
                call.insert(
                    "function".into(),
                    json!({"name": self.name, "arguments": words(input)}),
                );
            }
            ToolInput::Text(text) => {
                call.insert("type".into(), "custom".into());
                call.insert("custom".into(), json!({"name": self.name, "input": text}));
            }
        }
        Value::Object(call)
    }
}

impl Stream for ChatStream {
    fn event(&mut self, event: Event, out: &mut Outlet) -> Result<(), Unreadable> {
        let Some(value) = value(&event)? else {
            let ends = event.data.as_deref() == Some("[DONE]");
            self.held.pass_or_hold(event, None, out)?;
            if ends {
                self.ask(out);
            }
            return Ok(());
        };
        if let Some(usage) = value.get("usage").and_then(usage) {
            self.usage = Some(usage);
            out.usage = self.usage;
        }
        let mut has_calls = false;
        for choice in choices(&value)? {
            let told = index_of(choice)?;
            let at = told.unwrap_or_default();
            if choice.get("message").is_some_and(|message| !message.is_null()) {
                return Err(Unreadable::Format("a chunk holds a whole message"));
            }
            if let Some(delta) = choice.get("delta").filter(|delta| !delta.is_null()) {
                let calls = self.delta(at, delta)?;
                // Clients keep what has an index apart from what has none.
                if calls && *self.numbered.get_or_insert(told.is_some()) != told.is_some() {
                    return Err(Unreadable::Format(
                        "its calls stand in a choice with an index, and in one without",
                    ));
                }
                has_calls |= calls;
            }
            if choice.get("finish_reason").is_some_and(|reason| !reason.is_null()) {
                self.open.remove(&at);
            }
        }
        if !has_calls && self.held.is_empty() {
            out.pass(&event.raw);
            return Ok(());
        }
        self.held.push(event, Some(value))?;
        if self.open.is_empty() {
            self.ask(out);
        }
        Ok(())
    }

    fn ruled(&mut self, rulings: Vec<Ruling>, out: &mut Outlet) -> Result<(), Unreadable> {
        let events = self.held.take();
        let calls = std::mem::take(&mut self.calls);
        self.open.clear();
        self.last = None;
        self.decided.extend(calls.iter().map(|call| call.place));
        let untidy = std::mem::take(&mut self.untidy);
        if !untidy && rulings.iter().all(|ruling| *ruling == Ruling::Release) {
            for (choice, _) in calls.iter().filter_map(Call::indexed) {
                let sent = self.sent.entry(choice).or_default();
                *sent = sent.saturating_add(1);
            }
            events.iter().for_each(|(event, _)| out.pass(&event.raw));
            return Ok(());
        }
        let rulings = rulings.into_iter().zip(&calls).map(|(ruling, call)| match ruling {
            Ruling::Release if untidy => call.as_decided(),
            other => other,
        });
        let rulings = rulings.collect();
        let mut rewrite = Rewrite::new(calls, rulings, &mut self.sent);
        let mut last = None;
        for (event, value) in events {
            let Some(value) = value else {
                rewrite.leave(last.as_ref(), out);
                out.pass(&event.raw);
                continue;
            };
            last = Some(value.clone());
            rewrite.chunk(event.name.as_deref(), value, out);
        }
        rewrite.leave(last.as_ref(), out);
        Ok(())
    }

    fn finish(&mut self, out: &mut Outlet) -> Result<(), Unreadable> {
        self.ask(out);
        Ok(())
    }

    fn held(&self) -> usize {
        self.held.weight()
    }

    fn error(&self, message: &str) -> Bytes {
        let error =
            json!({"message": message, "type": "server_error", "param": null, "code": "palisade"});
        encoded(None, &json!({ "error": error }))
    }
}

impl ChatStream {
    fn ask(&mut self, out: &mut Outlet) {
        if !self.held.is_empty() {
            self.tell_apart();
            out.asked = self.calls.iter().map(Call::asked).collect();
        }
    }

    /// Calls that some clients tell apart by their ids alone need one each.
    fn tell_apart(&mut self) {
        let many = self.calls.len().saturating_add(self.decided.len()) > 1;
        for call in self.calls.iter_mut().filter(|call| call.indexed().is_some()) {
            match &call.id {
                None if many => call.trouble = Some("it has no id, and is not the only one"),
                Some(id) if !self.ids.insert(id.clone()) => {
                    call.trouble = Some("it has the id of another call");
                }
                _ => {}
            }
        }
    }

    /// Whether there is a part of a call in it.
    fn delta(&mut self, choice: u64, delta: &Value) -> Result<bool, Unreadable> {
        known_keys(delta)?;
        let mut found = false;
        for (position, part) in list(delta, "tool_calls")?.iter().enumerate() {
            let told = index_of(part)?;
            // Where it says nothing, some clients take its place, some the last call, some a place of its own.
            self.untidy |= told.is_none();
            let index = told.unwrap_or(position as u64);
            self.tidy((choice, index), part);
            self.call((choice, Some(index)))?.add(part);
            found = true;
        }
        if let Some(part) = delta.get("function_call").filter(|part| !part.is_null()) {
            self.call((choice, None))?.add_named(part, "arguments");
            found = true;
        }
        if found {
            self.open.insert(choice);
        }
        Ok(found)
    }

    /// Looks whether a part is where every client expects it. Some take the index, some the order in which
    /// calls begin, and some add what has no id of its own to the call that came last.
    fn tidy(&mut self, (choice, index): (u64, u64), part: &Value) {
        let place = Some((choice, Some(index)));
        let known = self.calls.iter().any(|call| Some(call.place) == place);
        self.untidy |= if known {
            let lacks_id = |call: &Call| Some(call.place) == place && call.id.is_none();
            self.last != place || (id_of(part).is_some() && self.calls.iter().any(lacks_id))
        } else {
            let before = self.calls.iter().filter_map(Call::indexed);
            let before = before.filter(|(of, _)| *of == choice).count() as u64;
            index != before.saturating_add(self.sent.get(&choice).copied().unwrap_or_default())
        };
        self.last = place;
    }

    fn call(&mut self, place: Place) -> Result<&mut Call, Unreadable> {
        if self.decided.contains(&place) {
            return Err(Unreadable::Format("a call goes on after its end"));
        }
        if self.calls.len().saturating_add(self.decided.len()) >= MOST_PARTS {
            return Err(Unreadable::Format("there are too many calls"));
        }
        let at = match self.calls.iter().position(|call| call.place == place) {
            Some(at) => at,
            None => {
                self.calls.push(Call::new(place));
                self.calls.len().saturating_sub(1)
            }
        };
        self.calls.get_mut(at).ok_or(Unreadable::Held)
    }
}

/// A completion that comes at once.
#[derive(Debug)]
pub(crate) struct WholeChat;

impl WholeChat {
    /// The calls of one message. The second is its place in the list, unless it is the old single one.
    fn calls(message: &Value) -> Result<Vec<(Call, Option<usize>)>, Unreadable> {
        known_keys(message)?;
        let mut calls = Vec::new();
        for (position, part) in list(message, "tool_calls")?.iter().enumerate() {
            let mut call = Call::new((0, Some(position as u64)));
            call.add(part);
            calls.push((call, Some(position)));
        }
        if let Some(part) = message.get("function_call").filter(|part| !part.is_null()) {
            let mut call = Call::new((0, None));
            call.add_named(part, "arguments");
            calls.push((call, None));
        }
        Ok(calls)
    }
}

impl Whole for WholeChat {
    fn asked(&self, body: &Value) -> Result<Vec<Asked>, Unreadable> {
        let mut asked = Vec::new();
        for choice in choices(body)? {
            if choice.get("delta").is_some_and(|delta| !delta.is_null()) {
                return Err(Unreadable::Format("a whole completion holds a part of one"));
            }
            let message = choice.get("message").unwrap_or(&Value::Null);
            asked.extend(Self::calls(message)?.iter().map(|(call, _)| call.asked()));
        }
        Ok(asked)
    }

    fn ruled(&self, mut body: Value, rulings: &[Ruling]) -> Value {
        let mut rulings = rulings.iter();
        for choice in body.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(message) = choice.get_mut("message") else { continue };
            let Ok(calls) = Self::calls(message) else { continue };
            let Some(fields) = message.as_object_mut() else { continue };
            let (mut kept, mut single, mut texts) = (Vec::new(), None, Vec::new());
            for ((call, position), ruling) in calls.into_iter().zip(&mut rulings) {
                let came = match position {
                    Some(position) => {
                        fields.get("tool_calls").and_then(|calls| calls.get(position)).cloned()
                    }
                    None => fields.get("function_call").cloned(),
                };
                let sent = match ruling {
                    Ruling::Replace(text) => {
                        texts.push(text.as_str());
                        continue;
                    }
                    Ruling::Release => came,
                    Ruling::Change(input) if position.is_none() => {
                        Some(json!({"name": call.name, "arguments": words(input)}))
                    }
                    Ruling::Change(input) => {
                        let mut whole = call.written(input, 0);
                        if let Some(whole) = whole.as_object_mut() {
                            whole.shift_remove("index");
                        }
                        Some(whole)
                    }
                };
                match position {
                    Some(_) => kept.extend(sent),
                    None => single = sent,
                }
            }
            let none_left = kept.is_empty() && single.is_none();
            for (key, value) in [
                ("tool_calls", (!kept.is_empty()).then_some(Value::Array(kept))),
                ("function_call", single),
            ] {
                match value {
                    Some(value) => drop(fields.insert(key.into(), value)),
                    None => drop(fields.shift_remove(key)),
                }
            }
            if texts.is_empty() {
                continue;
            }
            let before = fields.get("content").and_then(Value::as_str).unwrap_or_default();
            let said: Vec<&str> =
                std::iter::once(before).filter(|text| !text.is_empty()).chain(texts).collect();
            let said = said.join("\n\n");
            fields.insert("content".into(), said.into());
            if none_left
                && let Some(reason) = choice.get_mut("finish_reason")
                && matches!(reason.as_str(), Some("tool_calls" | "function_call"))
            {
                *reason = "stop".into();
            }
        }
        body
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        usage(body.get("usage")?)
    }
}

fn id_of(part: &Value) -> Option<&str> {
    text(part, "id").filter(|id| !id.is_empty())
}

/// Which one it is, if it says so. What is no whole number (`1.0`, `"1"`, `-1`) is one place to one client, and another
/// place to the next.
fn index_of(of: &Value) -> Result<Option<u64>, Unreadable> {
    match of.get("index") {
        None | Some(Value::Null) => Ok(None),
        Some(index) => index.as_u64().map(Some).ok_or(Unreadable::Format("an index is no number")),
    }
}

fn choices(body: &Value) -> Result<&[Value], Unreadable> {
    if body.get("error").is_some_and(|error| !error.is_null()) && body.get("choices").is_none() {
        return Ok(&[]);
    }
    let choices = body.get("choices").and_then(Value::as_array);
    choices.map(Vec::as_slice).ok_or(Unreadable::Format("a completion has no list of choices"))
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a [Value], Unreadable> {
    match value.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(_) => Err(Unreadable::Format("its calls are no list")),
    }
}

/// Servers add fields of their own, which say something. One that could be a call in another spelling is
/// none of them.
fn known_keys(message: &Value) -> Result<(), Unreadable> {
    let fields = match message {
        Value::Object(fields) => fields,
        Value::Null => return Ok(()),
        _ => return Err(Unreadable::Format("a message is no object")),
    };
    for (key, value) in fields {
        let plain = matches!(key.as_str(), "tool_calls" | "function_call");
        let lower = key.to_ascii_lowercase();
        let odd = lower.contains("tool") || lower.contains("call") || lower.contains("function");
        let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if !plain && odd && !empty {
            return Err(Unreadable::Format("a message has calls under a name that is not known"));
        }
    }
    if has_call(message, "content") {
        return Err(Unreadable::Format("a message has calls in its content"));
    }
    Ok(())
}

fn usage(told: &Value) -> Option<Usage> {
    let all = number(told, "prompt_tokens")?;
    let details = told.get("prompt_tokens_details");
    let cached = details.and_then(|details| number(details, "cached_tokens")).unwrap_or_default();
    Some(Usage {
        input: all.saturating_sub(cached),
        output: number(told, "completion_tokens").unwrap_or_default(),
        cache_read: cached.min(all),
        cache_write: 0,
    })
}

pub(super) fn words(input: &ToolInput) -> String {
    match input {
        ToolInput::Object(fields) => Value::Object(fields.clone()).to_string(),
        ToolInput::Text(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests;
