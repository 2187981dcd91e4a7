//! Claude Code's events (its hooks reference, and its published SDK typings), then Palisade's own.

use crate::event::Seen;

#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) matched_on: Option<&'static str>,
    pub(crate) blocks: bool,
    pub(crate) gate: bool,
    pub(crate) seen: Seen,
}

const fn row(
    name: &'static str,
    matched_on: Option<&'static str>,
    (blocks, gate): (bool, bool),
    seen: Seen,
) -> Row {
    Row { name, matched_on, blocks, gate, seen }
}

/// It comes before an act, and can refuse it.
const GATE: (bool, bool) = (true, true);
/// It comes after, and can send an agent back to work.
const AFTER: (bool, bool) = (true, false);
/// It is only told.
const TOLD: (bool, bool) = (false, false);

const TOOL: Option<&str> = Some("tool_name");

use Seen::{Alarms, Announced, Connections, Execs, Models, Requests, Skills, Tool};

pub(crate) static EVENTS: [Row; 39] = [
    row("PreToolUse", TOOL, GATE, Tool),
    row("PermissionRequest", TOOL, GATE, Announced),
    row("PermissionDenied", TOOL, TOLD, Announced),
    row("PostToolUse", TOOL, AFTER, Announced),
    row("PostToolUseFailure", TOOL, AFTER, Announced),
    row("PostToolBatch", None, AFTER, Announced),
    row("UserPromptSubmit", None, GATE, Announced),
    row("UserPromptExpansion", Some("command_name"), GATE, Announced),
    row("SessionStart", Some("source"), TOLD, Announced),
    row("SessionEnd", Some("reason"), TOLD, Announced),
    row("Setup", Some("trigger"), TOLD, Announced),
    row("Stop", None, AFTER, Announced),
    row("StopFailure", Some("error"), TOLD, Announced),
    row("SubagentStart", Some("agent_type"), TOLD, Announced),
    row("SubagentStop", Some("agent_type"), AFTER, Announced),
    row("PreCompact", Some("trigger"), GATE, Announced),
    row("PostCompact", Some("trigger"), TOLD, Announced),
    row("PreModelSwitch", None, GATE, Announced),
    row("PostModelSwitch", None, TOLD, Announced),
    row("Notification", Some("notification_type"), TOLD, Announced),
    row("TaskCreated", None, GATE, Announced),
    row("TaskCompleted", None, AFTER, Announced),
    row("TeammateIdle", None, AFTER, Announced),
    row("Elicitation", Some("mcp_server_name"), GATE, Announced),
    row("ElicitationResult", Some("mcp_server_name"), GATE, Announced),
    row("ConfigChange", Some("source"), GATE, Announced),
    row("WorktreeRemove", None, TOLD, Announced),
    row("InstructionsLoaded", Some("load_reason"), TOLD, Announced),
    row("CwdChanged", None, TOLD, Announced),
    row("FileChanged", Some("file_path"), TOLD, Announced),
    row("DirectoryAdded", Some("source"), TOLD, Announced),
    row("MessageDisplay", None, TOLD, Announced),
    row("PreConnect", Some("host"), GATE, Connections),
    row("PreRequest", Some("host"), GATE, Requests),
    row("PreModelCall", Some("model"), GATE, Models),
    row("PostModelCall", Some("model"), TOLD, Models),
    row("Alarm", Some("alarm"), TOLD, Alarms),
    row("PreSkillLoad", Some("skill"), GATE, Skills),
    row("PreExec", Some("program"), GATE, Execs),
];
