use serde_json::{Map, Value, json};

use super::{items, text, to_chat::ERROR};
use crate::{inspect::set, strict_json};

/// What an answer may have if the client does not say: Anthropic has to be told.
const LENGTH: u64 = 8192;

/// A request of Chat Completions as one of Anthropic Messages.
pub(super) fn request(body: &Value) -> Result<Value, String> {
    if body.get("n").is_some_and(|n| !n.is_null() && *n != 1) {
        return Err("more than one answer".into());
    }
    let format = body.get("response_format").and_then(|format| text(format, "type"));
    if format.is_some_and(|format| format != "text") {
        return Err("an answer in a given form".into());
    }
    if !items(body, "functions").is_empty() {
        return Err("`functions`, in place of `tools`".into());
    }
    let mut said = Map::new();
    let mut copy = |from: &str, to: &str| {
        if let Some(value) = body.get(from).filter(|value| !value.is_null()) {
            said.insert(to.into(), value.clone());
        }
    };
    copy("model", "model");
    copy("top_p", "top_p");
    copy("stream", "stream");
    copy("max_tokens", "max_tokens");
    copy("max_completion_tokens", "max_tokens");
    said.entry("max_tokens").or_insert_with(|| LENGTH.into());
    if let Some(warmth) = body.get("temperature").and_then(Value::as_f64) {
        // Theirs goes up to 1.
        said.insert("temperature".into(), warmth.clamp(0.0, 1.0).into());
    }
    match body.get("stop") {
        None | Some(Value::Null) => {}
        Some(Value::String(stop)) => drop(said.insert("stop_sequences".into(), json!([stop]))),
        Some(stop) => drop(said.insert("stop_sequences".into(), stop.clone())),
    }
    let mut told = Conversation::default();
    for message in items(body, "messages") {
        told.add(message)?;
    }
    if !told.system.is_empty() {
        said.insert("system".into(), told.system.join("\n\n").into());
    }
    said.insert("messages".into(), told.messages.into());
    let tools: Vec<Value> = items(body, "tools").iter().map(tool).collect::<Result<_, _>>()?;
    let mut choice = match body.get("tool_choice") {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) => match word.as_str() {
            "auto" | "none" => Some(json!({ "type": word })),
            "required" => Some(json!({"type": "any"})),
            _ => return Err("its `tool_choice` is not known".into()),
        },
        Some(choice) => match choice.get("function").and_then(|function| text(function, "name")) {
            Some(name) => Some(json!({"type": "tool", "name": name})),
            None => return Err("its `tool_choice` is not known".into()),
        },
    };
    if body.get("parallel_tool_calls") == Some(&Value::Bool(false)) && !tools.is_empty() {
        let choice = choice.get_or_insert_with(|| json!({"type": "auto"}));
        if text(choice, "type") != Some("none") {
            set(choice, "disable_parallel_tool_use", true);
        }
    }
    if !tools.is_empty() {
        said.insert("tools".into(), tools.into());
        said.extend(choice.map(|choice| ("tool_choice".to_owned(), choice)));
    }
    Ok(Value::Object(said))
}

#[derive(Default)]
struct Conversation {
    system: Vec<String>,
    messages: Vec<Value>,
}

impl Conversation {
    fn add(&mut self, message: &Value) -> Result<(), String> {
        let content = message.get("content").unwrap_or(&Value::Null);
        match text(message, "role") {
            Some("system" | "developer") => self.system.push(words(content)?),
            Some("user") => self.push("user", blocks(content)?),
            Some("assistant") => {
                let mut said = blocks(content)?;
                said.retain(|block| text(block, "text") != Some(""));
                for call in items(message, "tool_calls") {
                    said.push(tool_use(call)?);
                }
                if message.get("function_call").is_some_and(|call| !call.is_null()) {
                    return Err("`function_call`, in place of `tool_calls`".into());
                }
                self.push("assistant", said);
            }
            Some("tool") => {
                let id = text(message, "tool_call_id").ok_or("a result names no call")?;
                let mut told = words(content)?;
                let mut block = json!({"type": "tool_result", "tool_use_id": id});
                if let Some(rest) = told.strip_prefix(ERROR) {
                    told = rest.to_owned();
                    set(&mut block, "is_error", true);
                }
                set(&mut block, "content", told);
                self.push("user", vec![block]);
            }
            _ => return Err("a message has no role that is known".into()),
        }
        Ok(())
    }

    /// All results of one turn have to be in one message.
    fn push(&mut self, role: &str, mut blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        if let Some(last) = self.messages.last_mut().filter(|last| text(last, "role") == Some(role))
            && let Some(content) = last.get_mut("content").and_then(Value::as_array_mut)
        {
            content.append(&mut blocks);
            return;
        }
        self.messages.push(json!({"role": role, "content": blocks}));
    }
}

fn words(content: &Value) -> Result<String, String> {
    let texts = blocks(content)?;
    let texts = texts.iter().map(|block| text(block, "text").ok_or("a text with a picture in it"));
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

fn blocks(content: &Value) -> Result<Vec<Value>, String> {
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(vec![json!({"type": "text", "text": text})]),
        Value::Array(parts) => parts.iter().map(block).collect(),
        _ => Err("a message that is no text".into()),
    }
}

fn block(part: &Value) -> Result<Value, String> {
    match text(part, "type") {
        Some("text") => Ok(json!({"type": "text", "text": text(part, "text").unwrap_or_default()})),
        Some("refusal") => {
            Ok(json!({"type": "text", "text": text(part, "refusal").unwrap_or_default()}))
        }
        Some("image_url") => {
            let url = part.get("image_url").and_then(|image| text(image, "url"));
            let url = url.ok_or("a picture without an address")?;
            let source = match url
                .strip_prefix("data:")
                .and_then(|rest| rest.split_once(";base64,"))
            {
                Some((kind, data)) => json!({"type": "base64", "media_type": kind, "data": data}),
                None => json!({"type": "url", "url": url}),
            };
            Ok(json!({"type": "image", "source": source}))
        }
        other => Err(format!("a part of the type {other:?}")),
    }
}

fn tool_use(call: &Value) -> Result<Value, String> {
    let function = call.get("function").ok_or("a call of a tool that takes a text")?;
    let arguments = text(function, "arguments").unwrap_or_default();
    let input = match arguments {
        "" => Value::Object(Map::new()),
        arguments => strict_json::parse(arguments).map_err(|error| error.to_string())?,
    };
    Ok(
        json!({"type": "tool_use", "id": text(call, "id"), "name": text(function, "name"), "input": input}),
    )
}

fn tool(tool: &Value) -> Result<Value, String> {
    let function = tool.get("function").filter(|_| text(tool, "type") == Some("function"));
    let function = function.ok_or("a tool that is no function")?;
    let mut said = Map::new();
    for key in ["name", "description"] {
        if let Some(value) = function.get(key) {
            said.insert(key.into(), value.clone());
        }
    }
    let schema = function.get("parameters").cloned();
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    said.insert("input_schema".into(), schema);
    Ok(Value::Object(said))
}
