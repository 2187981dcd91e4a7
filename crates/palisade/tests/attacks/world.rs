//! An operator's machine in small: a home with secrets, a workspace, a policy, a journal.

use std::{
    ffi::OsStr,
    fmt,
    io::Read,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::tools;

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// The variable of the operator that must not get inside, and what it holds.
pub(crate) const SECRET: (&str, &str) = ("OPERATORS_KEY", "sk-the-operators-own-and-real-key");

#[derive(Debug)]
pub(crate) struct World {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

impl World {
    /// With a policy that adds `policy` to the profile `shell`. `None` if the machine has not what
    /// it takes, which is said.
    pub(crate) fn new(policy: &str) -> Option<Self> {
        if !tools::have(&["gcc", "python3", "unshare"]) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("world").tempdir().unwrap();
        tools::open_to_all(folder.path());
        let world = Self { folder, variables: Vec::new() };
        for path in [world.home(), world.workspace(), world.at("config")] {
            std::fs::create_dir(path).unwrap();
        }
        let tools = tools::folder()?.display();
        world.write("config/tools.yaml", &format!("palisade: 1\nfilesystem:\n  read: [{tools}]\n"));
        // A policy names what lies elsewhere by its whole path; the tests have the world's as `../`.
        let policy = policy.replace("../", &format!("{}/", world.at("").display()));
        world.write(
            "config/attack.yaml",
            &format!("palisade: 1\nextends: [shell, ./tools.yaml]\n{policy}\n"),
        );
        for (path, text) in [
            ("home/.ssh/id_ed25519", "the operator's private key\n"),
            ("home/.bashrc", "# the operator's\n"),
            ("home/notes.txt", "the operator's notes\n"),
        ] {
            world.write(path, text);
        }
        Some(world)
    }

    /// With the profile alone.
    pub(crate) fn plain() -> Option<Self> {
        Self::new("")
    }

    /// The operator has this variable.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    pub(crate) fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.at("home")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.at("work")
    }

    /// Write a file of the operator's, its folders too.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Write a program of the operator's, its folders too.
    pub(crate) fn program(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        palisade_testkit::write_program(path, text);
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// The environment of the operator, for `palisade` and for what runs unconfined.
    fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", self.home())
            .env("USER", "operator")
            .env("PALISADE_STATE", self.at("state"))
            .env("PALISADE_CONFIG", self.at("config"))
            .env(SECRET.0, SECRET.1)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.workspace())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn palisade(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_palisade"))
    }

    /// `palisade run` with the policy and this command.
    pub(crate) fn run(&self, argv: &[impl AsRef<OsStr>]) -> Command {
        let mut command = self.palisade();
        command.args(["run", "--policy"]).arg(self.at("config/attack.yaml")).arg("--").args(argv);
        command
    }

    /// Run it inside, to its end.
    pub(crate) fn inside(&self, argv: &[impl AsRef<OsStr>]) -> Ran {
        finish(&mut self.run(argv))
    }

    /// Python inside, with this behind it in `sys.argv`.
    pub(crate) fn inside_python_with(&self, program: &str, arguments: &[&str]) -> Ran {
        let mut argv = vec!["/usr/bin/python3", "-c", program];
        argv.extend(arguments);
        self.inside(&argv)
    }

    /// A shell script inside.
    pub(crate) fn inside_sh(&self, script: &str) -> Ran {
        self.inside(&["/bin/sh", "-c", script])
    }

    /// A Python program inside.
    pub(crate) fn inside_python(&self, program: &str) -> Ran {
        self.inside(&["/usr/bin/python3", "-c", program])
    }

    /// The same without Palisade.
    pub(crate) fn outside(&self, argv: &[impl AsRef<OsStr>]) -> Ran {
        let (program, arguments) = argv.split_first().unwrap();
        finish(self.command(program).args(arguments))
    }

    pub(crate) fn outside_sh(&self, script: &str) -> Ran {
        self.outside(&["/bin/sh", "-c", script])
    }

    pub(crate) fn outside_python(&self, program: &str) -> Ran {
        self.outside(&["/usr/bin/python3", "-c", program])
    }

    /// The events of the journal.
    pub(crate) fn events(&self) -> Vec<Value> {
        let ran = finish(self.palisade().args(["audit", "query", "--json"]));
        assert_eq!(ran.code, Some(0), "{ran}");
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Exactly these denials are in the journal, whatever is allowed besides: kind and subject. It
    /// verifies.
    pub(crate) fn assert_denials(&self, expected: &[(&str, &str)]) {
        let events = self.events();
        let denied: Vec<(&str, &str)> = events
            .iter()
            // What Landlock refuses is there or not, as the machine's auditing is.
            .filter(|event| event["decision"] == "deny" && event["kind"] != "access")
            .map(|event| (event["kind"].as_str().unwrap(), event["subject"].as_str().unwrap()))
            .collect();
        for one in expected {
            assert!(denied.contains(one), "{one:?} is not in the journal: {denied:?}");
        }
        for one in &denied {
            assert!(expected.contains(one), "{one:?} is in the journal and was not meant to be");
        }
        self.verify();
    }

    /// The reason of the first denial with this subject.
    pub(crate) fn why_denied(&self, subject: &str) -> String {
        let events = self.events();
        let found = events
            .iter()
            .find(|event| event["decision"] == "deny" && event["subject"] == subject)
            .unwrap_or_else(|| panic!("nothing about {subject} was denied: {events:?}"));
        found["reason"].as_str().unwrap().to_owned()
    }

    /// `palisade audit verify` finds nothing wrong.
    pub(crate) fn verify(&self) {
        let ran = finish(self.palisade().args(["audit", "verify"]));
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Some attacks take rights away, and a folder without them cannot be removed.
        let mut all = Command::new("/bin/chmod");
        all.args(["-R", "u+rwX"]).arg(self.folder.path());
        all.stderr(Stdio::null()).status().map(drop).unwrap_or_default();
    }
}

/// What a program left.
#[derive(Debug)]
pub(crate) struct Ran {
    /// Its exit code, if it was not killed.
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it printed, without the last line end; it must have ended well.
    pub(crate) fn good(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self}");
        self.out.trim_end()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {:?}, signal {:?}\n--- out\n{}", self.code, self.signal, self.out)?;
        write!(f, "\n--- err\n{}", self.err)
    }
}

/// How often a flood does what is refused: as `PALISADE_FLOOD` says, else so often that what is counted by itself would
/// be seen.
pub(crate) fn flood() -> u64 {
    std::env::var("PALISADE_FLOOD").ok().and_then(|many| many.parse().ok()).unwrap_or(100_000)
}

/// Run a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    end_of(child)
}

/// See a child with piped output to its end.
pub(crate) fn end_of(mut child: Child) -> Ran {
    fn hear(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut from) = from {
                from.read_to_end(&mut bytes).unwrap();
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }
    let (out, err) = (hear(child.stdout.take()), hear(child.stderr.take()));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(3));
    };
    Ran {
        code: status.code(),
        signal: status.signal(),
        out: out.join().unwrap(),
        err: err.join().unwrap(),
    }
}
