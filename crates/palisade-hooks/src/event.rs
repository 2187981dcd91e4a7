use std::fmt;

use serde::{Serialize, Serializer};

use crate::event_table::{EVENTS, Row};

/// When a hook runs: an event of Claude Code's, or one of Palisade's own on the layers below.
#[derive(Clone, Copy)]
pub struct Event(&'static Row);

/// Where the acts come from that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Seen {
    /// Calls of tools: in models' answers, and those that an agent announces.
    Tool,
    /// Only what an agent announces by itself.
    Announced,
    /// Connections that leave the sandbox.
    Connections,
    /// Requests in connections that are looked into.
    Requests,
    /// Calls of models.
    Models,
    /// Skills that are about to be shown, before the agent starts.
    Skills,
    /// Alarms that the policy's rules raise.
    Alarms,
    /// Programs that are about to be executed inside.
    Execs,
}

impl Event {
    /// Before a tool call.
    pub const PRE_TOOL_USE: Event = Event::at(0);
    /// When an agent is about to ask its user for a tool call.
    pub const PERMISSION_REQUEST: Event = Event::at(1);
    /// After a tool call that worked.
    pub const POST_TOOL_USE: Event = Event::at(3);
    /// Before a connection leaves the sandbox.
    pub const PRE_CONNECT: Event = Event::at(32);
    /// Before an HTTP request leaves the sandbox.
    pub const PRE_REQUEST: Event = Event::at(33);
    /// Before a model is called.
    pub const PRE_MODEL_CALL: Event = Event::at(34);
    /// After a model has answered.
    pub const POST_MODEL_CALL: Event = Event::at(35);
    /// After a rule has raised an alarm.
    pub const ALARM: Event = Event::at(36);

    /// Before a skill is shown to a sandbox.
    pub const PRE_SKILL_LOAD: Event = Event::at(37);

    /// Before a program is executed in the sandbox.
    pub const PRE_EXEC: Event = Event::at(38);

    #[allow(clippy::indexing_slicing, reason = "at compile time")]
    const fn at(index: usize) -> Event {
        Event(&EVENTS[index])
    }

    /// The event with this name.
    pub fn named(name: &str) -> Option<Event> {
        EVENTS.iter().find(|row| row.name == name).map(Event)
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Event> {
        EVENTS.iter().map(Event)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The field of the input that a matcher is compared with; `None`: matchers are not looked at.
    pub fn matched_on(self) -> Option<&'static str> {
        self.0.matched_on
    }

    /// Whether exit code 2, and `decision: block`, keep something from happening.
    pub fn blocks(self) -> bool {
        self.0.blocks
    }

    /// Whether it comes before the act: a hook that fails is then a denial, as `on_error` says. After an
    /// act there is nothing left to deny.
    pub fn is_gate(self) -> bool {
        self.0.gate
    }

    /// What fires it.
    pub fn seen(self) -> Seen {
        self.0.seen
    }

    /// Whether it is about a call of a tool, which `if` can be compared with.
    pub fn is_about_tool(self) -> bool {
        self.0.matched_on == Some("tool_name")
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Event {}

impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Event {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.name.cmp(other.0.name)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constants_are_what_they_say() {
        for (event, name) in [
            (Event::PRE_TOOL_USE, "PreToolUse"),
            (Event::PERMISSION_REQUEST, "PermissionRequest"),
            (Event::POST_TOOL_USE, "PostToolUse"),
            (Event::PRE_CONNECT, "PreConnect"),
            (Event::PRE_REQUEST, "PreRequest"),
            (Event::PRE_SKILL_LOAD, "PreSkillLoad"),
            (Event::PRE_MODEL_CALL, "PreModelCall"),
            (Event::POST_MODEL_CALL, "PostModelCall"),
            (Event::ALARM, "Alarm"),
            (Event::PRE_EXEC, "PreExec"),
        ] {
            assert_eq!(event.name(), name);
            assert_eq!(Event::named(name), Some(event));
        }
        // Each gate can refuse.
        assert!(Event::all().all(|event| event.blocks() || !event.is_gate()));
    }
}
