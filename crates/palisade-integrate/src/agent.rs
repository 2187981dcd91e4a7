use std::path::{Path, PathBuf};

use palisade_hooks::Agent;

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
    /// How hooks stand in it.
    pub form: Form,
    /// What is left for the user to do.
    pub then: Option<&'static str>,
}

/// Of agents whose interface is known from their documents alone.
const UNTRIED: &str = "this is written as the agent's documents say, and was not tried with the agent itself: see that a call \
     that the policy refuses is refused";

/// How this agent is told.
///
/// # Errors
/// Why this version does not: only what is tried with the real agent is installed.
pub fn installable(agent: Agent) -> Result<Installable, &'static str> {
    match agent {
        // https://code.claude.com/docs/en/settings
        Agent::ClaudeCode => Ok(Installable {
            variable: Some("CLAUDE_CONFIG_DIR"),
            folder: ".claude",
            file: "settings.json",
            project: Some(".claude/settings.local.json"),
            form: Form::Groups(Unit::Seconds),
            then: None,
        }),
        // https://developers.openai.com/codex/hooks
        Agent::Codex => Ok(Installable {
            variable: Some("CODEX_HOME"),
            folder: ".codex",
            file: "hooks.json",
            project: None,
            form: Form::Groups(Unit::Seconds),
            then: Some(
                "Codex runs no hook before you have trusted it: start `codex`, and trust this one in `/hooks`",
            ),
        }),
        // https://geminicli.com/docs/hooks/reference
        Agent::Gemini => Ok(Installable {
            variable: None,
            folder: ".gemini",
            file: "settings.json",
            project: None,
            form: Form::Groups(Unit::Milliseconds),
            then: None,
        }),
        // https://cursor.com/docs/agent/hooks
        Agent::Cursor => Ok(Installable {
            variable: None,
            folder: ".cursor",
            file: "hooks.json",
            project: None,
            form: Form::Commands,
            then: Some(UNTRIED),
        }),
        Agent::OpenClaw => Err(
            "it takes hooks from a plugin in its own process only, and none is part of this version",
        ),
    }
}

impl Installable {
    /// The user's settings: `moved` is the variable's value.
    pub fn of_user(&self, home: &Path, moved: Option<PathBuf>) -> PathBuf {
        let moved = moved.filter(|folder| folder.is_absolute());
        moved.unwrap_or_else(|| home.join(self.folder)).join(self.file)
    }
}
