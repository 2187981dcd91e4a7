use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::{Speech, item_id},
    sse::{event, parts},
};

/// The last thing said to the model, as text.
pub(crate) fn heard(body: &Value) -> String {
    body["messages"]
        .as_array()
        .and_then(|messages| messages.iter().rev().find(|message| message["role"] == "user"))
        .map(|message| message["content"].to_string())
        .unwrap_or_default()
}

/// An error in Anthropic's shape.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

/// A whole message.
pub(crate) fn message(id: &str, model: &Value, speech: &Speech) -> Value {
    let items = speech.items();
    let content: Vec<Value> =
        items.into_iter().enumerate().map(|(at, item)| block(&item_id(id, at), item)).collect();
    json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": model,
        "content": content,
        "stop_reason": stop_reason(speech), "stop_sequence": null,
        "usage": usage(),
    })
}

/// The same message as a stream of events.
pub(crate) fn events(id: &str, model: &Value, speech: &Speech) -> Vec<Bytes> {
    let mut start = message(id, model, speech);
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let mut out = vec![event(&json!({"type": "message_start", "message": start}))];
    for (index, item) in speech.items().into_iter().enumerate() {
        let mut block = block(&item_id(id, index), item);
        let deltas: Vec<Value> = if block["type"] == "text" {
            let text = std::mem::replace(&mut block["text"], json!(""));
            let parts = parts(text.as_str().unwrap_or_default());
            parts.into_iter().map(|text| json!({"type": "text_delta", "text": text})).collect()
        } else {
            input_deltas(&std::mem::replace(&mut block["input"], json!({})).to_string())
        };
        out.push(event(
            &json!({"type": "content_block_start", "index": index, "content_block": block}),
        ));
        out.push(event(&json!({"type": "ping"})));
        for delta in deltas {
            let delta = json!({"type": "content_block_delta", "index": index, "delta": delta});
            out.push(event(&delta));
        }
        out.push(event(&json!({"type": "content_block_stop", "index": index})));
    }
    out.push(event(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason(speech), "stop_sequence": null},
        "usage": {"output_tokens": 5},
    })));
    out.push(event(&json!({"type": "message_stop"})));
    out
}

fn input_deltas(text: &str) -> Vec<Value> {
    parts(text)
        .into_iter()
        .map(|part| json!({"type": "input_json_delta", "partial_json": part}))
        .collect()
}

fn block(id: &str, item: &Speech) -> Value {
    let call = |name: &str, input: Value| json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name, "input": input});
    match item {
        Speech::Tool { tool, input } => call(tool, input.clone()),
        Speech::CustomTool { custom_tool, input } => call(custom_tool, json!({ "input": input })),
        words => json!({"type": "text", "text": words.words()}),
    }
}

fn stop_reason(speech: &Speech) -> &'static str {
    if speech.calls() { "tool_use" } else { "end_turn" }
}

fn usage() -> Value {
    json!({
        "input_tokens": 10, "output_tokens": 5,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
    })
}
