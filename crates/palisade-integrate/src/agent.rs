use std::path::{Path, PathBuf};

use palisade_hooks::Agent;
use serde_json::Value;

use crate::edit::{Form, Unit};

/// How an agent is told of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installable {
    /// The variable that moves the folder of the user's settings, if there is one.
    pub variable: Option<&'static str>,
    /// That folder, in the home folder.
    pub folder: &'static str,
    /// The file of the user's settings in it.
    pub file: &'static str,
    /// The file of a project's settings that is not for others, below the project.
    pub project: Option<&'static str>,
    /// How hooks stand in it; none: it is the program of a plugin of our own ([`crate::plugin`]).
    pub form: Option<Form>,
    /// What is left for the user to do.
    pub then: Option<&'static str>,
}

/// Of agents whose interface is known from their documents alone.
const UNTRIED: &str = "this is written as the agent's documents say, and was not tried with the agent itself: see that a call \
     that the policy refuses is refused";

/// How this agent is told.
pub fn installable(agent: Agent) -> Installable {
    match agent {
        // https://code.claude.com/docs/en/settings
        Agent::ClaudeCode => Installable {
            variable: Some("CLAUDE_CONFIG_DIR"),
            folder: ".claude",
            file: "settings.json",
            project: Some(".claude/settings.local.json"),
            form: Some(Form::Groups(Unit::Seconds)),
            then: None,
        },
        // https://developers.openai.com/codex/hooks
        Agent::Codex => Installable {
            variable: Some("CODEX_HOME"),
            folder: ".codex",
            file: "hooks.json",
            project: None,
            form: Some(Form::Groups(Unit::Seconds)),
            then: Some(
                "Codex runs no hook before you have trusted it: start `codex`, and trust this one in `/hooks`",
            ),
        },
        // https://geminicli.com/docs/hooks/reference
        Agent::Gemini => Installable {
            variable: None,
            folder: ".gemini",
            file: "settings.json",
            project: None,
            form: Some(Form::Groups(Unit::Milliseconds)),
            then: None,
        },
        // https://cursor.com/docs/agent/hooks
        Agent::Cursor => Installable {
            variable: None,
            folder: ".cursor",
            file: "hooks.json",
            project: None,
            form: Some(Form::Commands),
            then: Some(UNTRIED),
        },
        // https://docs.openclaw.ai/plugins/hooks: hooks are functions of a plugin in its own process.
        Agent::OpenClaw => Installable {
            variable: Some("OPENCLAW_STATE_DIR"),
            folder: ".openclaw",
            file: "extensions/palisade/index.js",
            project: None,
            form: None,
            then: Some(
                "`openclaw agent exec` loads no plugin like this, so nothing is decided there; a gateway that runs loads it when it is started again (`openclaw plugins inspect palisade` says what is)",
            ),
        },
    }
}

/// Why settings of this agent keep its hooks from being run, if they do. What cannot be read is no reason.
///
/// Sources: <https://code.claude.com/docs/en/settings>, `disableAllHooks`; gemini-cli 0.61.0, `hooksConfig` and, before
/// it, `tools.enableHooks`.
pub fn switched_off(agent: Agent, settings: &str) -> Option<&'static str> {
    let settings: Value = serde_json::from_str(settings).ok()?;
    let is = |pointer: &str, word: bool| settings.pointer(pointer) == Some(&Value::Bool(word));
    match agent {
        Agent::ClaudeCode if is("/disableAllHooks", true) => Some("`disableAllHooks` is true"),
        Agent::Gemini if is("/hooksConfig/enabled", false) => {
            Some("`hooksConfig.enabled` is false")
        }
        Agent::Gemini if is("/tools/enableHooks", false) => Some("`tools.enableHooks` is false"),
        _ => None,
    }
}

impl Installable {
    /// The user's settings: `moved` is the variable's value.
    pub fn of_user(&self, home: &Path, moved: Option<PathBuf>) -> PathBuf {
        let moved = moved.filter(|folder| folder.is_absolute());
        moved.unwrap_or_else(|| home.join(self.folder)).join(self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_run_no_hook_are_told() {
        for (agent, settings, off) in [
            (Agent::ClaudeCode, r#"{"disableAllHooks": true}"#, true),
            (Agent::ClaudeCode, r#"{"disableAllHooks": false}"#, false),
            (Agent::ClaudeCode, r#"{"hooksConfig": {"enabled": false}}"#, false),
            (Agent::Gemini, r#"{"hooksConfig": {"enabled": false}}"#, true),
            (Agent::Gemini, r#"{"hooksConfig": {"enabled": true}}"#, false),
            (Agent::Gemini, r#"{"tools": {"enableHooks": false}}"#, true),
            (Agent::Codex, r#"{"disableAllHooks": true}"#, false),
            (Agent::ClaudeCode, "", false),
            (Agent::ClaudeCode, "{", false),
        ] {
            assert_eq!(switched_off(agent, settings).is_some(), off, "{agent:?} {settings}");
        }
    }
}
