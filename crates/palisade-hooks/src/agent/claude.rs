//! Claude Code, and Codex, which took its interface over.

use palisade_core::ToolInput;
use serde_json::{Map, Value, json};

use super::{
    Agent, Announced, Reply, ReplyTo, Unreadable, joined, json as json_reply, shown, text,
    tool_call,
};
use crate::{answer::Say, event::Event};

/// Events that honour `decision: block`.
const BLOCK: [&str; 9] = [
    "PostToolUse",
    "PostToolUseFailure",
    "PostToolBatch",
    "UserPromptSubmit",
    "UserPromptExpansion",
    "Stop",
    "SubagentStop",
    "PreCompact",
    "ConfigChange",
];

pub(super) fn read(agent: Agent, fields: Map<String, Value>) -> Result<Announced, Unreadable> {
    let own_name = text(&fields, "hook_event_name")?;
    let event = Event::named(&own_name).filter(|event| {
        use crate::event::Seen;
        matches!(event.seen(), Seen::Tool | Seen::Announced)
    });
    let event = event.ok_or_else(|| Unreadable::Event(shown(&own_name)))?;
    let call = tool_call(event, &fields)?;
    Ok(Announced { agent, own_name, event: Some(event), fields, call })
}

pub(super) fn reply(announced: &Announced, to: &ReplyTo) -> Reply {
    let Some(event) = announced.event else { return Reply::default() };
    let mut whole = Map::new();
    if let Some(stop) = &to.answer.stop {
        whole.insert("continue".into(), false.into());
        whole.insert("stopReason".into(), stop.clone().into());
    }
    if let Some(message) = joined(&to.answer.messages) {
        whole.insert("systemMessage".into(), message.into());
    }
    let mut specific = to.answer.specific.clone();
    if let Some(context) = joined(&to.answer.context) {
        specific.insert("additionalContext".into(), context.into());
    }
    let input = match (&to.input, announced.agent) {
        (None, _) => None,
        (Some(ToolInput::Object(input)), Agent::ClaudeCode) => Some(Value::from(input.clone())),
        (Some(_), _) => {
            let why = "a hook changes the input of this call, and this agent takes no changed one";
            return announced.agent.refusal(why);
        }
    };
    let denied = to.say == Some(Say::Deny);
    match event.name() {
        "PreToolUse" | "PreModelSwitch" => {
            if let Some(say) = to.say {
                specific.insert("permissionDecision".into(), say.as_str().into());
                specific.insert("permissionDecisionReason".into(), to.reason.clone().into());
            }
            if let Some(input) = input {
                specific.insert("updatedInput".into(), input);
            }
        }
        "PermissionRequest" => {
            let mut decision = match to.say {
                Some(Say::Allow) => json!({"behavior": "allow"}),
                Some(Say::Deny | Say::Defer) => {
                    json!({"behavior": "deny", "message": to.reason})
                }
                // Its user is asked anyway.
                Some(Say::Ask) | None => Value::Null,
            };
            if let (Value::Object(decision), Some(input)) = (&mut decision, input) {
                decision.insert("updatedInput".into(), input);
            }
            if !decision.is_null() {
                specific.insert("decision".into(), decision);
            }
        }
        name if denied && BLOCK.contains(&name) => {
            whole.insert("decision".into(), "block".into());
            whole.insert("reason".into(), to.reason.clone().into());
        }
        _ if denied => return announced.agent.refusal(&to.reason),
        _ => {}
    }
    if !specific.is_empty() {
        let mut named = Map::new();
        named.insert("hookEventName".into(), event.name().into());
        named.extend(specific);
        whole.insert("hookSpecificOutput".into(), named.into());
    }
    json_reply(whole)
}
