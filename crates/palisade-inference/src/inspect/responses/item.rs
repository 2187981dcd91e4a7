use palisade_core::{ToolCall, ToolInput, ToolSeen};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use serde_json::{Map, Value, json};

use crate::inspect::{Asked, ServerTool, has_call, object, shown, text};

/// Whether an item only says something.
pub(super) fn is_passive(item: &Value) -> bool {
    match text(item, "type") {
        Some("message" | "reasoning") => !has_call(item, "content") && !has_call(item, "summary"),
        Some("compaction" | "compaction_summary") => true,
        _ => false,
    }
}

/// What an item asks for.
pub(super) fn asked(item: &Value, trouble: Option<&'static str>) -> Asked {
    let kind = text(item, "type").unwrap_or("(no type)");
    let id = text(item, "call_id").or_else(|| text(item, "id")).map(str::to_owned);
    let of_client = match kind {
        "function_call" | "custom_tool_call" | "local_shell_call" | "apply_patch_call"
        | "computer_call" => true,
        "shell_call" => {
            let place = item.get("environment").and_then(|place| text(place, "type"));
            place.is_none_or(|place| place == "local")
        }
        "tool_search_call" => text(item, "execution") == Some("client"),
        _ => false,
    };
    if !of_client {
        let tool = match kind {
            "shell_call" => Some(ServerTool::CodeExecution),
            _ => ServerTool::of_part(kind),
        };
        return Asked::AtProvider { tool, kind: shown(kind) };
    }
    let named = matches!(kind, "function_call" | "custom_tool_call");
    let name = match (named, text(item, "name")) {
        (false, _) => Some(kind.trim_end_matches("_call").to_owned()),
        (true, Some(name)) if !name.is_empty() => {
            let space = text(item, "namespace").unwrap_or_default();
            Some(format!("{space}{name}"))
        }
        (true, _) => None,
    };
    let (Some(name), Some(_)) = (&name, &id) else {
        let name = name.unwrap_or_else(|| "(no name)".into());
        return Asked::Unreadable { name, id, why: "it has no name or no id".into() };
    };
    let name = name.clone();
    let input = match (kind, trouble) {
        (_, Some(why)) => Err(why.to_owned()),
        ("function_call", None) => match text(item, "arguments") {
            Some(arguments) => object(arguments),
            None => Err("its arguments are not a text".into()),
        },
        ("custom_tool_call", None) => match text(item, "input") {
            Some(input) => Ok(ToolInput::Text(input.into())),
            None => Err("its input is not a text".into()),
        },
        (_, None) => rest(kind, item).map(ToolInput::Object),
    };
    match input {
        Ok(input) => Asked::Call(ToolCall { name, input, id, seen: ToolSeen::Answer }),
        Err(why) => Asked::Unreadable { name, id, why },
    }
}

/// Fields beside the action of a call that say nothing of what it does.
const BESIDE: [&str; 5] =
    ["action", "created_by", "environment", "max_output_length", "pending_safety_checks"];

/// The input of a call that has a type of its own: its one action, or all fields that say what it does. Where there
/// is an action and something else, clients do not agree on which of them is to be done.
fn rest(kind: &str, item: &Value) -> Result<Map<String, Value>, String> {
    let said = |key: &str| !matches!(key, "type" | "id" | "call_id" | "status" | "execution");
    let fields = item.as_object().into_iter().flatten();
    let fields: Map<_, _> =
        fields.filter(|(key, _)| said(key)).map(|(k, v)| (k.clone(), v.clone())).collect();
    let Some(action) = fields.get("action").filter(|action| !action.is_null()) else {
        return Ok(fields);
    };
    let only = fields.iter().all(|(key, value)| BESIDE.contains(&key.as_str()) || value.is_null());
    match (kind, action) {
        ("local_shell_call" | "shell_call" | "computer_call", Value::Object(action)) if only => {
            Ok(action.clone())
        }
        _ => Err("what it does stands in more than one place, or where nobody looks".into()),
    }
}

/// The field that holds the input of a call, if it is one text.
pub(super) fn input_field(item: &Value) -> Option<&'static str> {
    match text(item, "type")? {
        "function_call" => Some("arguments"),
        "custom_tool_call" => Some("input"),
        _ => None,
    }
}

/// What tells one item from another.
pub(super) type Key = [u8; SHA256_OUTPUT_LEN];

/// The digest of all that an item is for the agent: a second one that has the same is the same. It is kept
/// to the end of the response, so it is no longer for a long item.
pub(super) fn key(item: &Value) -> Option<Key> {
    let mut fields = item.as_object()?.clone();
    fields.shift_remove("status");
    let text = Value::Object(fields).to_string();
    digest(&SHA256, text.as_bytes()).as_ref().try_into().ok()
}

/// The message that stands for an item.
pub(super) fn message(index: u64, words: &str) -> Value {
    json!({
        "id": format!("msg_palisade_{index}"), "type": "message", "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": words, "annotations": [], "logprobs": []}],
    })
}
