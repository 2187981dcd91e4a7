use bytes::Bytes;
use serde_json::Value;

/// One server-sent event named by its `type`, as both providers send them.
pub(crate) fn event(data: &Value) -> Bytes {
    let name = data.get("type").and_then(Value::as_str).unwrap_or("message");
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// One server-sent event without a name.
pub(crate) fn data(data: &Value) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// A text in the small parts in which models send it.
pub(crate) fn parts(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(7).map(|part| part.iter().collect()).collect()
}
