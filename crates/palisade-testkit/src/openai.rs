use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::{Speech, item_id},
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
    let items = speech.items().into_iter().enumerate();
    response["output"] =
        items.map(|(at, one)| item(&item_id(id, at), one, true)).collect::<Vec<_>>().into();
    response["usage"] = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 15,
    });
    response
}

/// The same response as a stream of events.
pub(crate) fn response_events(id: &str, model: &Value, speech: &Speech) -> Vec<Bytes> {
    let mut events = vec![
        json!({"type": "response.created", "response": started(id, model)}),
        json!({"type": "response.in_progress", "response": started(id, model)}),
    ];
    for (at, one) in speech.items().into_iter().enumerate() {
        item_events(&item_id(id, at), at, one, &mut events);
    }
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

fn item_events(id: &str, at: usize, one: &Speech, events: &mut Vec<Value>) {
    let done = item(id, one, true);
    let item_id = done["id"].clone();
    events.push(json!({"type": "response.output_item.added", "output_index": at, "item": item(id, one, false)}));
    let about = |kind: &str, extra: Value| {
        let mut event = json!({"type": kind, "item_id": item_id, "output_index": at});
        if let (Some(event), Some(extra)) = (event.as_object_mut(), extra.as_object()) {
            event.extend(extra.clone());
        }
        event
    };
    match one {
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
        words => {
            let text = words.words();
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
    }
    events.push(json!({"type": "response.output_item.done", "output_index": at, "item": done}));
}

/// A whole chat completion (`/v1/chat/completions`).
pub(crate) fn completion(id: &str, model: &Value, speech: &Speech) -> Value {
    let mut message = json!({"role": "assistant", "content": null});
    let said: String = speech.items().into_iter().map(Speech::words).collect();
    if !said.is_empty() {
        message["content"] = json!(said);
    }
    let calls: Vec<Value> = calls(speech)
        .enumerate()
        .map(|(at, (name, arguments))| {
            json!({
                "id": format!("call_{}", item_id(id, at)), "type": "function",
                "function": {"name": name, "arguments": arguments},
            })
        })
        .collect();
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
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
    for words in speech.items().into_iter().map(Speech::words) {
        deltas.extend(parts(words).into_iter().map(|text| json!({"content": text})));
    }
    for (at, (name, arguments)) in calls(speech).enumerate() {
        deltas.push(json!({"tool_calls": [{
            "index": at, "id": format!("call_{}", item_id(id, at)), "type": "function",
            "function": {"name": name, "arguments": ""},
        }]}));
        for part in parts(&arguments) {
            deltas.push(json!({"tool_calls": [{"index": at, "function": {"arguments": part}}]}));
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
    let mut usage = chunk(json!({}), Value::Null);
    usage["choices"] = json!([]);
    usage["usage"] = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    out.push(data(&usage));
    out.push(Bytes::from_static(b"data: [DONE]\n\n"));
    out
}

/// Embeddings of each text of a request (`/v1/embeddings`).
pub(crate) fn embeddings(body: &Value) -> Value {
    let number = body["input"].as_array().map_or(1, Vec::len);
    let one = |at: usize| json!({"object": "embedding", "index": at, "embedding": [0.25, -0.5]});
    json!({
        "object": "list", "model": body["model"], "data": (0..number).map(one).collect::<Vec<_>>(),
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    })
}

fn started(id: &str, model: &Value) -> Value {
    json!({
        "id": format!("resp_{id}"), "object": "response", "created_at": 0, "status": "in_progress",
        "model": model, "output": [], "error": null, "incomplete_details": null, "usage": null,
    })
}

/// An output item; before it is complete, its text or input is empty.
fn item(id: &str, one: &Speech, complete: bool) -> Value {
    let status = if complete { "completed" } else { "in_progress" };
    match one {
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
        words => json!({
            "type": "message", "id": format!("msg_{id}"), "role": "assistant", "status": status,
            "content": if complete {
                json!([{"type": "output_text", "text": words.words(), "annotations": []}])
            } else {
                json!([])
            },
        }),
    }
}

/// The calls of tools, each with its input.
fn calls(speech: &Speech) -> impl Iterator<Item = (&str, String)> {
    speech.items().into_iter().filter_map(|item| match item {
        Speech::Tool { tool, input } => Some((tool.as_str(), input.to_string())),
        Speech::CustomTool { custom_tool, input } => {
            Some((custom_tool.as_str(), json!({ "input": input }).to_string()))
        }
        _ => None,
    })
}

fn finish(speech: &Speech) -> &'static str {
    if speech.calls() { "tool_calls" } else { "stop" }
}
