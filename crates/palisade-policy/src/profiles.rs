/// A policy that comes with Palisade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name, for `--profile` and `extends`.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
    /// The document.
    pub text: &'static str,
    /// What it says, without the places where: JSON, which takes a twentieth of the time to read. A test holds the
    /// two to the same, and writes this one when `PALISADE_WRITE_PROFILES` is set.
    pub(crate) said: &'static str,
}

/// All of them.
pub const PROFILES: [Profile; 5] = [
    Profile {
        name: "shell",
        about: "any command: the workspace and the system's programs, no network, no models",
        text: include_str!("../profiles/shell.yaml"),
        said: include_str!("../profiles/shell.json"),
    },
    Profile {
        name: "claude-code",
        about: "Claude Code: what `shell` has, and Anthropic's models",
        text: include_str!("../profiles/claude-code.yaml"),
        said: include_str!("../profiles/claude-code.json"),
    },
    Profile {
        name: "codex",
        about: "Codex: what `shell` has, and OpenAI's models",
        text: include_str!("../profiles/codex.yaml"),
        said: include_str!("../profiles/codex.json"),
    },
    Profile {
        name: "gemini",
        about: "gemini-cli: what `shell` has, and Google's models",
        text: include_str!("../profiles/gemini.yaml"),
        said: include_str!("../profiles/gemini.json"),
    },
    Profile {
        name: "openclaw",
        about: "OpenClaw: what `shell` has, and the models of both",
        text: include_str!("../profiles/openclaw.yaml"),
        said: include_str!("../profiles/openclaw.json"),
    },
];

/// The one of this name.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{document::Document, parse};

    #[test]
    fn what_a_profile_says_beforehand_is_what_its_document_says() {
        for profile in &PROFILES {
            let value = parse::value(profile.name, profile.text.as_bytes()).unwrap();
            let said = format!("{value}\n");
            let file = format!("profiles/{}.json", profile.name);
            if std::env::var_os("PALISADE_WRITE_PROFILES").is_some() {
                std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file), &said).unwrap();
                continue;
            }
            assert_eq!(profile.said, said, "PALISADE_WRITE_PROFILES=1 writes {file}");
            // Else it would be read the long way, and nobody would see.
            let quick = serde_json::from_str::<Document>(profile.said);
            quick.unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}
