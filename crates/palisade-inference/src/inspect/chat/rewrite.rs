use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value, json};

use super::{Call, Place, words};
use crate::{
    inspect::{Outlet, Ruling, number},
    sse::encoded,
};

/// Chunks with other calls than they came with.
pub(super) struct Rewrite {
    /// Each with its index as it is sent, and whether a part of it was.
    calls: HashMap<Place, (Call, Ruling, u64, bool)>,
    /// The texts that stand for calls, by choice.
    texts: HashMap<u64, String>,
    /// Choices that keep a call.
    kept: HashSet<u64>,
}

impl Rewrite {
    /// The calls in the order in which they began, and how many of each choice went on before.
    pub(super) fn new(
        calls: Vec<Call>,
        rulings: Vec<Ruling>,
        before: &mut HashMap<u64, u64>,
    ) -> Self {
        let mut this = Self { calls: HashMap::new(), texts: HashMap::new(), kept: HashSet::new() };
        for (call, ruling) in calls.into_iter().zip(rulings) {
            let (choice, index) = call.place;
            let next = before.entry(choice).or_default();
            let sent = *next;
            if let Ruling::Replace(text) = &ruling {
                let texts = this.texts.entry(choice).or_default();
                if !texts.is_empty() {
                    texts.push_str("\n\n");
                }
                texts.push_str(text);
            } else {
                *next = next.saturating_add(u64::from(index.is_some()));
                this.kept.insert(choice);
            }
            this.calls.insert(call.place, (call, ruling, sent, false));
        }
        this
    }

    pub(super) fn chunk(&mut self, name: Option<&str>, mut value: Value, out: &mut Outlet) {
        let model = value.clone();
        let mut ends = Vec::new();
        let mut says = value.get("usage").is_some_and(|usage| !usage.is_null());
        for choice in value.get_mut("choices").and_then(Value::as_array_mut).into_iter().flatten() {
            let at = number(choice, "index").unwrap_or_default();
            if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
                self.delta(at, delta);
                says |= !delta.is_empty();
            }
            let Some(reason) = choice.get_mut("finish_reason").filter(|reason| !reason.is_null())
            else {
                continue;
            };
            says = true;
            ends.push(at);
            let waits = matches!(reason.as_str(), Some("tool_calls" | "function_call"));
            if waits && self.texts.contains_key(&at) && !self.kept.contains(&at) {
                *reason = "stop".into();
            }
        }
        for at in ends {
            if let Some(text) = self.texts.get_mut(&at) {
                write_text(&model, at, &std::mem::take(text), out);
            }
        }
        if says {
            out.pass(&encoded(name, &value));
        }
    }

    fn delta(&mut self, choice: u64, delta: &mut Map<String, Value>) {
        if let Some(parts) = delta.get_mut("tool_calls").and_then(Value::as_array_mut) {
            let mut position = 0u64;
            parts.retain_mut(|part| {
                let index = number(part, "index").unwrap_or(position);
                position = position.saturating_add(1);
                let Some((call, ruling, sent, written)) =
                    self.calls.get_mut(&(choice, Some(index)))
                else {
                    return false;
                };
                let first = !std::mem::replace(written, true);
                match ruling {
                    Ruling::Replace(_) => return false,
                    Ruling::Change(_) if !first => return false,
                    Ruling::Change(input) => *part = call.written(input, *sent),
                    Ruling::Release => {
                        if let Some(part) = part.as_object_mut() {
                            part.insert("index".into(), (*sent).into());
                        }
                    }
                }
                true
            });
            if parts.is_empty() {
                delta.shift_remove("tool_calls");
            }
        }
        if let Some(part) = delta.get_mut("function_call")
            && let Some((call, ruling, _, written)) = self.calls.get_mut(&(choice, None))
        {
            let first = !std::mem::replace(written, true);
            match ruling {
                Ruling::Release => {}
                Ruling::Change(input) if first => {
                    *part = json!({"name": call.name, "arguments": words(input)});
                }
                Ruling::Change(_) | Ruling::Replace(_) => {
                    delta.shift_remove("function_call");
                }
            }
        }
    }

    /// What is still to be said at the end of a stream that gives no reason for it.
    pub(super) fn leave(&mut self, model: Option<&Value>, out: &mut Outlet) {
        let Some(model) = model else { return };
        for (at, text) in &mut self.texts {
            write_text(model, *at, &std::mem::take(text), out);
        }
    }
}

/// A chunk that says a text, and else is like another one.
fn write_text(model: &Value, choice: u64, text: &str, out: &mut Outlet) {
    if text.is_empty() {
        return;
    }
    let mut chunk = model.clone();
    if let Some(chunk) = chunk.as_object_mut() {
        chunk.shift_remove("usage");
        let delta = json!({ "content": text });
        let choice = json!({"index": choice, "delta": delta, "finish_reason": null});
        chunk.insert("choices".into(), json!([choice]));
    }
    out.pass(&encoded(None, &chunk));
}
