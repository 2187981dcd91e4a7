use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::ran::{self, Ran, palisade};

/// A home, a workspace and what lies beside it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        for name in ["work", "outside"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        fs::write(
            place.path("policy.yaml"),
            format!(
                "palisade: 1\nextends: [shell]\nfilesystem:\n  workspace: {{path: {}, access: overlay}}\n",
                place.path("work").display()
            ),
        )
        .unwrap();
        for (path, text) in files {
            let path = place.work(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        place
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    pub(crate) fn work(&self, path: &str) -> PathBuf {
        self.path("work").join(path)
    }

    /// The folder of changes of the only overlay.
    pub(crate) fn upper(&self) -> PathBuf {
        let all = fs::read_dir(self.path("state/workspaces")).unwrap();
        all.map(|entry| entry.unwrap().path()).last().unwrap().join("layers/upper")
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = palisade(&self.path(""));
        command.current_dir(self.path("work")).stdin(Stdio::null());
        command
    }

    /// Another program in the same environment.
    pub(crate) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.path(""))
            .env("PALISADE_STATE", self.path("state"))
            .env("PALISADE_CONFIG", self.path("config"))
            .current_dir(self.work(""));
        command
    }

    /// A shell script that may mount, and whose mounts nobody else sees. `$P` is palisade.
    pub(crate) fn with_mounts(&self, script: &str) -> Command {
        let mut command = self.command_of("unshare");
        command.arg("--mount");
        if !rustix::process::geteuid().is_root() {
            command.args(["--user", "--map-current-user", "--keep-caps"]);
        }
        command
            .args(["sh", "-c", script])
            .env("P", env!("CARGO_BIN_EXE_palisade"))
            .env("POLICY", self.path("policy.yaml"));
        command
    }

    /// `palisade run` of this program.
    pub(crate) fn inside(&self, program: &[&str]) -> Command {
        let mut command = self.command();
        command.args(["run", "--quiet", "--policy"]).arg(self.path("policy.yaml"));
        command.arg("--").args(program);
        command
    }

    /// Run a shell script in a sandbox.
    pub(crate) fn sh(&self, script: &str) -> Ran {
        let ran = ran::run(&mut self.inside(&["sh", "-c", script]));
        assert_eq!(ran.exit, 0, "{script}\n{ran}");
        ran
    }

    /// Run Python in a sandbox.
    pub(crate) fn python(&self, script: &str) -> Ran {
        let ran = ran::run(&mut self.inside(&["/usr/bin/python3", "-c", script]));
        assert_eq!(ran.exit, 0, "{script}\n{ran}");
        ran
    }

    /// `palisade workspace …`
    pub(crate) fn workspace(&self, args: &[&str]) -> Ran {
        ran::run(self.command().arg("workspace").args(args))
    }

    /// Apply all, as an operator who has looked at it.
    pub(crate) fn apply(&self) -> Ran {
        let ran = self.workspace(&["apply", "--yes", "--sensitive"]);
        assert_eq!(ran.exit, 0, "{ran}");
        ran
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.work(path)).unwrap()
    }

    /// What the journal has of this kind, a JSON object a line.
    pub(crate) fn journal(&self, kind: &str) -> String {
        let ran = ran::run(self.command().args(["audit", "query", "--json", "--kind", kind]));
        assert_eq!(ran.exit, 0, "{ran}");
        ran.stdout
    }

    pub(crate) fn journal_is_whole(&self) {
        let ran = ran::run(self.command().args(["audit", "verify"]));
        assert_eq!(ran.exit, 0, "{ran}");
    }
}

/// Wait until something holds, as long as a loaded machine may take.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < limit, "not in time: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
