use serde_json::{Map, Value, json};

use super::{items, text};
use crate::{inspect::set, strict_json};

/// A completion as a message.
pub(super) fn message(body: &Value) -> Result<Value, String> {
    let [choice] = items(body, "choices") else { return Err("it has not one choice".into()) };
    let said = choice.get("message").unwrap_or(&Value::Null);
    let mut content = Vec::new();
    if let Some(text) = text(said, "content").filter(|text| !text.is_empty()) {
        content.push(json!({"type": "text", "text": text}));
    }
    for call in items(said, "tool_calls") {
        let function = call.get("function").ok_or("a call of a tool that takes a text")?;
        let (id, name) = (text(call, "id"), text(function, "name"));
        let input = input(text(function, "arguments").unwrap_or_default())?;
        content.push(json!({"type": "tool_use", "id": id, "name": name, "input": input}));
    }
    Ok(json!({
        "id": text(body, "id").unwrap_or("msg_palisade"), "type": "message", "role": "assistant",
        "model": body.get("model"), "content": content,
        "stop_reason": stop_reason(text(choice, "finish_reason")), "stop_sequence": null,
        "usage": usage_of_message(body.get("usage").unwrap_or(&Value::Null)),
    }))
}

/// A message as a completion.
pub(super) fn completion(body: &Value) -> Result<Value, String> {
    let (mut words, mut calls) = (Vec::new(), Vec::new());
    for block in items(body, "content") {
        match text(block, "type") {
            Some("text") => words.push(text(block, "text").unwrap_or_default()),
            Some("tool_use") => {
                let empty = Value::Object(Map::new());
                let arguments = block.get("input").unwrap_or(&empty).to_string();
                let function = json!({"name": text(block, "name"), "arguments": arguments});
                calls.push(
                    json!({"id": text(block, "id"), "type": "function", "function": function}),
                );
            }
            Some("thinking" | "redacted_thinking") => {}
            other => return Err(format!("a block of the type {other:?}")),
        }
    }
    let content = if words.is_empty() { Value::Null } else { words.join("\n\n").into() };
    let mut said = json!({"role": "assistant", "content": content, "refusal": null});
    if !calls.is_empty() {
        set(&mut said, "tool_calls", calls);
    }
    let finish = finish_reason(text(body, "stop_reason"));
    Ok(json!({
        "id": text(body, "id").unwrap_or("chatcmpl-palisade"), "object": "chat.completion",
        "created": 0, "model": body.get("model"),
        "choices": [{"index": 0, "message": said, "logprobs": null, "finish_reason": finish}],
        "usage": usage_of_completion(body.get("usage").unwrap_or(&Value::Null)),
    }))
}

/// What cannot be read was denied before.
pub(super) fn input(arguments: &str) -> Result<Value, String> {
    match arguments {
        "" => Ok(Value::Object(Map::new())),
        arguments => strict_json::parse(arguments).map_err(|error| error.to_string()),
    }
}

pub(super) fn stop_reason(finish: Option<&str>) -> &'static str {
    match finish {
        Some("length") => "max_tokens",
        Some("tool_calls" | "function_call") => "tool_use",
        Some("content_filter") => "refusal",
        _ => "end_turn",
    }
}

pub(super) fn finish_reason(stop: Option<&str>) -> &'static str {
    match stop {
        Some("max_tokens" | "model_context_window_exceeded") => "length",
        Some("tool_use") => "tool_calls",
        Some("refusal") => "content_filter",
        _ => "stop",
    }
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

pub(super) fn usage_of_message(told: &Value) -> Value {
    let cached = number(told.get("prompt_tokens_details").unwrap_or(&Value::Null), "cached_tokens");
    json!({
        "input_tokens": number(told, "prompt_tokens").saturating_sub(cached),
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached,
        "output_tokens": number(told, "completion_tokens"),
    })
}

pub(super) fn usage_of_completion(told: &Value) -> Value {
    let cached = number(told, "cache_read_input_tokens");
    let prompt = number(told, "input_tokens")
        .saturating_add(cached)
        .saturating_add(number(told, "cache_creation_input_tokens"));
    let completion = number(told, "output_tokens");
    json!({
        "prompt_tokens": prompt, "completion_tokens": completion,
        "total_tokens": prompt.saturating_add(completion),
        "prompt_tokens_details": {"cached_tokens": cached},
    })
}

pub(super) fn anthropic_error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

pub(super) fn openai_error(kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}
