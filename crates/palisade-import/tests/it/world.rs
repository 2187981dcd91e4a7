//! A home, a project and a machine's settings, for one import.

use std::{fs, path::PathBuf};

use palisade_import::{ImportError, Imported, Outcome, Request, Tool, import};
use palisade_policy::{Policy, check_text};

pub(crate) struct World {
    folder: tempfile::TempDir,
}

pub(crate) const PROJECT: &str = "home/project";

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["home/project", "etc"] {
            fs::create_dir_all(world.path(folder)).unwrap();
        }
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// Says that the project is trusted, as Claude Code keeps it.
    pub(crate) fn trusted(&self) -> &Self {
        let project = self.path(PROJECT).display().to_string();
        let text = serde_json::json!({"projects": {project: {"hasTrustDialogAccepted": true}}});
        self.write("home/.claude.json", text.to_string())
    }

    pub(crate) fn request(&self, tool: Tool, paths: &[&str]) -> Request {
        Request {
            tool,
            paths: paths.iter().map(|path| self.path(path)).collect(),
            project: self.path(PROJECT),
            home: self.path("home"),
            settings: None,
            machine: self.path("etc"),
            base: self.path(PROJECT),
        }
    }

    pub(crate) fn try_import(&self, tool: Tool, paths: &[&str]) -> Result<Came, ImportError> {
        let request = self.request(tool, paths);
        let imported = import(&request)?;
        let policy =
            check_text("p", &imported.text, &request.base, &request.project, &request.home)
                .unwrap_or_else(|wrong| panic!("{wrong}\n{}", imported.text));
        Ok(Came { imported, policy })
    }

    pub(crate) fn import(&self, tool: Tool, paths: &[&str]) -> Came {
        self.try_import(tool, paths).unwrap()
    }
}

/// What came of an import.
pub(crate) struct Came {
    pub(crate) imported: Imported,
    pub(crate) policy: Policy,
}

impl Came {
    pub(crate) fn text(&self) -> &str {
        &self.imported.text
    }

    /// Each rule of a list of permissions.
    pub(crate) fn rules(&self, list: &str) -> Vec<&str> {
        let Some(permissions) = &self.policy.permissions else { return Vec::new() };
        let rules = match list {
            "allow" => &permissions.allow,
            "ask" => &permissions.ask,
            _ => &permissions.deny,
        };
        rules.iter().map(|rule| rule.text.as_str()).collect()
    }

    /// How a thing went, by the first note about it.
    pub(crate) fn outcome(&self, what: &str) -> (Outcome, Option<u32>, &str) {
        let mut notes = self.imported.notes.iter();
        let found = notes.find(|note| note.what.contains(what));
        let found =
            found.unwrap_or_else(|| panic!("no note of {what}: {:#?}", self.imported.notes));
        (found.outcome, found.line, &found.why)
    }

    /// Whether a connection to this host at 443 is permitted for some request.
    pub(crate) fn reaches(&self, host: &str) -> bool {
        let name: palisade_core::HostName = host.parse().unwrap();
        let of = |rule: &&palisade_policy::NetworkRule| {
            rule.ports.contains(&443) && rule.hosts.iter().any(|host| host.matches(&name))
        };
        let rules: Vec<_> = self.policy.network.rules.iter().filter(of).collect();
        let denies = |rule: &&&palisade_policy::NetworkRule| {
            rule.http.iter().flatten().any(|http| http.effect == palisade_policy::Effect::Deny)
        };
        !rules.is_empty() && rules.iter().find(denies).is_none()
    }
}
