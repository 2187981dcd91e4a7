//! The demo's world: a home with a key in it, a workspace, a policy, all in one folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use palisade_selftest::Targets;
use palisade_session::Operator;
use tempfile::TempDir;

use crate::commands::hostile::random;

/// What the operator's shell runs at its start, in the demo's home.
const STARTUP: &str = "alias ll='ls -l'\n";
/// What is in the demo's home, for the agent to aim at.
pub(super) const IN_HOME: [&str; 2] = [".ssh", ".bashrc"];
/// The name that the policy lists. `.example` is nobody's (RFC 2606).
pub(super) const LISTED: &str = "listed.example";

#[derive(Debug)]
pub(super) struct Stage {
    folder: TempDir,
    /// Stands for the operator's model key and for the content of the SSH key.
    pub(super) secret: String,
}

impl Stage {
    pub(super) fn set() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("palisade-demo-").tempdir()?;
        let stage = Self { folder, secret: format!("sk-demo-{}", random()?) };
        for path in [stage.home().join(".ssh"), stage.workspace(), stage.state()] {
            fs::create_dir_all(path)?;
        }
        fs::write(
            stage.home().join(".ssh/id_ed25519"),
            format!("not a real key: {}\n", stage.secret),
        )?;
        fs::write(stage.home().join(".bashrc"), STARTUP)?;
        Ok(stage)
    }

    pub(super) fn write_policy(&self, port: u16) -> io::Result<PathBuf> {
        let path = self.path("demo.yaml");
        fs::write(&path, policy(port))?;
        Ok(path)
    }

    /// The agent's standard input.
    pub(super) fn input(&self, targets: &Targets) -> io::Result<fs::File> {
        let path = self.path("targets.json");
        fs::write(&path, serde_json::to_vec(targets)?)?;
        fs::File::open(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.path("work")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.path("state")
    }

    /// Whom the demo's commands are started by.
    pub(super) fn operator(&self) -> Operator {
        Operator {
            home: self.home(),
            directory: self.workspace(),
            state_dir: self.state(),
            config_dir: self.path("config"),
            environment: BTreeMap::new(),
        }
    }

    /// Leave the folder in place, and say where it is.
    pub(super) fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn policy(port: u16) -> String {
    format!(
        "palisade: 1\n\
         extends: [claude-code]\n\
         network:\n\
         \x20 hosts: {{{LISTED}: [127.0.0.1]}}\n\
         \x20 rules:\n\
         \x20   - {{name: listed, hosts: [{LISTED}], ports: [{port}], addresses: [127.0.0.1/32]}}\n\
         inference:\n\
         \x20 providers:\n\
         \x20   anthropic: {{api: anthropic, url: \"http://127.0.0.1:{port}\", credential: anthropic}}\n"
    )
}
