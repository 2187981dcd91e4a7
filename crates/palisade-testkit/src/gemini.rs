use bytes::Bytes;
use serde_json::{Value, json};

use crate::{
    script::{Speech, item_id},
    sse::{data, parts},
};

/// The last thing said to the model, as text.
pub(crate) fn heard(body: &Value) -> String {
    let last = body["contents"].as_array().and_then(|contents| contents.last());
    last.map(Value::to_string).unwrap_or_default()
}

/// An error in Gemini's shape.
pub(crate) fn error(status: u16, message: &str) -> Value {
    json!({"error": {"code": status, "message": message, "status": "UNKNOWN"}})
}

/// A whole answer (`:generateContent`).
pub(crate) fn answer(id: &str, model: &str, speech: &Speech) -> Value {
    let items = speech.items().into_iter().enumerate();
    chunk(model, &items.map(|(at, item)| part(&item_id(id, at), item)).collect::<Vec<_>>(), true)
}

/// The same as a stream of events.
pub(crate) fn events(id: &str, model: &str, speech: &Speech) -> Vec<Bytes> {
    let mut out = Vec::new();
    for (at, item) in speech.items().into_iter().enumerate() {
        match item {
            Speech::Tool { .. } | Speech::CustomTool { .. } => {
                out.push(chunk(model, &[part(&item_id(id, at), item)], false));
            }
            words => {
                let texts = parts(words.words());
                out.extend(texts.iter().map(|text| chunk(model, &[json!({"text": text})], false)));
            }
        }
    }
    out.push(chunk(model, &[json!({"text": ""})], true));
    out.iter().map(data).collect()
}

fn chunk(model: &str, parts: &[Value], last: bool) -> Value {
    let mut candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}});
    if last {
        candidate["finishReason"] = json!("STOP");
    }
    json!({
        "candidates": [candidate], "modelVersion": model,
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
    })
}

fn part(id: &str, item: &Speech) -> Value {
    let call = |name: &str, input: Value| json!({"functionCall": {"id": format!("call_{id}"), "name": name, "args": input}});
    match item {
        Speech::Tool { tool, input } => call(tool, input.clone()),
        Speech::CustomTool { custom_tool, input } => call(custom_tool, json!({ "input": input })),
        words => json!({"text": words.words()}),
    }
}

/// Embeddings of what a request has (`:embedContent`, `:batchEmbedContents`).
pub(crate) fn embeddings(body: &Value) -> Value {
    let one = json!({"values": [0.25, -0.5]});
    match body["requests"].as_array() {
        Some(requests) => json!({"embeddings": vec![one; requests.len()]}),
        None => json!({"embedding": one}),
    }
}
