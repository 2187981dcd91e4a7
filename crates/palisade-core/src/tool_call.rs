use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{Decision, shown};

/// A call of a tool that an agent is about to make: what a model asked for in its answer, or what the agent
/// announces by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The tool's name as this agent has it: `Bash`, `exec_command`, `mcp__github__create_issue`.
    pub name: String,
    /// What the tool is given, as the agent's own parser will read it. No key is there twice.
    pub input: ToolInput,
    /// The identity that the call has in its conversation, if it has one.
    pub id: Option<String>,
    /// Who told of it.
    pub seen: ToolSeen,
}

/// What a tool is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolInput {
    /// Named values, in the order in which they came.
    Object(Map<String, Value>),
    /// One text without a form, as a custom tool of the OpenAI Responses API takes it.
    Text(String),
}

/// Which enforcement point learned of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ToolSeen {
    /// The model gateway, in a model's answer: before the agent has it.
    Answer,
    /// The agent's own hook interface, which the agent could leave out.
    Announced,
    /// A server of tools that Palisade stands before.
    Mcp,
}

/// What becomes of a tool call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolAnswer {
    /// Whether it may be made. An unanswered question is not a permission.
    pub decision: Decision,
    /// What the tool is to be given instead, where a hook changed it. Only with a permission, which is then one
    /// for this input.
    pub input: Option<ToolInput>,
}

impl From<Decision> for ToolAnswer {
    fn from(decision: Decision) -> Self {
        Self { decision, input: None }
    }
}

impl ToolInput {
    /// The value of a named text, if there is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self {
            ToolInput::Object(fields) => fields.get(key)?.as_str(),
            ToolInput::Text(_) => None,
        }
    }
}

impl ToolCall {
    /// SHA-256 of the tool's name and all of its input: two calls with the same do the same.
    pub fn digest(&self) -> [u8; 32] {
        let input = match &self.input {
            ToolInput::Object(fields) => serde_json::to_string(fields).unwrap_or_default(),
            ToolInput::Text(text) => text.clone(),
        };
        let kind: &[u8] = match &self.input {
            ToolInput::Object(_) => b"object",
            ToolInput::Text(_) => b"text",
        };
        let mut hash = Sha256::new();
        for part in [kind, self.name.as_bytes(), input.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// The tool, and what of its input says most, in one line for the record: escaped, and cut.
    pub fn subject(&self) -> String {
        const LONGEST: usize = 200;
        const TELLING: [&str; 8] =
            ["command", "cmd", "file_path", "path", "url", "query", "pattern", "skill"];
        let told = match &self.input {
            ToolInput::Text(text) => Some(text.clone()),
            ToolInput::Object(fields) => TELLING.iter().find_map(|key| match fields.get(*key)? {
                Value::String(text) => Some(text.clone()),
                Value::Array(words) => {
                    Some(words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
                }
                _ => None,
            }),
        };
        let text = match told {
            Some(told) => format!("{} {told}", self.name),
            None => self.name.clone(),
        };
        shown(&text, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_tool_and_what_it_does() {
        let call = |input: Value| ToolCall {
            name: "Bash".into(),
            input: ToolInput::Object(input.as_object().cloned().unwrap_or_default()),
            id: None,
            seen: ToolSeen::Answer,
        };
        let told = call(serde_json::json!({"description": "x", "command": "ls\n\u{1b}[2J"}));
        assert_eq!(told.subject(), "Bash ls\\n\\u{1b}[2J");
        assert_eq!(call(serde_json::json!({"command": ["a", "b"]})).subject(), "Bash a b");
        assert_eq!(call(serde_json::json!({"x": 1})).subject(), "Bash");
        assert!(call(serde_json::json!({"command": "x".repeat(900)})).subject().ends_with('…'));
    }
}
