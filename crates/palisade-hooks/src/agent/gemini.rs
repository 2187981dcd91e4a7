//! gemini-cli. A changed input is laid over the old one there, field by field, so one that lacks a field cannot
//! be said.

use palisade_core::ToolInput;
use serde_json::{Map, Value, json};

use super::{Agent, Announced, Reply, ReplyTo, Unreadable, joined, shown, text, tool_call};
use crate::{answer::Say, event::Event};

/// Its events, and Claude Code's.
const EVENTS: [(&str, &str); 8] = [
    ("BeforeTool", "PreToolUse"),
    ("AfterTool", "PostToolUse"),
    ("BeforeAgent", "UserPromptSubmit"),
    ("AfterAgent", "Stop"),
    ("SessionStart", "SessionStart"),
    ("SessionEnd", "SessionEnd"),
    ("PreCompress", "PreCompact"),
    ("Notification", "Notification"),
];

/// Events that have no twin: models are decided at the gateway.
const OTHERS: [&str; 3] = ["BeforeModel", "AfterModel", "BeforeToolSelection"];

pub(super) fn own_names(event: Event) -> Vec<&'static str> {
    EVENTS.iter().filter(|(_, claude)| *claude == event.name()).map(|(own, _)| *own).collect()
}

pub(super) fn read(mut fields: Map<String, Value>) -> Result<Announced, Unreadable> {
    let agent = Agent::Gemini;
    let own_name = text(&fields, "hook_event_name")?;
    if OTHERS.contains(&own_name.as_str()) {
        return Ok(Announced { agent, own_name, event: None, fields, call: None });
    }
    let twin = EVENTS.iter().find(|(own, _)| *own == own_name);
    let event = twin.and_then(|(_, claude)| Event::named(claude));
    let event = event.ok_or_else(|| Unreadable::Event(shown(&own_name)))?;
    fields.insert("hook_event_name".into(), event.name().into());
    let mut call = tool_call(event, &fields)?;
    if let Some(call) = &mut call
        && let Some(name) = of_server(&call.name, fields.get("mcp_context"))?
    {
        call.name = name;
    }
    Ok(Announced { agent, own_name, event: Some(event), fields, call })
}

/// The name of a server's tool as permission rules have it. Its own is `mcp_SERVER_TOOL`, which may be read in more
/// than one way; which server it is it tells besides.
///
/// # Errors
/// It tells that in another form: then it is a tool of a server, and of which is not known.
fn of_server(name: &str, context: Option<&Value>) -> Result<Option<String>, Unreadable> {
    let context = match context {
        None | Some(Value::Null) => {
            let rest = name.strip_prefix("mcp_").filter(|rest| !rest.starts_with('_'));
            return Ok(rest.map(|rest| format!("mcp__unknown__{rest}")));
        }
        Some(context) => context.as_object().ok_or(Unreadable::Field("mcp_context"))?,
    };
    let told = |key: &'static str| match context.get(key).and_then(Value::as_str) {
        Some(told) if !told.is_empty() => Ok(told),
        _ => Err(Unreadable::Field(key)),
    };
    Ok(Some(format!("mcp__{}__{}", told("server_name")?, told("tool_name")?)))
}

pub(super) fn reply(announced: &Announced, to: &ReplyTo) -> Reply {
    let mut whole = Map::new();
    if let Some(stop) = &to.answer.stop {
        whole.insert("continue".into(), false.into());
        whole.insert("stopReason".into(), stop.clone().into());
    }
    if let Some(message) = joined(&to.answer.messages) {
        whole.insert("systemMessage".into(), message.into());
    }
    match to.say {
        Some(Say::Deny | Say::Defer | Say::Ask) => {
            whole.insert("decision".into(), "deny".into());
            whole.insert("reason".into(), to.reason.clone().into());
        }
        Some(Say::Allow) => {
            whole.insert("decision".into(), "allow".into());
        }
        None => {}
    }
    let mut specific = Map::new();
    if let Some(context) = joined(&to.answer.context) {
        specific.insert("additionalContext".into(), context.into());
    }
    if let (Some(changed), Some(call)) = (&to.input, &announced.call) {
        let (ToolInput::Object(changed), ToolInput::Object(before)) = (changed, &call.input) else {
            return announced.agent.refusal("a hook changes an input that is one text");
        };
        if before.keys().any(|key| !changed.contains_key(key)) {
            let why = "a hook takes a field out of the input, and this agent cannot be told so";
            return announced.agent.refusal(why);
        }
        specific.insert("tool_input".into(), changed.clone().into());
    }
    if !specific.is_empty() {
        specific.insert("hookEventName".into(), announced.own_name.clone().into());
        whole.insert("hookSpecificOutput".into(), specific.into());
    }
    // Only JSON may be there.
    Reply { exit: 0, stdout: format!("{}\n", json!(whole)), stderr: String::new() }
}
