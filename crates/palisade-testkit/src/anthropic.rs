use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::Speech,
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
    json!({
        "id": format!("msg_{id}"), "type": "message", "role": "assistant", "model": model,
        "content": [block(id, speech)],
        "stop_reason": stop_reason(speech), "stop_sequence": null,
        "usage": usage(),
    })
}

/// The same message as a stream of events.
pub(crate) fn events(id: &str, model: &Value, speech: &Speech) -> Vec<Bytes> {
    let mut start = message(id, model, speech);
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    let mut block = block(id, speech);
    let deltas: Vec<Value> = match speech {
        Speech::Text { text } => {
            block["text"] = json!("");
            parts(text).into_iter().map(|t| json!({"type": "text_delta", "text": t})).collect()
        }
        Speech::Tool { input, .. } => {
            block["input"] = json!({});
            input_deltas(&input.to_string())
        }
        Speech::CustomTool { input, .. } => {
            block["input"] = json!({});
            input_deltas(&json!({ "input": input }).to_string())
        }
    };
    let mut out = vec![
        event(&json!({"type": "message_start", "message": start})),
        event(&json!({"type": "content_block_start", "index": 0, "content_block": block})),
        event(&json!({"type": "ping"})),
    ];
    for delta in deltas {
        out.push(event(&json!({"type": "content_block_delta", "index": 0, "delta": delta})));
    }
    out.push(event(&json!({"type": "content_block_stop", "index": 0})));
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

fn block(id: &str, speech: &Speech) -> Value {
    let call = |name: &str, input: Value| json!({"type": "tool_use", "id": format!("toolu_{id}"), "name": name, "input": input});
    match speech {
        Speech::Text { text } => json!({"type": "text", "text": text}),
        Speech::Tool { tool, input } => call(tool, input.clone()),
        Speech::CustomTool { custom_tool, input } => call(custom_tool, json!({ "input": input })),
    }
}

fn stop_reason(speech: &Speech) -> &'static str {
    match speech {
        Speech::Text { .. } => "end_turn",
        Speech::Tool { .. } | Speech::CustomTool { .. } => "tool_use",
    }
}

fn usage() -> Value {
    json!({
        "input_tokens": 10, "output_tokens": 5,
        "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
    })
}
