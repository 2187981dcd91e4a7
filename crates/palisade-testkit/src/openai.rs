use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::Speech,
    sse::{data, event, parts},
};

/// The last thing said to the model, as text.
pub(crate) fn heard(body: &Value) -> String {
    let list = body["input"].as_array().or_else(|| body["messages"].as_array());
    match list.and_then(|items| items.last()) {
        Some(item) => item.to_string(),
        None => body["input"].as_str().unwrap_or_default().into(),
    }
}

/// An error in OpenAI's shape.
pub(crate) fn error(kind: &str, message: &str) -> Value {
    json!({"error": {"message": message, "type": kind, "param": null, "code": null}})
}

/// A whole response (`/v1/responses`).
pub(crate) fn response(id: &str, model: &Value, speech: &Speech) -> Value {
    let mut response = started(id, model);
    response["status"] = json!("completed");
    response["output"] = json!([item(id, speech, true)]);
    response["usage"] = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    });
    response
}

/// The same response as a stream of events.
pub(crate) fn response_events(id: &str, model: &Value, speech: &Speech) -> Vec<Bytes> {
    let done = item(id, speech, true);
    let item_id = done["id"].clone();
    let mut events = vec![
        json!({"type": "response.created", "response": started(id, model)}),
        json!({"type": "response.in_progress", "response": started(id, model)}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": item(id, speech, false)}),
    ];
    let about = |kind: &str, extra: Value| {
        let mut event = json!({"type": kind, "item_id": item_id, "output_index": 0});
        if let (Some(event), Some(extra)) = (event.as_object_mut(), extra.as_object()) {
            event.extend(extra.clone());
        }
        event
    };
    match speech {
        Speech::Text { text } => {
            let part = |text: &str| json!({"type": "output_text", "text": text, "annotations": []});
            events.push(about(
                "response.content_part.added",
                json!({"content_index": 0, "part": part("")}),
            ));
            for delta in parts(text) {
                events.push(about(
                    "response.output_text.delta",
                    json!({"content_index": 0, "delta": delta}),
                ));
            }
            events.push(about(
                "response.output_text.done",
                json!({"content_index": 0, "text": text}),
            ));
            events.push(about(
                "response.content_part.done",
                json!({"content_index": 0, "part": part(text)}),
            ));
        }
        Speech::Tool { input, .. } => {
            let arguments = input.to_string();
            for delta in parts(&arguments) {
                events
                    .push(about("response.function_call_arguments.delta", json!({"delta": delta})));
            }
            events.push(about(
                "response.function_call_arguments.done",
                json!({"arguments": arguments}),
            ));
        }
        Speech::CustomTool { input, .. } => {
            for delta in parts(input) {
                events
                    .push(about("response.custom_tool_call_input.delta", json!({"delta": delta})));
            }
            events.push(about("response.custom_tool_call_input.done", json!({"input": input})));
        }
    }
    events.push(json!({"type": "response.output_item.done", "output_index": 0, "item": done}));
    events.push(json!({"type": "response.completed", "response": response(id, model, speech)}));
    events
        .into_iter()
        .enumerate()
        .map(|(number, mut value)| {
            value["sequence_number"] = json!(number);
            event(&value)
        })
        .collect()
}

/// A whole chat completion (`/v1/chat/completions`).
pub(crate) fn completion(id: &str, model: &Value, speech: &Speech) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    match call(speech) {
        None => message["content"] = json!(words(speech)),
        Some((name, arguments)) => {
            message["tool_calls"] = json!([{
                "id": format!("call_{id}"), "type": "function",
                "function": {"name": name, "arguments": arguments},
            }]);
        }
    }
    json!({
        "id": format!("chatcmpl-{id}"), "object": "chat.completion", "created": 0, "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish(speech)}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    })
}

/// The same completion as a stream of chunks.
pub(crate) fn completion_events(id: &str, model: &Value, speech: &Speech) -> Vec<Bytes> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    match call(speech) {
        None => deltas.extend(parts(&words(speech)).into_iter().map(|t| json!({"content": t}))),
        Some((name, arguments)) => {
            deltas.push(json!({"tool_calls": [{
                "index": 0, "id": format!("call_{id}"), "type": "function",
                "function": {"name": name, "arguments": ""},
            }]}));
            for part in parts(&arguments) {
                deltas.push(json!({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}));
            }
        }
    }
    let chunk = |delta: Value, finish: Value| {
        json!({
            "id": format!("chatcmpl-{id}"), "object": "chat.completion.chunk", "created": 0,
            "model": model, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        })
    };
    let mut out: Vec<Bytes> =
        deltas.into_iter().map(|delta| data(&chunk(delta, Value::Null))).collect();
    out.push(data(&chunk(json!({}), json!(finish(speech)))));
    out.push(Bytes::from_static(b"data: [DONE]\n\n"));
    out
}

fn started(id: &str, model: &Value) -> Value {
    json!({
        "id": format!("resp_{id}"), "object": "response", "created_at": 0, "status": "in_progress",
        "model": model, "output": [], "error": null, "incomplete_details": null, "usage": null,
    })
}

/// The one output item; before it is complete, its text or input is empty.
fn item(id: &str, speech: &Speech, complete: bool) -> Value {
    let status = if complete { "completed" } else { "in_progress" };
    match speech {
        Speech::Text { text } => json!({
            "type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": status,
            "content": if complete {
                json!([{"type": "output_text", "text": text, "annotations": []}])
            } else {
                json!([])
            },
        }),
        Speech::Tool { tool, input } => json!({
            "type": "function_call", "id": format!("fc_{id}"), "call_id": format!("call_{id}"),
            "name": tool, "status": status,
            "arguments": if complete { input.to_string() } else { String::new() },
        }),
        Speech::CustomTool { custom_tool, input } => json!({
            "type": "custom_tool_call", "id": format!("ctc_{id}"), "call_id": format!("call_{id}"),
            "name": custom_tool, "status": status,
            "input": if complete { input.as_str() } else { "" },
        }),
    }
}

fn call(speech: &Speech) -> Option<(&str, String)> {
    match speech {
        Speech::Text { .. } => None,
        Speech::Tool { tool, input } => Some((tool, input.to_string())),
        Speech::CustomTool { custom_tool, input } => {
            Some((custom_tool, json!({ "input": input }).to_string()))
        }
    }
}

fn words(speech: &Speech) -> String {
    match speech {
        Speech::Text { text } => text.clone(),
        Speech::Tool { .. } | Speech::CustomTool { .. } => String::new(),
    }
}

fn finish(speech: &Speech) -> &'static str {
    if call(speech).is_some() { "tool_calls" } else { "stop" }
}
