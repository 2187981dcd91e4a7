//! The hook interfaces of agents: what an agent says of an event to Claude Code's form, and the answer back.

mod claude;
mod cursor;
mod gemini;
mod openclaw;

use std::path::Path;

use palisade_core::{ToolCall, ToolInput, ToolSeen};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::{
    answer::{Answer, Say},
    event::Event,
};

/// An agent with a hook interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Agent {
    /// Claude Code.
    ClaudeCode,
    /// OpenAI's Codex CLI.
    Codex,
    /// Google's gemini-cli.
    Gemini,
    /// Cursor.
    Cursor,
    /// OpenClaw, by a plugin that says what it is told as it is.
    OpenClaw,
}

/// An event, as an agent told it.
#[derive(Debug, Clone, PartialEq)]
pub struct Announced {
    /// Who did.
    pub agent: Agent,
    /// The event by the agent's own name.
    pub own_name: String,
    /// Which of Claude Code's it is; `None`: there is none like it, and nothing is decided.
    pub event: Option<Event>,
    /// What hooks are told of it.
    pub fields: Map<String, Value>,
    /// The tool call that it is about.
    pub call: Option<ToolCall>,
}

impl Announced {
    /// The folder that the agent says to be in, if it says a whole path.
    pub fn directory(&self) -> Option<&Path> {
        let folder = Path::new(self.fields.get("cwd")?.as_str()?);
        folder.is_absolute().then_some(folder)
    }
}

/// What an agent gets back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The exit code.
    pub exit: u8,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// What was decided, for the reply.
#[derive(Debug, Clone, Default)]
pub struct ReplyTo {
    /// What is said of the act; `None` leaves it to the agent's own rules.
    pub say: Option<Say>,
    /// Why.
    pub reason: String,
    /// What the tool is to be given instead.
    pub input: Option<ToolInput>,
    /// What hooks said besides.
    pub answer: Answer,
}

/// Why what an agent said cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It is no JSON object, or one that two readers would read differently.
    #[error("what the agent says cannot be read: {0}")]
    Json(String),
    /// A field is missing, or is of another kind.
    #[error("what the agent says has no `{0}` of the right kind")]
    Field(&'static str),
    /// The event is not known.
    #[error("this version knows no event `{0}`")]
    Event(String),
}

impl Agent {
    /// Those that there are.
    pub const ALL: [Agent; 5] =
        [Agent::ClaudeCode, Agent::Codex, Agent::Gemini, Agent::Cursor, Agent::OpenClaw];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Agent::ClaudeCode => "claude-code",
            Agent::Codex => "codex",
            Agent::Gemini => "gemini",
            Agent::Cursor => "cursor",
            Agent::OpenClaw => "openclaw",
        }
    }

    /// The agent of this name.
    pub fn named(name: &str) -> Option<Agent> {
        Agent::ALL.into_iter().find(|agent| agent.name() == name)
    }

    /// What it calls an event; none: it has none like it.
    pub fn own_names(self, event: Event) -> Vec<&'static str> {
        match self {
            Agent::ClaudeCode | Agent::Codex => vec![event.name()],
            Agent::Gemini => gemini::own_names(event),
            Agent::Cursor => cursor::own_names(event),
            Agent::OpenClaw => openclaw::own_names(event),
        }
    }

    /// Read what it says on a hook's standard input.
    ///
    /// # Errors
    /// It cannot be understood; see [`Agent::refusal`].
    pub fn read(self, bytes: &[u8]) -> Result<Announced, Unreadable> {
        let fields = palisade_core::strict_object(bytes).map_err(Unreadable::Json)?;
        match self {
            Agent::ClaudeCode | Agent::Codex => claude::read(self, fields),
            Agent::Gemini => gemini::read(fields),
            Agent::Cursor => cursor::read(fields),
            Agent::OpenClaw => openclaw::read(fields),
        }
    }

    /// That whatever it is about to do must not be done.
    pub fn refusal(self, why: &str) -> Reply {
        match self {
            // Exit code 2 blocks whatever the event is.
            Agent::ClaudeCode | Agent::Codex | Agent::Gemini => {
                Reply { exit: 2, stdout: String::new(), stderr: format!("{}\n", shown(why)) }
            }
            Agent::Cursor => {
                Reply { exit: 2, stdout: cursor::refusal(why), stderr: format!("{}\n", shown(why)) }
            }
            Agent::OpenClaw => {
                Reply { exit: 0, stdout: openclaw::refusal(why), stderr: String::new() }
            }
        }
    }
}

impl Announced {
    /// What the agent is told. What it cannot be told, it is refused.
    pub fn reply(&self, to: &ReplyTo) -> Reply {
        match self.agent {
            Agent::ClaudeCode => claude::reply(self, to),
            Agent::Codex => claude::reply(self, &without_asking(to)),
            Agent::Gemini => gemini::reply(self, &without_asking(to)),
            Agent::Cursor => cursor::reply(self, to),
            Agent::OpenClaw => openclaw::reply(self, to),
        }
    }
}

/// For agents that ask nobody because a hook says so: an unanswered question is a denial.
fn without_asking(to: &ReplyTo) -> ReplyTo {
    let mut to = to.clone();
    if matches!(to.say, Some(Say::Ask | Say::Defer)) {
        to.say = Some(Say::Deny);
        to.reason =
            format!("nobody can be asked by this agent, and this is to be asked: {}", to.reason);
    }
    to
}

/// A reply of one JSON object.
fn json(object: Map<String, Value>) -> Reply {
    let stdout =
        if object.is_empty() { String::new() } else { format!("{}\n", Value::Object(object)) };
    Reply { exit: 0, stdout, stderr: String::new() }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}

fn text(fields: &Map<String, Value>, key: &'static str) -> Result<String, Unreadable> {
    match fields.get(key) {
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(Unreadable::Field(key)),
    }
}

fn object(
    fields: &Map<String, Value>,
    key: &'static str,
) -> Result<Map<String, Value>, Unreadable> {
    match fields.get(key) {
        Some(Value::Object(object)) => Ok(object.clone()),
        _ => Err(Unreadable::Field(key)),
    }
}

fn call(name: String, input: Map<String, Value>, id: Option<String>) -> ToolCall {
    ToolCall { name, input: ToolInput::Object(input), id, seen: ToolSeen::Announced }
}

/// The call of an event that is about a tool.
fn tool_call(event: Event, fields: &Map<String, Value>) -> Result<Option<ToolCall>, Unreadable> {
    if !event.is_about_tool() {
        return Ok(None);
    }
    let id = fields.get("tool_use_id").and_then(Value::as_str).map(str::to_owned);
    Ok(Some(call(text(fields, "tool_name")?, object(fields, "tool_input")?, id)))
}

/// Text of many hooks as one.
fn joined(texts: &[String]) -> Option<String> {
    (!texts.is_empty()).then(|| texts.join("\n"))
}

#[cfg(test)]
mod tests;
