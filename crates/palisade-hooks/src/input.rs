//! What hooks are told, in Claude Code's form.

use palisade_core::{ToolCall, ToolInput};
use serde_json::{Map, Value};

use crate::{
    event::Event,
    tools::{input_of_agent, input_of_claude, name_of_claude},
};

/// What every event has.
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// The session.
    pub session: String,
    /// The folder that is worked in.
    pub directory: String,
    /// Claude Code's permission mode.
    pub mode: String,
}

impl Common {
    /// An event with these fields besides.
    pub fn event(&self, event: Event) -> Map<String, Value> {
        let mut fields = Map::new();
        fields.insert("session_id".into(), self.session.clone().into());
        // Palisade keeps no transcript; hooks that read one find an empty name.
        fields.insert("transcript_path".into(), "".into());
        fields.insert("cwd".into(), self.directory.clone().into());
        fields.insert("permission_mode".into(), self.mode.clone().into());
        fields.insert("hook_event_name".into(), event.name().into());
        fields
    }
}

/// The fields of a tool call, put over those of its event. Tools have Claude Code's names and fields,
/// whatever the agent calls them.
pub fn of_tool_call(mut fields: Map<String, Value>, call: &ToolCall) -> Map<String, Value> {
    let input = match &call.input {
        ToolInput::Object(input) => input_of_claude(&call.name, input),
        ToolInput::Text(text) => Map::from_iter([(TEXT.to_owned(), text.clone().into())]),
    };
    let name = name_of_claude(&call.name);
    if name != call.name {
        fields.insert("agent_tool_name".into(), call.name.clone().into());
    }
    fields.insert("tool_name".into(), name.into());
    fields.insert("tool_input".into(), input.into());
    if let Some(id) = &call.id {
        fields.insert("tool_use_id".into(), id.clone().into());
    }
    fields
}

/// The field that stands for the whole of an input that is one text.
const TEXT: &str = "input";

/// The input that a hook wants in place of the call's own, as the agent's tool takes it.
///
/// # Errors
/// The tool takes one text, and the hook gives something else.
pub fn changed_input(call: &ToolCall, changed: Map<String, Value>) -> Result<ToolInput, String> {
    match &call.input {
        ToolInput::Object(before) => {
            Ok(ToolInput::Object(input_of_agent(&call.name, before, changed)))
        }
        ToolInput::Text(_) => match (changed.len(), changed.get(TEXT)) {
            (1, Some(Value::String(text))) => Ok(ToolInput::Text(text.clone())),
            _ => Err(format!("the tool {} takes one text, in the field `{TEXT}`", call.name)),
        },
    }
}

/// Whether a permission rule could be about this call, by the tool that it names: what is in its brackets is
/// not looked at. For `if`, where no engine of rules is at hand.
pub fn may_match(rule: &str, call: &ToolCall) -> bool {
    let tool = rule.split('(').next().unwrap_or_default().trim();
    tool.contains('*') || tool == call.name || tool == name_of_claude(&call.name)
}
