//! Gemini `generateContent`. <https://ai.google.dev/api/generate-content>

use bytes::Bytes;
use palisade_core::{ToolCall, ToolInput, ToolSeen};
use serde_json::{Map, Value, json};

use super::{
    Asked, Held, Outlet, Ruling, ServerTool, Stream, Unreadable, Whole, number, shown, text, value,
};
use crate::{
    asking::snake,
    observe::Usage,
    sse::{Event, encoded},
};

/// What a part may say by itself.
const PASSIVE: &[&str] = &[
    "text",
    "thought",
    "thought_signature",
    "inline_data",
    "file_data",
    "video_metadata",
    "part_metadata",
    "media_resolution",
];

/// An answer that comes in pieces, each of which holds whole parts.
#[derive(Debug, Default)]
pub(crate) struct GeminiStream {
    held: Held,
}

impl Stream for GeminiStream {
    fn event(&mut self, event: Event, out: &mut Outlet) -> Result<(), Unreadable> {
        let Some(value) = value(&event)? else {
            out.pass(&event.raw);
            return Ok(());
        };
        if let Some(usage) = WholeGemini.usage(&value) {
            out.usage = Some(usage);
        }
        let asked = WholeGemini.asked(&value)?;
        if asked.is_empty() {
            out.pass(&event.raw);
            return Ok(());
        }
        out.asked = asked;
        self.held.push(event, Some(value))
    }

