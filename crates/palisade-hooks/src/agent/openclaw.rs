//! OpenClaw, whose hooks are functions of a plugin. The plugin says `{"hook": NAME, ...}` with the fields that
//! its function was given, and returns the object that comes back.

use palisade_core::ToolInput;
use serde_json::{Map, Value, json};

use super::{
    Agent, Announced, Reply, ReplyTo, Unreadable, call, json as json_reply, object, shown, text,
};
use crate::{answer::Say, event::Event};

/// Its hooks, and Claude Code's events.
const EVENTS: [(&str, &str); 4] = [
    ("before_tool_call", "PreToolUse"),
    ("after_tool_call", "PostToolUse"),
    ("session_start", "SessionStart"),
    ("session_end", "SessionEnd"),
];

pub(super) fn own_names(event: Event) -> Vec<&'static str> {
    EVENTS.iter().filter(|(_, claude)| *claude == event.name()).map(|(own, _)| *own).collect()
}

pub(super) fn read(mut fields: Map<String, Value>) -> Result<Announced, Unreadable> {
    let own_name = text(&fields, "hook")?;
    let twin = EVENTS.iter().find(|(own, _)| *own == own_name);
    let event = twin.and_then(|(_, claude)| Event::named(claude));
    let event = event.ok_or_else(|| Unreadable::Event(shown(&own_name)))?;
    let mut about = None;
    if event.is_about_tool() {
        let id = fields.get("toolCallId").and_then(Value::as_str).map(str::to_owned);
        about = Some(call(text(&fields, "toolName")?, object(&fields, "params")?, id));
        fields.remove("params");
    }
    fields.insert("hook_event_name".into(), event.name().into());
    if let Some(session) = fields.get("sessionId").or(fields.get("sessionKey")).cloned() {
        fields.entry("session_id").or_insert(session);
    }
    Ok(Announced { agent: Agent::OpenClaw, own_name, event: Some(event), fields, call: about })
}

pub(super) fn reply(announced: &Announced, to: &ReplyTo) -> Reply {
    let mut whole = Map::new();
    if announced.own_name == "before_tool_call" {
        match to.say {
            Some(Say::Deny | Say::Defer) => {
                whole.insert("block".into(), true.into());
                whole.insert("blockReason".into(), to.reason.clone().into());
            }
            Some(Say::Ask) => {
                let question = json!({"title": "Palisade", "description": to.reason,
                    "severity": "warning", "timeoutBehavior": "deny"});
                whole.insert("requireApproval".into(), question);
            }
            Some(Say::Allow) | None => {}
        }
        match &to.input {
            Some(ToolInput::Object(input)) => {
                whole.insert("params".into(), input.clone().into());
            }
            Some(ToolInput::Text(_)) => return announced.agent.refusal("the input is one text"),
            None => {}
        }
    }
    let reply = json_reply(whole);
    if reply.stdout.is_empty() { Reply { stdout: "{}\n".to_owned(), ..reply } } else { reply }
}

pub(super) fn refusal(why: &str) -> String {
    format!("{}\n", json!({"block": true, "blockReason": why}))
}
