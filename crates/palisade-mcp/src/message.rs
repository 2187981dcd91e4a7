//! JSON-RPC 2.0, as far as MCP uses it: no batches.

use std::collections::HashSet;

use palisade_core::{fold, strict_object};
use serde_json::{Map, Value, json};

/// Characters of a text from outside that a message shows.
const MOST_SHOWN: usize = 80;
/// What parameters and results have that is decided by. Many readers (those of Go and C# among them) take a key for the
/// same in other letters, and of two the last.
const KNOWN: [&str; 27] = [
    "_meta",
    "argument",
    "arguments",
    "capabilities",
    "clientInfo",
    "content",
    "context",
    "cursor",
    "instructions",
    "isError",
    "message",
    "messages",
    "mode",
    "name",
    "nextCursor",
    "protocolVersion",
    "ref",
    "requestedSchema",
    "resources",
    "prompts",
    "serverInfo",
    "structuredContent",
    "systemPrompt",
    "task",
    "tools",
    "uri",
    "url",
];

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// It wants an answer.
    Request { id: Id, method: String, params: Map<String, Value> },
    /// It wants none.
    Notification { method: String },
    /// It is an answer. `id` is `None` where the other side could not tell to what.
    Response { id: Option<Id>, result: Option<Value> },
}

/// The identity of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

impl Id {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().map(Id::Number),
            Value::String(text) => Some(Id::Text(text.clone())),
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Id::Number(number) => (*number).into(),
            Id::Text(text) => text.clone().into(),
        }
    }
}

/// Reads a message.
pub(crate) fn read(line: &[u8]) -> Result<Message, String> {
    let mut object = strict_object(line)?;
    if object.get("jsonrpc") != Some(&Value::from("2.0")) {
        return Err("it is not JSON-RPC 2.0".into());
    }
    let known = ["jsonrpc", "id", "method", "params", "result", "error"];
    if let Some(other) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("it has `{}`, which JSON-RPC does not", shown(other)));
    }
    let id =
        object.get("id").map(|id| Id::of(id).ok_or("its id is neither a whole number nor text"));
    match object.remove("method") {
        Some(Value::String(method)) => {
            if object.contains_key("result") || object.contains_key("error") {
                return Err("it is a request and an answer".into());
            }
            let params = match object.remove("params") {
                None => Map::new(),
                Some(Value::Object(params)) => params,
                Some(_) => return Err("its parameters have no names".into()),
            };
            in_one_way(&params)?;
            Ok(match id {
                Some(id) => Message::Request { id: id?, method, params },
                None => Message::Notification { method },
            })
        }
        Some(_) => Err("its method is no text".into()),
        None if object.contains_key("params") => Err("it has parameters and no method".into()),
        None => {
            let result = object.remove("result");
            if let Some(Value::Object(result)) = &result {
                in_one_way(result)?;
            }
            if result.is_some() == object.contains_key("error") {
                return Err("it is no request, and has not one of a result and an error".into());
            }
            let id = match object.get("id") {
                None => return Err("it is an answer to nothing".into()),
                Some(Value::Null) => None,
                Some(_) => id.transpose()?,
            };
            Ok(Message::Response { id, result })
        }
    }
}

/// The id of a request that cannot be read for sure.
pub(crate) fn may_ask(line: &[u8]) -> Option<Id> {
    let message: Value = serde_json::from_slice(line).ok()?;
    message.get("method")?;
    Id::of(message.get("id")?)
}

/// The requests that a line which is no message may be meant to answer, as a careless reader finds them: also several at
/// once, a key that is there twice, and what JSON-RPC does not have.
pub(crate) fn may_answer(line: &[u8]) -> Vec<Id> {
    let all = match serde_json::from_slice(line) {
        Ok(Value::Array(all)) => all,
        Ok(one) => vec![one],
        Err(_) => Vec::new(),
    };
    let ids = all.iter().filter(|message| message.get("method").is_none());
    ids.filter_map(|message| Id::of(message.get("id")?)).collect()
}

/// Whether every reader finds the same in it, those that do not tell letters apart as well.
fn in_one_way(object: &Map<String, Value>) -> Result<(), String> {
    if let Some(odd) = object.keys().find(|key| {
        !KNOWN.contains(&key.as_str()) && KNOWN.iter().any(|known| fold(known) == fold(key))
    }) {
        return Err(format!("it has `{}`, which some take for another key", shown(odd)));
    }
    if let Some(Value::Object(arguments)) = object.get("arguments") {
        let mut seen = HashSet::new();
        if let Some(twice) = arguments.keys().find(|key| !seen.insert(fold(key))) {
            return Err(format!("its argument `{}` is there in other letters too", shown(twice)));
        }
    }
    Ok(())
}

/// An error in place of an answer. Codes are those of JSON-RPC 2.0, section 5.1.
pub(crate) fn error(id: Option<&Id>, code: i64, message: &str) -> Vec<u8> {
    let id = id.map_or(Value::Null, Id::to_value);
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}})
        .to_string()
        .into_bytes()
}

/// An answer.
pub(crate) fn answer(id: &Id, result: &Value) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id.to_value(), "result": result}).to_string().into_bytes()
}

/// A request.
pub(crate) fn request(id: &Id, method: &str, params: &Map<String, Value>) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": id.to_value(), "method": method, "params": params})
        .to_string()
        .into_bytes()
}

pub(crate) fn shown(text: &str) -> String {
    palisade_core::shown(text, MOST_SHOWN)
}
