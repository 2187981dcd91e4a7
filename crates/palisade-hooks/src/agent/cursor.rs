//! Cursor. It waits for an object in any case.

use palisade_core::ToolInput;
use serde_json::{Map, Value, json};

use super::{Agent, Announced, Reply, ReplyTo, Unreadable, call, joined, object, shown, text};
use crate::{answer::Say, event::Event};

/// Its events that are about no tool call to come, and Claude Code's.
const EVENTS: [(&str, &str); 9] = [
    ("beforeSubmitPrompt", "UserPromptSubmit"),
    ("postToolUse", "PostToolUse"),
    ("postToolUseFailure", "PostToolUseFailure"),
    ("sessionStart", "SessionStart"),
    ("sessionEnd", "SessionEnd"),
    ("stop", "Stop"),
    ("subagentStart", "SubagentStart"),
    ("subagentStop", "SubagentStop"),
    ("preCompact", "PreCompact"),
];

/// Told after the fact, in another form than the event above.
const OTHERS: [&str; 7] = [
    "afterFileEdit",
    "afterShellExecution",
    "afterMCPExecution",
    "afterAgentResponse",
    "afterAgentThought",
    "afterTabFileEdit",
    "workspaceOpen",
];

/// Its events that are about a tool call to come, or about a file that completions look into. Older versions know
/// those in the middle alone.
const BEFORE: [&str; 5] = [
    "preToolUse",
    "beforeShellExecution",
    "beforeMCPExecution",
    "beforeReadFile",
    "beforeTabFileRead",
];

pub(super) fn own_names(event: Event) -> Vec<&'static str> {
    if event == Event::PRE_TOOL_USE {
        return BEFORE.into();
    }
    EVENTS.iter().filter(|(_, claude)| *claude == event.name()).map(|(own, _)| *own).collect()
}

pub(super) fn read(mut fields: Map<String, Value>) -> Result<Announced, Unreadable> {
    let agent = Agent::Cursor;
    let own_name = text(&fields, "hook_event_name")?;
    let id = fields.get("tool_use_id").and_then(Value::as_str).map(str::to_owned);
    let one = |key: &str, value: String| Map::from_iter([(key.to_owned(), value.into())]);
    let about = match own_name.as_str() {
        "preToolUse" => {
            let name = text(&fields, "tool_name")?;
            let name = match name.strip_prefix("MCP:") {
                Some(tool) => of_unknown_server(tool),
                None => name,
            };
            Some(call(name, object(&fields, "tool_input")?, id))
        }
        "beforeShellExecution" => {
            Some(call("Bash".to_owned(), one("command", text(&fields, "command")?), id))
        }
        "beforeReadFile" | "beforeTabFileRead" => {
            Some(call("Read".to_owned(), one("file_path", text(&fields, "file_path")?), id))
        }
        "beforeMCPExecution" => {
            let name = of_unknown_server(&text(&fields, "tool_name")?);
            let input = match fields.get("tool_input") {
                Some(Value::String(text)) => {
                    palisade_core::strict_object(text.as_bytes()).map_err(Unreadable::Json)?
                }
                _ => object(&fields, "tool_input")?,
            };
            Some(call(name, input, id))
        }
        _ => None,
    };
    let event = match EVENTS.iter().find(|(own, _)| *own == own_name) {
        _ if about.is_some() => Some(Event::PRE_TOOL_USE),
        Some((_, claude)) => Event::named(claude),
        None if OTHERS.contains(&own_name.as_str()) => None,
        None => return Err(Unreadable::Event(shown(&own_name))),
    };
    if let Some(event) = event {
        fields.insert("hook_event_name".into(), event.name().into());
    }
    if let Some(conversation) = fields.get("conversation_id").cloned() {
        fields.entry("session_id").or_insert(conversation);
    }
    // A file's content is not needed to decide, and may be all of it.
    fields.remove("content");
    Ok(Announced { agent, own_name, event, fields, call: about })
}

/// A server's tool, where the server's name is not told.
fn of_unknown_server(tool: &str) -> String {
    format!("mcp__unknown__{tool}")
}

pub(super) fn reply(announced: &Announced, to: &ReplyTo) -> Reply {
    let mut whole = Map::new();
    let denied = to.say.is_some_and(|say| say >= Say::Defer);
    match announced.own_name.as_str() {
        "beforeSubmitPrompt" | "sessionStart" if denied || to.answer.stop.is_some() => {
            whole.insert("continue".into(), false.into());
            whole.insert("user_message".into(), to.reason.clone().into());
        }
        "beforeSubmitPrompt" | "sessionStart" => {}
        own if BEFORE.contains(&own) => {
            // A file is read or not: there is no question.
            let asks = !matches!(own, "beforeReadFile" | "beforeTabFileRead");
            let word = match to.say {
                Some(Say::Deny | Say::Defer) => Some("deny"),
                Some(Say::Ask) if asks => Some("ask"),
                Some(Say::Ask) => Some("deny"),
                Some(Say::Allow) => Some("allow"),
                None => None,
            };
            if let Some(word) = word {
                whole.insert("permission".into(), word.into());
                whole.insert("user_message".into(), to.reason.clone().into());
                whole.insert("agent_message".into(), to.reason.clone().into());
            }
        }
        _ if denied => return announced.agent.refusal(&to.reason),
        _ => {}
    }
    if let Some(input) = &to.input {
        let ("preToolUse", ToolInput::Object(input)) = (announced.own_name.as_str(), input) else {
            let why = "a hook changes the input, and Cursor takes no changed one here";
            return announced.agent.refusal(why);
        };
        whole.insert("updated_input".into(), input.clone().into());
    }
    if let Some(message) = joined(&to.answer.messages) {
        whole.entry("user_message").or_insert(message.into());
    }
    if let Some(context) = joined(&to.answer.context) {
        whole.insert("additional_context".into(), context.into());
    }
    Reply { exit: 0, stdout: format!("{}\n", json!(whole)), stderr: String::new() }
}

pub(super) fn refusal(why: &str) -> String {
    let whole =
        json!({"permission": "deny", "continue": false, "user_message": why, "agent_message": why});
    format!("{whole}\n")
}