    fn ruled(&mut self, rulings: Vec<Ruling>, out: &mut Outlet) -> Result<(), Unreadable> {
        let same = rulings.iter().all(|ruling| *ruling == Ruling::Release);
        for (event, value) in self.held.take() {
            match value {
                Some(value) if !same => {
                    out.pass(&encoded(event.name.as_deref(), &WholeGemini.ruled(value, &rulings)));
                }
                _ => out.pass(&event.raw),
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Outlet) -> Result<(), Unreadable> {
        Ok(())
    }

    fn held(&self) -> usize {
        self.held.weight()
    }

    fn error(&self, message: &str) -> Bytes {
        let error = json!({"code": 502, "message": message, "status": "UNAVAILABLE"});
        encoded(None, &json!({ "error": error }))
    }
}

/// An answer that comes at once.
#[derive(Debug)]
pub(crate) struct WholeGemini;

impl Whole for WholeGemini {
    fn asked(&self, body: &Value) -> Result<Vec<Asked>, Unreadable> {
        let fields = body.as_object().ok_or(Unreadable::Format("an answer is no object"))?;
        let mut asked = Vec::new();
        let candidates = match fields.get("candidates") {
            None | Some(Value::Null) => return Ok(asked),
            Some(Value::Array(candidates)) => candidates,
            Some(_) => return Err(Unreadable::Format("its candidates are no list")),
        };
        for candidate in candidates {
            let content = candidate.get("content").unwrap_or(&Value::Null);
            let parts = match content.get("parts") {
                None | Some(Value::Null) => continue,
                Some(Value::Array(parts)) => parts,
                Some(_) => return Err(Unreadable::Format("its parts are no list")),
            };
            asked.extend(parts.iter().filter(|part| !is_passive(part)).map(of_part));
        }
        Ok(asked)
    }

    fn ruled(&self, mut body: Value, rulings: &[Ruling]) -> Value {
        let mut rulings = rulings.iter();
        let candidates = body.get_mut("candidates").and_then(Value::as_array_mut);
        for candidate in candidates.into_iter().flatten() {
            let parts = candidate.pointer_mut("/content/parts").and_then(Value::as_array_mut);
            for part in parts.into_iter().flatten().filter(|part| !is_passive(part)) {
                match rulings.next() {
                    Some(Ruling::Release) => {}
                    Some(Ruling::Change(ToolInput::Object(input))) => {
                        for key in ["functionCall", "function_call"] {
                            if let Some(Value::Object(call)) = part.get_mut(key) {
                                call.insert("args".into(), Value::Object(input.clone()));
                            }
                        }
                    }
                    Some(Ruling::Replace(text)) => *part = json!({ "text": text }),
                    Some(Ruling::Change(ToolInput::Text(_))) | None => {
                        *part = json!({"text": "[Palisade] A call was left out."});
                    }
                }
            }
        }
        body
    }

    fn usage(&self, body: &Value) -> Option<Usage> {
        let told = body.get("usageMetadata")?;
        let all = number(told, "promptTokenCount")?;
        let cached = number(told, "cachedContentTokenCount").unwrap_or_default();
        let sum = ["candidatesTokenCount", "thoughtsTokenCount"].map(|key| number(told, key));
        Some(Usage {
            input: all.saturating_sub(cached),
            output: sum.into_iter().flatten().fold(0, u64::saturating_add),
            cache_read: cached.min(all),
            cache_write: 0,
        })
    }
}

fn is_passive(part: &Value) -> bool {
    let known = |key: &String| PASSIVE.contains(&snake(key).as_str());
    part.as_object().is_some_and(|fields| fields.keys().all(known))
}

fn of_part(part: &Value) -> Asked {
    let odd = |kind: &str| Asked::AtProvider { tool: None, kind: shown(kind) };
    let Some(fields) = part.as_object() else { return odd("(no part)") };
    let mut told = fields.iter().filter(|(key, _)| !PASSIVE.contains(&snake(key).as_str()));
    let (Some((key, value)), None) = (told.next(), told.next()) else {
        return odd("(several things in one part)");
    };
    match snake(key).as_str() {
        "function_call" => call(value),
        "executable_code" | "code_execution_result" => {
            Asked::AtProvider { tool: Some(ServerTool::CodeExecution), kind: shown(key) }
        }
        _ => odd(key),
    }
}

fn call(value: &Value) -> Asked {
    let id = text(value, "id").map(str::to_owned);
    let name = text(value, "name").filter(|name| !name.is_empty());
    let known = |key: &String| matches!(key.as_str(), "id" | "name" | "args");
    let plain = value.as_object().is_some_and(|fields| fields.keys().all(known));
    let input = match value.get("args") {
        _ if !plain => Err("it comes in parts, or has fields that are not known"),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields.clone()),
        Some(_) => Err("its input is not an object"),
    };
    match (name, input) {
        (Some(name), Ok(input)) => Asked::Call(ToolCall {
            name: name.into(),
            input: ToolInput::Object(input),
            id,
            seen: ToolSeen::Answer,
        }),
        (name, input) => Asked::Unreadable {
            name: name.unwrap_or("(no name)").into(),
            id,
            why: input.err().unwrap_or("it has no name").into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::inspect::testing::{Run, run, stream, values};

    fn ran(parts: &[Value], cuts: &[usize]) -> (String, Run) {
        let events: Vec<Value> = parts
            .iter()
            .map(|part| {
                json!({"candidates": [{"content": {"role": "model", "parts": [part]}}],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1}})
            })
            .collect();
        let text = stream(&events, false);
        let run = run(Box::new(GeminiStream::default()), text.as_bytes(), cuts);
        (text, run)
    }

    fn call_of(name: &str) -> Value {
        json!({"functionCall": {"name": name, "args": {"a": 1}}, "thoughtSignature": "x"})
    }

    #[test]
    fn calls_are_decided_one_by_one() {
        let (text, run) = ran(&[json!({"text": "hi"}), call_of("good")], &[]);
        assert_eq!((run.text, run.asked.len()), (text, 1));
        let (_, run) = ran(&[call_of("bad"), call_of("change")], &[]);
        let parts: Vec<Value> = values(&run.text)
            .into_iter()
            .map(|event| event["candidates"][0]["content"]["parts"][0].clone())
            .collect();
        assert_eq!(parts[0], json!({"text": "no é\""}));
        assert_eq!(parts[1]["functionCall"]["args"], json!({"to": "é\n"}));
        let snake = json!({"function_call": {"name": "bad", "args": {}}});
        assert!(!ran(&[snake], &[]).1.text.contains("function_call"));
    }

    #[test]
    fn what_is_not_known_is_not_let_go() {
        for part in [
            json!({"executableCode": {"code": "x"}}),
            json!({"functionCall": {"name": "good", "partialArgs": []}}),
            json!({"functionCall": {"name": "good", "args": "{}"}}),
            json!({"functionCall": {"args": {}}}),
            json!({"functionCall": {"name": "good"}, "newThing": {}}),
            json!({"toolCall": {}}),
            json!(1),
        ] {
            let (_, run) = ran(std::slice::from_ref(&part), &[]);
            assert!(!matches!(run.asked[..], [Asked::Call(_)]), "{part}");
            assert_eq!(
                values(&run.text)[0]["candidates"][0]["content"]["parts"],
                json!([{"text": "no"}])
            );
        }
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same(
            names in prop::collection::vec("(good|bad|change)", 0..5),
            cuts in prop::collection::vec(0usize..1500, 0..9),
        ) {
            let parts: Vec<Value> = names.iter().map(|name| call_of(name)).collect();
            let (text, whole) = ran(&parts, &[]);
            prop_assert_eq!(&ran(&parts, &cuts).1, &whole);
            prop_assert_eq!(values(&whole.text).len(), names.len());
            if names.iter().all(|name| name == "good") {
                prop_assert_eq!(text, whole.text);
            }
        }

        #[test]
        fn never_panics(text in "(data: |\\{\"candidates\":|\\[|\\]|\\{\"content\":\\{\"parts\":\\[[1{}\"]{0,3}\\]\\}\\}|\\}|\n\n){0,20}") {
            drop(run(Box::new(GeminiStream::default()), text.as_bytes(), &[]));
        }
    }
}
