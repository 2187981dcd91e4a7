use serde_json::{Map, Value, json};

use super::{items, text};

/// A request of Anthropic Messages as one of Chat Completions.
pub(super) fn request(body: &Value, length: &str) -> Result<Value, String> {
    let mut said = Map::new();
    let mut copy = |from: &str, to: &str| {
        if let Some(value) = body.get(from).filter(|value| !value.is_null()) {
            said.insert(to.into(), value.clone());
        }
    };
    copy("model", "model");
    copy("max_tokens", length);
    copy("temperature", "temperature");
    copy("top_p", "top_p");
    copy("stop_sequences", "stop");
    copy("stream", "stream");
    let mut messages = Vec::new();
    let system = words(body.get("system").unwrap_or(&Value::Null), "system prompt")?;
    if !system.is_empty() {
        messages.push(json!({"role": "system", "content": system}));
    }
    for message in items(body, "messages") {
        let content = message.get("content").unwrap_or(&Value::Null);
        match text(message, "role") {
            Some("user") => user(content, &mut messages)?,
            Some("assistant") => messages.push(assistant(content)?),
            Some("system") => {
                messages.push(json!({"role": "system", "content": words(content, "message")?}));
            }
            _ => return Err("a message has no role that is known".into()),
        }
    }
    said.insert("messages".into(), messages.into());
    let tools: Vec<Value> = items(body, "tools").iter().map(tool).collect::<Result<_, _>>()?;
    if !tools.is_empty() {
        said.insert("tools".into(), tools.into());
    }
    if let Some(choice) = body.get("tool_choice").filter(|choice| !choice.is_null()) {
        let named = || json!({"type": "function", "function": {"name": text(choice, "name")}});
        said.insert(
            "tool_choice".into(),
            match text(choice, "type") {
                Some("auto") => "auto".into(),
                Some("any") => "required".into(),
                Some("none") => "none".into(),
                Some("tool") => named(),
                _ => return Err("its `tool_choice` is not known".into()),
            },
        );
        if choice.get("disable_parallel_tool_use") == Some(&Value::Bool(true)) {
            said.insert("parallel_tool_calls".into(), false.into());
        }
    }
    if said.get("stream") == Some(&Value::Bool(true)) {
        said.insert("stream_options".into(), json!({"include_usage": true}));
    }
    Ok(Value::Object(said))
}

/// The texts of a content that has nothing else.
fn words(content: &Value, what: &str) -> Result<String, String> {
    match content {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(blocks) => {
            let texts = blocks.iter().map(|block| match text(block, "type") {
                Some("text") => Ok(text(block, "text").unwrap_or_default()),
                other => Err(format!("a {what} with a block of the type {other:?}")),
            });
            Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n\n"))
        }
        _ => Err(format!("a {what} that is no text")),
    }
}

/// Results come first: they have to follow the calls that they are of.
fn user(content: &Value, messages: &mut Vec<Value>) -> Result<(), String> {
    let Value::Array(blocks) = content else {
        messages.push(json!({"role": "user", "content": words(content, "message")?}));
        return Ok(());
    };
    let mut parts = Vec::new();
    for block in blocks {
        if text(block, "type") != Some("tool_result") {
            parts.push(part(block)?);
            continue;
        }
        let id = text(block, "tool_use_id").ok_or("a result names no call")?;
        let mut told = String::new();
        match block.get("content").unwrap_or(&Value::Null) {
            Value::Array(inner) => {
                for block in inner {
                    match text(block, "type") {
                        Some("text") => {
                            if !told.is_empty() {
                                told.push('\n');
                            }
                            told.push_str(text(block, "text").unwrap_or_default());
                        }
                        // A result has words only; what else there is follows it.
                        _ => parts.push(part(block)?),
                    }
                }
            }
            other => told = words(other, "result")?,
        }
        if block.get("is_error") == Some(&Value::Bool(true)) {
            told.insert_str(0, ERROR);
        }
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": told}));
    }
    if !parts.is_empty() {
        messages.push(json!({"role": "user", "content": parts}));
    }
    Ok(())
}

/// How the result of a call begins that failed.
pub(super) const ERROR: &str = "Error: ";

fn part(block: &Value) -> Result<Value, String> {
    match text(block, "type") {
        Some("text") => Ok(json!({"type": "text", "text": text(block, "text")})),
        Some("image") => {
            let source = block.get("source").unwrap_or(&Value::Null);
            let url = match text(source, "type") {
                Some("base64") => format!(
                    "data:{};base64,{}",
                    text(source, "media_type").unwrap_or("image/png"),
                    text(source, "data").unwrap_or_default()
                ),
                Some("url") => text(source, "url").unwrap_or_default().to_owned(),
                _ => return Err("an image that is a file at the provider".into()),
            };
            Ok(json!({"type": "image_url", "image_url": {"url": url}}))
        }
        Some("document") => {
            let source = block.get("source").unwrap_or(&Value::Null);
            match (text(source, "type"), text(source, "data")) {
                (Some("text"), Some(data)) => Ok(json!({"type": "text", "text": data})),
                _ => Err("a document that is no plain text".into()),
            }
        }
        other => Err(format!("a block of the type {other:?}")),
    }
}

fn assistant(content: &Value) -> Result<Value, String> {
    let mut said = Map::new();
    said.insert("role".into(), "assistant".into());
    let (mut texts, mut calls) = (Vec::new(), Vec::new());
    match content {
        Value::String(text) => texts.push(text.as_str()),
        Value::Array(blocks) => {
            for block in blocks {
                match text(block, "type") {
                    Some("text") => texts.push(text(block, "text").unwrap_or_default()),
                    // Only who thought it can read it.
                    Some("thinking" | "redacted_thinking") => {}
                    Some("tool_use") => {
                        let empty = Value::Object(Map::new());
                        let input = block.get("input").unwrap_or(&empty).to_string();
                        let function = json!({"name": text(block, "name"), "arguments": input});
                        calls.push(json!({"id": text(block, "id"), "type": "function", "function": function}));
                    }
                    other => return Err(format!("a block of the type {other:?}")),
                }
            }
        }
        _ => return Err("a message that is no text".into()),
    }
    let words = texts.join("\n\n");
    let words = if words.is_empty() && !calls.is_empty() { Value::Null } else { words.into() };
    said.insert("content".into(), words);
    if !calls.is_empty() {
        said.insert("tool_calls".into(), calls.into());
    }
    Ok(Value::Object(said))
}

fn tool(tool: &Value) -> Result<Value, String> {
    if let Some(kind) = text(tool, "type").filter(|kind| *kind != "custom") {
        return Err(format!(
            "the tool `{}`, which only Anthropic's models know",
            kind.escape_debug()
        ));
    }
    let mut function = Map::new();
    for (from, to) in
        [("name", "name"), ("description", "description"), ("input_schema", "parameters")]
    {
        if let Some(value) = tool.get(from) {
            function.insert(to.into(), value.clone());
        }
    }
    Ok(json!({"type": "function", "function": function}))
}
