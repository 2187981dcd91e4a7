/// A policy that comes with Palisade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name, for `--profile` and `extends`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// The document.
    pub text: &'static str,
}

/// All of them.
pub const PROFILES: [Profile; 4] = [
    Profile {
        name: "shell",
        about: "any command: the workspace and the system's programs, no network, no models",
        text: include_str!("../profiles/shell.yaml"),
    },
    Profile {
        name: "claude-code",
        about: "Claude Code: what `shell` has, and Anthropic's models",
        text: include_str!("../profiles/claude-code.yaml"),
    },
    Profile {
        name: "codex",
        about: "Codex: what `shell` has, and OpenAI's models",
        text: include_str!("../profiles/codex.yaml"),
    },
    Profile {
        name: "openclaw",
        about: "OpenClaw: what `shell` has, and the models of both",
        text: include_str!("../profiles/openclaw.yaml"),
    },
];

/// The one of this name.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}
