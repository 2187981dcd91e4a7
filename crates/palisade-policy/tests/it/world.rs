use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use palisade_policy::{
    CommandLine, Diagnostics, Policy, ProjectFile, Sources, load, project_file, trust,
};

/// A machine with nothing on it but the documents that a test writes.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) sources: Sources,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        for name in ["work", "home", "config", "state", "etc"] {
            fs::create_dir(base.join(name)).unwrap();
            fs::set_permissions(base.join(name), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let sources = Sources {
            command_line: None,
            asked: palisade_policy::Asked::default(),
            workspace_dir: base.join("work"),
            home: base.join("home"),
            config_dir: base.join("config"),
            state_dir: base.join("state"),
            managed: base.join("etc/managed.yaml"),
            default_profile: "shell".into(),
        };
        Self { folder, sources }
    }

    /// A path in its folder.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }

    pub(crate) fn managed(&self, rest: &str) -> &Self {
        self.write(&self.sources.managed, &format!("palisade: 1\n{rest}\n"));
        self
    }

    pub(crate) fn user(&self, rest: &str) -> &Self {
        let path = self.sources.config_dir.join("policy.yaml");
        self.write(&path, &format!("palisade: 1\n{rest}\n"));
        self
    }

    pub(crate) fn project(&self, rest: &str) -> &Self {
        self.write(&self.at("work/palisade.yaml"), &format!("palisade: 1\n{rest}\n"));
        self
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> &Self {
        self.write(&self.at(name), text);
        self
    }

    pub(crate) fn look(&self) -> Result<ProjectFile, Diagnostics> {
        project_file(&self.at("work/palisade.yaml"), &self.sources)
    }

    /// Trust the project's file as it is.
    pub(crate) fn trust(&self) -> &Self {
        let file = self.look().unwrap_or_else(|found| panic!("{found}"));
        trust(&self.sources.state_dir, &file.path, &file.digest).unwrap();
        self
    }

    pub(crate) fn load(&self) -> Result<Policy, Diagnostics> {
        load(&self.sources)
    }

    /// As `palisade learn` does.
    pub(crate) fn learning(&self) -> Result<Policy, Diagnostics> {
        let mut sources = self.sources.clone();
        sources.asked.ask = true;
        load(&sources)
    }

    pub(crate) fn policy(&self) -> Policy {
        self.load().unwrap_or_else(|found| panic!("{found}"))
    }

    /// What is wrong, with the folder taken out.
    pub(crate) fn wrong(&self) -> String {
        let found = self.load().expect_err("it was taken");
        assert!(found.iter().all(|one| !one.help.is_empty()), "{found}");
        found.to_string().replace(&self.at("").display().to_string(), "/")
    }

    pub(crate) fn with_policy(mut self, path: &Path) -> Self {
        self.sources.command_line = Some(CommandLine::File(path.to_owned()));
        self
    }
}
