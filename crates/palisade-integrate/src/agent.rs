use std::path::{Path, PathBuf};

use palisade_hooks::Agent;

/// How an agent is told of a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installable {
    /// The variable that moves the folder of the user's settings.
    pub variable: &'static str,
    /// That folder, in the home folder.
    pub folder: &'static str,
    /// The file of the user's settings in it.
    pub file: &'static str,
    /// The file of a project's settings that is not for others, below the project.
    pub project: Option<&'static str>,
    /// What is left for the user to do.
    pub then: Option<&'static str>,
}

/// How this agent is told.
///
/// # Errors
/// Why this version does not: only what is tried with the real agent is installed.
pub fn installable(agent: Agent) -> Result<Installable, &'static str> {
    match agent {
        // https://code.claude.com/docs/en/settings
        Agent::ClaudeCode => Ok(Installable {
            variable: "CLAUDE_CONFIG_DIR",
            folder: ".claude",
            file: "settings.json",
            project: Some(".claude/settings.local.json"),
            then: None,
        }),
        // https://developers.openai.com/codex/hooks
        Agent::Codex => Ok(Installable {
            variable: "CODEX_HOME",
            folder: ".codex",
            file: "hooks.json",
            project: None,
            then: Some(
                "Codex runs no hook before you have trusted it: start `codex`, and trust this one in `/hooks`",
            ),
        }),
        Agent::Gemini => Err(
            "its hook interface is spoken by `palisade hook --agent gemini`, but this version was not tried with the real one: put it in its settings.json yourself",
        ),
        Agent::Cursor => Err(
            "its hook interface is spoken by `palisade hook --agent cursor`, but this version was not tried with the real one: put it in .cursor/hooks.json yourself",
        ),
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
